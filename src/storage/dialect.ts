/** Kysely's side of both engines: its compilers and adapters over drivers of our own. */
import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type RootOperationNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Engine } from './database.ts';

/** Runs one statement. */
export type Execute = (statement: Statement) => Promise<QueryResult<unknown>>;

/** What a driver is given to run. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly query: RootOperationNode;
}

/** How a transaction's connection is had and what is said to it. */
export interface TransactionDriver {
  /** Opens a transaction on a connection of its own. */
  begin(): Promise<OpenTransaction>;
  destroy(): Promise<void>;
}

/** Why a transaction was rolled back although its work returned: on both engines a statement that fails ends its transaction. */
export const SWALLOWED = 'a statement of the transaction had failed and the work went on: it was rolled back';

export interface OpenTransaction {
  readonly execute: Execute;
  commit(): Promise<void>;
  /** Never throws: a connection that cannot be rolled back is thrown away. */
  rollback(): Promise<void>;
}

/** A dialect for reads outside transactions: every statement goes to `execute`; transactions and statements that write are refused. */
export function readDialect(engine: Engine, execute: Execute): Dialect {
  const refuse = (): Promise<never> =>
    Promise.reject(new Error('Database.query is for reads; use Database.write for a transaction'));
  const connection = connectionOf((statement) => (isRead(statement.query) ? execute(statement) : refuse()));
  return dialectOf(engine, {
    init: () => Promise.resolve(),
    acquireConnection: () => Promise.resolve(connection),
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    releaseConnection: () => Promise.resolve(),
    destroy: () => Promise.resolve(),
  });
}

/** A dialect for transactions only. */
export function transactionDialect(engine: Engine, driver: TransactionDriver): Dialect {
  const open = new WeakMap<DatabaseConnection, OpenTransaction>();
  const transactionOf = (connection: DatabaseConnection): OpenTransaction => {
    const transaction = open.get(connection);
    if (transaction === undefined) throw new Error('this connection has no open transaction');
    return transaction;
  };
  return dialectOf(engine, {
    init: () => Promise.resolve(),
    acquireConnection: () => {
      const connection: DatabaseConnection = connectionOf((statement) =>
        transactionOf(connection).execute(statement),
      );
      return Promise.resolve(connection);
    },
    beginTransaction: async (connection) => {
      open.set(connection, await driver.begin());
    },
    commitTransaction: (connection) => transactionOf(connection).commit(),
    rollbackTransaction: (connection) => transactionOf(connection).rollback(),
    releaseConnection: () => Promise.resolve(),
    destroy: () => driver.destroy(),
  });
}

function isRead(query: RootOperationNode): boolean {
  return query.kind === 'SelectQueryNode' || query.kind === 'RawNode';
}

function connectionOf(execute: Execute): DatabaseConnection {
  return {
    executeQuery: <R>(statement: Statement) => execute(statement) as Promise<QueryResult<R>>,
    streamQuery: () => {
      throw new Error('streaming is not supported: page by a key instead');
    },
  };
}

function dialectOf(engine: Engine, driver: Driver): Dialect {
  return engine === 'sqlite'
    ? {
        createAdapter: () => new ConcurrentSqliteAdapter(),
        createDriver: () => driver,
        createIntrospector: (db) => new SqliteIntrospector(db),
        createQueryCompiler: () => new SqliteQueryCompiler(),
      }
    : {
        createAdapter: () => new PostgresAdapter(),
        createDriver: () => driver,
        createIntrospector: (db) => new PostgresIntrospector(db),
        createQueryCompiler: () => new PostgresQueryCompiler(),
      };
}

/** Kysely's own serialises all use of the database; our drivers queue where it is needed, with a time limit. */
class ConcurrentSqliteAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}
