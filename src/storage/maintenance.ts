/** What `gatehouse database status` and `backup` and the doctor do: look at a database, or copy it, without changing it. */
import { closeSync, existsSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqliteFile } from '../protocol/sqlite-url.ts';
import type { Database } from './engine/database.ts';
import { DatabaseFault } from './engine/fault.ts';
import { type MigrationState, stateOf } from './engine/migrate.ts';
import { migrations } from './migrations/index.ts';
import { openPostgresPool } from './engine/postgres-pool.ts';
import { explainPostgresFailure } from './engine/postgres-settings.ts';
import { mapSqliteError } from './engine/sqlite-errors.ts';
import { explainSqliteFailure } from './engine/sqlite-file.ts';

export interface DatabaseStatus extends MigrationState {
  readonly engine: Database['engine'];
  /** Schema level of this build. */
  readonly buildLevel: number;
}

const RECORD = 'select version, name, oldest_level, applied_at from gatehouse_migrations order by version';

/** Which migrations have run. Changes nothing. Throws `DatabaseFault` if the database cannot be read. */
export async function readDatabaseStatus(url: string): Promise<DatabaseStatus> {
  const engine = url.startsWith('sqlite:') ? 'sqlite' : 'postgres';
  const rows = await readRows(url, 'gatehouse_migrations', RECORD);
  return {
    engine,
    buildLevel: migrations.at(-1)?.version ?? 0,
    ...stateOf(rows as Parameters<typeof stateOf>[0], migrations),
  };
}

export interface IdpDocumentAge {
  readonly providerId: string;
  readonly kind: 'metadata' | 'jwks';
  /** Wall-clock time at which the provider last confirmed it, in milliseconds. */
  readonly fetchedAt: number;
}

/** How old the last good documents of the providers are. Changes nothing. Throws `DatabaseFault` if the database cannot be read. */
export async function readIdpDocumentAges(url: string): Promise<IdpDocumentAge[]> {
  const rows = await readRows(
    url,
    'idp_documents',
    'select provider_id, kind, fetched_at from idp_documents order by provider_id, kind',
  );
  return (rows as { provider_id: string; kind: IdpDocumentAge['kind']; fetched_at: number | string }[]).map(
    (row) => ({ providerId: row.provider_id, kind: row.kind, fetchedAt: Number(row.fetched_at) }),
  );
}

/** How much the homeserver has not been told yet, and since when. Changes nothing. Throws `DatabaseFault` if the database cannot be read. */
export async function readOutboxBacklog(url: string): Promise<{ entries: number; oldest: number | null }> {
  const statement = 'select count(*) as entries, min(created_at) as oldest from outbox';
  const [row] = await readRows(url, 'outbox', statement);
  const { entries, oldest } = (row ?? { entries: 0, oldest: null }) as Record<string, number | string | null>;
  return { entries: Number(entries), oldest: oldest === null ? null : Number(oldest) };
}

/** What Synapse knows of whose a user is at a provider. Changes nothing. `undefined` if it is no database of Synapse. Throws `DatabaseFault`. */
export async function readSynapseLinks(
  url: string,
): Promise<{ authProvider: string; subject: string; userId: string }[] | undefined> {
  const table = 'user_external_ids';
  if ((await readRows(url, table, 'select 1 as there')).length === 0) return undefined;
  const columns = 'auth_provider as "authProvider", external_id as subject, user_id as "userId"';
  const statement = `select ${columns} from ${table} order by auth_provider, external_id`;
  return (await readRows(url, table, statement)) as {
    authProvider: string;
    subject: string;
    userId: string;
  }[];
}

/**
 * Copies a SQLite database to `target`, a new file of mode 0600, as it is at one moment, while others go on using it; the copy is on disk when
 * this returns. Synchronous: for the command line, not for a process that serves. Throws `DatabaseFault`.
 */
export function backUpSqlite(url: string, target: string): void {
  if (!url.startsWith('sqlite:')) {
    throw new DatabaseFault(
      'gatehouse copies SQLite databases only',
      'back up PostgreSQL with its own pg_dump or pg_basebackup',
    );
  }
  const file = sqliteFile(url);
  assertExists(file);
  makeTarget(target);
  try {
    const source = new DatabaseSync(file, { timeout: 10_000 });
    try {
      source.prepare('VACUUM INTO ?').run(resolve(target));
    } finally {
      source.close();
    }
    syncPath(target);
    syncPath(dirname(resolve(target)));
  } catch (error) {
    rmSync(target, { force: true });
    throw explainSqliteFailure(mapSqliteError(error), file);
  }
}

/** The rows of a statement; none if the table is not there yet. */
async function readRows(url: string, table: string, statement: string): Promise<readonly unknown[]> {
  return url.startsWith('sqlite:')
    ? readSqliteRows(sqliteFile(url), table, statement)
    : readPostgresRows(url, table, statement);
}

function readSqliteRows(file: string, table: string, statement: string): unknown[] {
  assertExists(file);
  try {
    const database = new DatabaseSync(file, { timeout: 5000 });
    try {
      const known = database.prepare('select 1 from sqlite_schema where name = ?').get(table);
      return known === undefined ? [] : database.prepare(statement).all();
    } finally {
      database.close();
    }
  } catch (error) {
    throw explainSqliteFailure(mapSqliteError(error), file);
  }
}

async function readPostgresRows(url: string, table: string, statement: string): Promise<readonly unknown[]> {
  const pool = openPostgresPool({
    url,
    size: 1,
    connectLimitMs: 5000,
    statementLimitMs: 10_000,
    onIdleError: () => undefined,
  });
  try {
    const known = await pool.run({
      sql: 'select 1 from pg_tables where schemaname = current_schema() and tablename = $1',
      parameters: [table],
    });
    return known.rows.length === 0 ? [] : (await pool.run({ sql: statement, parameters: [] })).rows;
  } catch (error) {
    throw explainPostgresFailure(error, url);
  } finally {
    await pool.close();
  }
}

function assertExists(file: string): void {
  if (!existsSync(file)) {
    throw new DatabaseFault(
      `there is no database file ${file}`,
      'start gatehouse serve once, or correct database.url',
    );
  }
}

/** An empty file of mode 0600, which VACUUM INTO fills. */
function makeTarget(target: string): void {
  try {
    closeSync(openSync(target, 'wx', 0o600));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DatabaseFault(
      `the backup ${target} cannot be made (${String(code)})`,
      code === 'EEXIST'
        ? 'name a file that does not exist yet'
        : 'name a file in a folder that this user may write to',
      { cause: error },
    );
  }
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
