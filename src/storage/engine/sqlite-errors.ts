/** What an error of node:sqlite means for the caller. */
import { Unavailable } from '../../protocol/unavailable.ts';

/** Primary result codes (sqlite.org/rescode.html). */
const code = {
  busy: 5,
  locked: 6,
  noMemory: 7,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  protocol: 15,
  constraint: 19,
  notADatabase: 26,
} as const;

export type SqliteErrorName = keyof typeof code;

const names = new Map<number, SqliteErrorName>(
  Object.entries(code).map(([name, value]) => [value, name as SqliteErrorName]),
);

/** The kind of an SQLite error; `undefined` for anything else, a faulty statement among it. */
export function sqliteErrorName(error: unknown): SqliteErrorName | undefined {
  const extended = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof extended === 'number' ? names.get(extended & 0xff) : undefined;
}

/** True for lock contention, where a later try may succeed. */
export function isBusy(error: unknown): boolean {
  const name = sqliteErrorName(error);
  return name === 'busy' || name === 'locked' || name === 'protocol';
}

/** `Unavailable` for everything that is the state of the machine rather than a fault of the statement. */
export function mapSqliteError(error: unknown): Error {
  const name = sqliteErrorName(error);
  if (name === undefined || name === 'constraint') {
    return error instanceof Error ? error : new Error(String(error));
  }
  return new Unavailable('the database', { cause: error });
}
