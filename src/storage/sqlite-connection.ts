/** One connection to the SQLite file, with its prepared statements. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { QueryResult } from 'kysely';
import type { Statement } from './dialect.ts';

export interface SqliteConnection {
  readonly handle: DatabaseSync;
  /** Runs a statement through the cache of prepared ones. Synchronous; throws SQLite's errors as they are. */
  readonly run: (statement: Pick<Statement, 'sql' | 'parameters'>) => QueryResult<unknown>;
  /** Runs one of the fixed statements of transactions and pragmas; the rows. */
  readonly command: (sql: string) => Record<string, unknown>[];
  close(): void;
}

interface Prepared {
  readonly statement: StatementSync;
  /** It answers with rows. */
  readonly reader: boolean;
}

/** Statements kept prepared; the oldest makes room for a new one. Our statements are some hundred texts. */
const CACHE_SIZE = 500;

/**
 * Opens `file`, which must exist. `synchronous` is NORMAL: what makes commits durable is the barrier (`durability.ts`). SQLite itself waits
 * for a lock at most `waitMs` (default 0), since that stops the thread; on the main thread callers retry.
 */
export function openSqliteConnection(
  file: string,
  options: { readOnly: boolean; waitMs?: number; maxBytes?: number | undefined },
): SqliteConnection {
  const handle = new DatabaseSync(file, {
    timeout: options.waitMs ?? 0,
    enableForeignKeyConstraints: true,
    enableDoubleQuotedStringLiterals: false,
    allowExtension: false,
  });
  const cache = new Map<string, Prepared>();

  const prepare = (sql: string): Prepared => {
    const known = cache.get(sql);
    if (known !== undefined) return known;
    const statement = handle.prepare(sql);
    const prepared = { statement, reader: statement.columns().length > 0 };
    if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value ?? '');
    cache.set(sql, prepared);
    return prepared;
  };

  const connection: SqliteConnection = {
    handle,
    run({ sql, parameters }) {
      const { statement, reader } = prepare(sql);
      const values = parameters as SQLInputValue[];
      if (reader) return { rows: statement.all(...values) };
      return { rows: [], numAffectedRows: BigInt(statement.run(...values).changes) };
    },
    command: (sql) => prepare(sql).statement.all(),
    close() {
      cache.clear();
      if (handle.isOpen) handle.close();
    },
  };
  try {
    handle.exec('PRAGMA synchronous = NORMAL');
    // Checkpoints have a thread of their own.
    handle.exec('PRAGMA wal_autocheckpoint = 0');
    handle.exec('PRAGMA cache_size = -16000');
    handle.exec('PRAGMA temp_store = MEMORY');
    if (options.maxBytes !== undefined) {
      handle.exec(`PRAGMA max_page_count = ${String(Math.ceil(options.maxBytes / 4096))}`);
    }
    if (options.readOnly) handle.exec('PRAGMA query_only = ON');
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}
