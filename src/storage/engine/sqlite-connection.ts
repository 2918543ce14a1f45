/** One connection to the SQLite file, with its prepared statements. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { QueryResult } from 'kysely';
import type { RowLiteral, Statement } from './dialect.ts';

export interface SqliteConnection {
  readonly handle: DatabaseSync;
  /** Runs a statement through the cache of prepared ones. Synchronous; throws SQLite's errors as they are. */
  readonly run: (statement: PlainStatement) => QueryResult<unknown>;
  /** Runs one of the fixed statements of transactions and pragmas; the rows. */
  readonly command: (sql: string) => Row[];
  close(): void;
}

/** What SQLite needs of a statement. */
export type PlainStatement = Pick<Statement, 'sql' | 'parameters' | 'literal'>;

type Row = Record<string, unknown>;

interface Prepared {
  readonly statement: StatementSync;
  /** Of its rows; 0 if it gives none. */
  columns: number;
  makeRow: RowLiteral;
}

/** How much of the file may be mapped into memory for reading; the system has it in its own cache anyway, and takes it back when it needs it. */
const MAPPED_BYTES = 1024 * 1024 * 1024;
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

  const prepare = (sql: string, literal?: RowLiteral): Prepared => {
    const known = cache.get(sql);
    if (known !== undefined) return known;
    const statement = handle.prepare(sql);
    statement.setReturnArrays(true);
    const prepared = { statement, ...shapeOf(statement, literal) };
    if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value ?? '');
    cache.set(sql, prepared);
    return prepared;
  };

  const connection: SqliteConnection = {
    handle,
    run({ sql, parameters, literal }) {
      const prepared = prepare(sql, literal);
      const values = parameters as SQLInputValue[];
      if (prepared.columns > 0) return { rows: rowsOf(prepared, values) };
      return { rows: [], numAffectedRows: BigInt(prepared.statement.run(...values).changes) };
    },
    command(sql) {
      const prepared = prepare(sql);
      if (prepared.columns > 0) return rowsOf(prepared, []);
      prepared.statement.run();
      return [];
    },
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
    if (options.readOnly) {
      handle.exec('PRAGMA query_only = ON');
      // Pages that are not in the cache are read without a system call each: with a million sessions, that is nearly every page.
      handle.exec(`PRAGMA mmap_size = ${String(MAPPED_BYTES)}`);
    }
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

function shapeOf(statement: StatementSync, literal?: RowLiteral): Pick<Prepared, 'columns' | 'makeRow'> {
  const names = statement.columns().map(({ name }) => name);
  if (literal !== undefined) assertFits(literal, names);
  return { columns: names.length, makeRow: literal ?? ((values) => rowOf(names, values)) };
}

/** Given the columns' names as values, a literal writes each name under itself. */
function assertFits(literal: RowLiteral, names: readonly string[]): void {
  const written = Object.entries(literal(names));
  if (written.length === names.length && written.every(([member, name]) => member === name)) return;
  const members = written.map(([member, name]) => `${member}: ${String(name)}`);
  throw new Error(
    `the literal of a hot query writes { ${members.join(', ')} }, but its columns are ${names.join(', ')}: name them in the same order`,
  );
}

/** The objects that `node:sqlite` makes of rows are dictionaries to V8: to make and read one costs twice as much as this. */
function rowOf(names: readonly string[], values: readonly unknown[]): Row {
  const row: Row = {};
  for (let index = 0; index < names.length; index++) row[names[index] ?? ''] = values[index];
  return row;
}

function rowsOf(prepared: Prepared, parameters: readonly SQLInputValue[]): Row[] {
  const found = prepared.statement.all(...parameters) as unknown as unknown[][];
  // Another process may have changed the table, which SQLite notices as it runs a statement that selects all of it.
  if (found[0] !== undefined && found[0].length !== prepared.columns) {
    Object.assign(prepared, shapeOf(prepared.statement));
  }
  return found.map(prepared.makeRow);
}
