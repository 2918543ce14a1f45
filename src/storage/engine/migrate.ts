/**
 * Brings a schema up to date. Each migration runs in a transaction together with the row that records it, so that a process killed at any
 * statement leaves the migration undone as a whole, and of two processes that start at once one waits for the other and then finds nothing to do.
 */
import { type CreateTableBuilder, sql, type Transaction } from 'kysely';
import type { Engine } from './database.ts';
import { DatabaseFault } from './fault.ts';

export interface Migration {
  /** 1, 2, 3 …; the last one's is the schema level of this build. */
  readonly version: number;
  readonly name: string;
  /** The oldest build, by its schema level, that can still use the database once this migration has run. */
  readonly oldestLevel: number;
  up(tools: MigrationTools): Promise<void>;
}

export interface MigrationTools {
  readonly tx: Transaction<SchemaRecord>;
  readonly engine: Engine;
  /** Column type of times and other integers beyond 32 bits. */
  readonly time: 'integer' | 'bigint';
  /** Creates a table; on SQLite STRICT and WITHOUT ROWID, so that a look-up by primary key is one descent. */
  readonly table: (
    name: string,
    columns: (table: CreateTableBuilder<string>) => CreateTableBuilder<string, string>,
  ) => Promise<void>;
}

/** The table that records the migrations; ours alone to read and write. */
export interface SchemaRecord {
  gatehouse_migrations: { version: number; name: string; oldest_level: number; applied_at: number };
}

export interface MigrationState {
  /** Schema level of the database; 0 when it is empty. */
  readonly level: number;
  /** The oldest build, by its schema level, that the database admits. */
  readonly oldestLevel: number;
  readonly applied: readonly { version: number; name: string; appliedAt: number }[];
  readonly pending: readonly { version: number; name: string }[];
}

/** One write transaction, durable when it resolves. */
export type WriteRecord = <T>(work: (tx: Transaction<SchemaRecord>) => Promise<T>) => Promise<T>;

/** "gate" in ASCII. */
const MIGRATION_LOCK = 0x67617465;

/**
 * Runs what is pending, one transaction a migration, and returns the state after it. Throws `DatabaseFault` when the schema is too new for this
 * build or when the database holds something else.
 */
export async function migrate(options: {
  engine: Engine;
  write: WriteRecord;
  now: () => number;
  migrations: readonly Migration[];
}): Promise<MigrationState> {
  const { engine, write, now, migrations } = options;
  for (;;) {
    const state = await write(async (tx) => {
      await lockSchema(tx, engine);
      await createRecord(tx, engine);
      const rows = await tx.selectFrom('gatehouse_migrations').selectAll().orderBy('version').execute();
      const before = stateOf(rows, migrations);
      assertUsable(before, migrations);
      const next = migrations.find(({ version }) => version > before.level);
      if (next === undefined) return before;
      await next.up({
        tx,
        engine,
        time: engine === 'sqlite' ? 'integer' : 'bigint',
        table: tableCreator(tx, engine),
      });
      await tx
        .insertInto('gatehouse_migrations')
        .values({ version: next.version, name: next.name, oldest_level: next.oldestLevel, applied_at: now() })
        .execute();
      return undefined;
    });
    if (state !== undefined) return state;
  }
}

/** What the rows of `gatehouse_migrations`, in order, say. */
export function stateOf(
  rows: readonly SchemaRecord['gatehouse_migrations'][],
  migrations: readonly Migration[],
): MigrationState {
  const level = rows.at(-1)?.version ?? 0;
  return {
    level,
    oldestLevel: Math.max(0, ...rows.map((row) => row.oldest_level)),
    applied: rows.map((row) => ({ version: row.version, name: row.name, appliedAt: row.applied_at })),
    pending: migrations
      .filter(({ version }) => version > level)
      .map(({ version, name }) => ({ version, name })),
  };
}

/** Throws when a newer build has changed the schema beyond what this one understands. */
function assertUsable(state: MigrationState, migrations: readonly Migration[]): void {
  const ours = migrations.at(-1)?.version ?? 0;
  if (ours >= state.oldestLevel) return;
  throw new DatabaseFault(
    `the database has schema level ${String(state.level)}, made by a newer Gatehouse; this one has level ${String(ours)} and the database needs at least ${String(state.oldestLevel)}`,
    'start the newer version, or restore the backup that was made before the upgrade',
  );
}

async function lockSchema(tx: Transaction<SchemaRecord>, engine: Engine): Promise<void> {
  // SQLite's BEGIN IMMEDIATE has locked the file already. Transaction-level, so it also works behind PgBouncer.
  if (engine === 'postgres') await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(tx);
}

async function createRecord(tx: Transaction<SchemaRecord>, engine: Engine): Promise<void> {
  const names = await tableNames(tx, engine);
  if (names.includes('gatehouse_migrations')) return;
  if (names.length > 0) {
    throw new DatabaseFault(
      'the database belongs to another program (it has tables, but none of Gatehouse)',
      'point database.url to a database of its own',
    );
  }
  await tx.schema
    .createTable('gatehouse_migrations')
    .addColumn('version', 'integer', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('oldest_level', 'integer', (c) => c.notNull())
    .addColumn('applied_at', engine === 'sqlite' ? 'integer' : 'bigint', (c) => c.notNull())
    .$call((table) => (engine === 'sqlite' ? table.modifyEnd(sql`strict`) : table))
    .execute();
}

async function tableNames(tx: Transaction<SchemaRecord>, engine: Engine): Promise<string[]> {
  const { rows } =
    engine === 'sqlite'
      ? await sql<{
          name: string;
        }>`select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'`.execute(
          tx,
        )
      : await sql<{
          name: string;
        }>`select tablename as name from pg_tables where schemaname = current_schema()`.execute(tx);
  return rows.map(({ name }) => name);
}

function tableCreator(tx: Transaction<SchemaRecord>, engine: Engine): MigrationTools['table'] {
  return async (name, columns) => {
    const table = columns(tx.schema.createTable(name));
    await (engine === 'sqlite' ? table.modifyEnd(sql`strict, without rowid`) : table).execute();
  };
}
