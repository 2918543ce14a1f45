/** What an error of PostgreSQL or of the connection to it means for the caller. */
import pg from 'pg';
import { Unavailable } from '../../protocol/unavailable.ts';

/** SQLSTATEs (PostgreSQL, Appendix A) by which the server says that it is in no state to serve; two characters stand for a class. */
const UNAVAILABLE = new Set([
  '08', // connection exceptions; PgBouncer's own refusals
  '28', // authorization
  '3D', // the database is gone
  '53', // disk full, out of memory, too many connections
  '57', // cancelled, shut down, starting up
  '58', // I/O errors
  'XX', // internal errors, corruption
  '25006', // read-only: a standby
  '25P03', // idle in transaction for too long
  '25P04', // transaction for too long
  '40001', // serialization failure
  '40P01', // deadlock
  '55P03', // lock not available
]);

/** Of those, what a later attempt may get through, on another connection if this one is broken. */
const RETRYABLE = new Set(['08', '57P01', '57P02', '57P03', '53300', '25006', '40001', '40P01', '55P03']);

/**
 * What becomes of a named statement when the schema changes under it (a migration by a newer process), or a pooler that nobody noticed takes it away: a new
 * connection has none of it.
 */
const STALE_STATEMENT = new Set(['26000', '42P05']);
const STALE_PLAN = 'cached plan must not change result type';

/** Errors after which the connection itself is still good. */
const CONNECTION_SURVIVES = new Set(['40001', '40P01', '55P03', '57014']);

const retryable = new WeakSet<Unavailable>();

export interface PostgresVerdict {
  /** What the caller sees: `Unavailable`, or the error itself if the statement is at fault. */
  readonly error: unknown;
  /** The connection must not be used again. */
  readonly broken: boolean;
}

/** Judges an error of a statement, or of taking a connection. */
export function judgePostgresError(error: unknown): PostgresVerdict {
  if (error instanceof Unavailable) return { error, broken: true };
  const state = sqlState(error);
  if (state === undefined) {
    // No answer of the server's: the socket or the name look-up failed, or pg itself gave up. A TypeError is our own fault.
    if (error instanceof TypeError || error instanceof RangeError) return { error, broken: true };
    return { error: unavailable(error, true), broken: true };
  }
  if (STALE_STATEMENT.has(state) || (state === '0A000' && (error as Error).message === STALE_PLAN))
    return { error: unavailable(error, true), broken: true };
  if (!isIn(UNAVAILABLE, state)) return { error, broken: false };
  return { error: unavailable(error, isIn(RETRYABLE, state)), broken: !CONNECTION_SURVIVES.has(state) };
}

/** `Unavailable` for an error during COMMIT: unless the server says that it rolled back, nobody knows what became of the transaction. */
export function judgeCommitError(error: unknown): PostgresVerdict {
  const state = sqlState(error);
  if (state === undefined || isIn(UNAVAILABLE, state)) {
    const rolledBack = state === '40001' || state === '40P01';
    return { error: unavailable(error, rolledBack), broken: !rolledBack };
  }
  // A deferred constraint, for instance: refused for what it did.
  return { error, broken: false };
}

/** True if the same transaction may be tried again. */
export function isRetryablePostgresError(error: unknown): boolean {
  return error instanceof Unavailable && retryable.has(error);
}

/** The five characters of an error that the server sent. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

function unavailable(cause: unknown, again: boolean): Unavailable {
  const error = new Unavailable('the database', { cause });
  if (again) retryable.add(error);
  return error;
}

function isIn(set: ReadonlySet<string>, state: string): boolean {
  return set.has(state) || set.has(state.slice(0, 2));
}
