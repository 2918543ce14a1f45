/**
 * The database as the other parts see it: one interface over SQLite and PostgreSQL. Kysely is the query layer; what is added here is when a
 * commit counts (durable before the answer leaves), what is retried, and what surfaces as `Unavailable`.
 */
import type { Kysely, Transaction } from 'kysely';
import type { PartLog } from '../../observability/part-log.ts';
import type { Clock, Random } from '../../protocol/clock.ts';
import type { Schema } from '../schema.ts';
import type { OnTime } from './timing.ts';

export interface Database {
  readonly engine: Engine;
  /**
   * For reads outside a transaction: each statement sees everything that was committed before it. Never waits behind a write transaction of
   * this process. Statements that change something are refused. Throws `Unavailable` when the database does not answer.
   */
  readonly query: Kysely<Schema>;
  /**
   * One write transaction (BEGIN IMMEDIATE on SQLite, READ COMMITTED on PostgreSQL). Contention, deadlock and a connection lost before the
   * commit was sent are retried inside for up to 5 seconds, so `work` may run several times: it must touch nothing but `tx`, and must not call
   * `write` itself. Resolves once the commit is on disk; throws `Unavailable` when that is not possible. A commit whose fate is unknown (connection
   * lost during COMMIT) is `Unavailable` as well, never repeated.
   */
  write<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
  /** As `write`, but resolves after COMMIT without waiting for the disk: for a token's first use and last-seen times. */
  writeSoon<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
  /** Resolves when everything that was committed before the call is on disk: for answers that only read what another request wrote. */
  durable(): Promise<void>;
  /**
   * Calls `listener` when another process may have changed something, if the engine can tell (PostgreSQL with `directUrl`); otherwise never.
   * For `changes.ts`, which polls as well. The function returned ends it.
   */
  onHint(listener: () => void): () => void;
  /** Throws `Unavailable` if the database does not answer, or if its disk failed and nothing may be acknowledged any more. */
  check(): Promise<void>;
  /** Waits for running transactions, then lets go of files and connections. */
  close(): Promise<void>;
}

export type Engine = 'sqlite' | 'postgres';

/** What storage says to the operator. */
export type StorageLog = Pick<PartLog, 'warn' | 'error'>;

export interface DatabaseOptions {
  /** `sqlite:/absolute/path` or `postgres://…` (libpq URI; TLS by its `sslmode` and `sslrootcert` parameters). */
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  /** PostgreSQL: connections of this process at most, half of them for reads. Default 10, at least 2. */
  readonly poolSize?: number;
  /** PostgreSQL: a URL that goes past PgBouncer, for migrations and for notifications. Default: `url`, and polling. */
  readonly directUrl?: string;
  /** SQLite: the size that the file may grow to; writes beyond it fail as on a full disk. Default: none. */
  readonly maxBytes?: number;
  /** How long contention and lost connections are retried inside before `Unavailable`. Default 5000 ms. */
  readonly patienceMs?: number;
  /** A transaction that takes longer is rolled back. Default 10 000 ms. */
  readonly transactionLimitMs?: number;
  /**
   * SQLite: called once when the disk has failed to store something. Nothing is acknowledged from then on, and only a new start of the process
   * can fix it.
   */
  readonly onDiskFailure?: (error: Error) => void;
  /** Told how long the database took. Default: nobody is. */
  readonly onTime?: OnTime;
  /** Default: silent. */
  readonly log?: StorageLog;
}
