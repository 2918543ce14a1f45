/** Kysely's side of both engines: its compilers over drivers of our own. */
import {
  type DatabaseConnection,
  DefaultQueryExecutor,
  type Dialect,
  type Driver,
  Kysely,
  type KyselyProps,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type RootOperationNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  Transaction,
} from 'kysely';
import type { Engine } from './database.ts';
import { withStorableText } from './storable-text.ts';

/** Runs one statement. */
export type Execute = (statement: Statement) => Promise<QueryResult<unknown>>;

/** What a driver is given to run. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly query: RootOperationNode;
  /** Of a hot query: the same for the same SQL, so that a server may keep its plan. */
  readonly name?: string;
  /** Of a hot query: how its rows are made, if the engine gives them as arrays. */
  readonly literal?: RowLiteral | undefined;
}

/** The row of a statement's values, written as one object literal. */
export type RowLiteral = (values: readonly unknown[]) => Record<string, unknown>;

/** Why a transaction was rolled back although its work returned: on both engines a statement that fails ends its transaction. */
export const SWALLOWED = 'a statement of the transaction had failed and the work went on: it was rolled back';

/** A transaction that has begun, on a connection of its own. After its end it refuses statements. */
export interface OpenTransaction {
  readonly execute: Execute;
  commit(): Promise<void>;
  /** Never throws: a connection that cannot be rolled back is thrown away. */
  rollback(): Promise<void>;
}

/** Kysely over a transaction that has begun. To let Kysely begin it would cost more than a short transaction itself. */
export function transactionOver<S>(engine: Engine, transaction: OpenTransaction): Transaction<S> {
  const execute = withStorableText(transaction.execute);
  return withDirectPath(new Transaction<S>(propsOver(engine, execute)), { engine, execute });
}

/** Kysely for reads outside transactions, each by `run`: transactions and statements that write are refused. */
export function readsOver<S>(engine: Engine, run: Execute): Kysely<S> {
  const execute = withStorableText((statement: Statement) =>
    isRead(statement.query) ? run(statement) : refuse(),
  );
  return withDirectPath(new Kysely<S>(propsOver(engine, execute)), { engine, execute });
}

/** The way to a database past Kysely's executor, for queries that are compiled already. */
export interface DirectPath {
  readonly engine: Engine;
  readonly execute: Execute;
}

const DIRECT_PATH = Symbol('direct path');

function withDirectPath<Db extends object>(db: Db, path: DirectPath): Db {
  return Object.assign(db, { [DIRECT_PATH]: path });
}

export function directPathOf(db: object): DirectPath {
  const path = (db as { readonly [DIRECT_PATH]?: DirectPath })[DIRECT_PATH];
  if (path === undefined) throw new Error('this Kysely has no direct path: it was not made in dialect.ts');
  return path;
}

function isRead(query: RootOperationNode): boolean {
  return query.kind === 'SelectQueryNode' || query.kind === 'RawNode';
}

const refuse = (): Promise<never> =>
  Promise.reject(new Error('Database.query is for reads; use Database.write for a transaction'));

/** Connections and transactions are not Kysely's business: it is only given something to run statements on. */
const driver: Driver = {
  init: () => Promise.resolve(),
  acquireConnection: refuse,
  beginTransaction: refuse,
  commitTransaction: refuse,
  rollbackTransaction: refuse,
  releaseConnection: () => Promise.resolve(),
  destroy: () => Promise.resolve(),
};

const dialects: Readonly<Record<Engine, Dialect>> = {
  sqlite: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => driver,
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
  postgres: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => driver,
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
};

const compilers = {
  sqlite: dialects.sqlite.createQueryCompiler(),
  postgres: dialects.postgres.createQueryCompiler(),
};
const adapters = { sqlite: dialects.sqlite.createAdapter(), postgres: dialects.postgres.createAdapter() };

function propsOver(engine: Engine, execute: Execute): KyselyProps {
  const dialect = dialects[engine];
  const connection: DatabaseConnection = {
    executeQuery: <R>(statement: Statement) => execute(statement) as Promise<QueryResult<R>>,
    streamQuery: () => {
      throw new Error('streaming is not supported: page by a key instead');
    },
  };
  const executor = new DefaultQueryExecutor(compilers[engine], adapters[engine], {
    provideConnection: (consumer) => consumer(connection),
  });
  return { config: { dialect }, dialect, driver, executor };
}
