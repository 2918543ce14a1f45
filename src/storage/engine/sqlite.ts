/** The database on one SQLite file: a connection that writes, one that reads, the barrier, checkpoints on a thread of their own. */
import type { Transaction } from 'kysely';
import { Unavailable } from '../../protocol/unavailable.ts';
import type { Database, DatabaseOptions } from './database.ts';
import { readsOver, type Statement } from './dialect.ts';
import { type Barrier, openBarrier } from './durability.ts';
import { DatabaseFault } from './fault.ts';
import { migrate, type SchemaRecord } from './migrate.ts';
import { migrations } from '../migrations/index.ts';
import { retrying } from './retry.ts';
import type { Schema } from '../schema.ts';
import { type Checkpointer, startCheckpointer } from './sqlite-checkpointer.ts';
import { openSqliteConnection, type SqliteConnection } from './sqlite-connection.ts';
import { isBusy, mapSqliteError } from './sqlite-errors.ts';
import { assertSqliteVersion, explainSqliteFailure, prepareSqliteFile } from './sqlite-file.ts';
import { batchReads } from './sqlite-reads.ts';
import { sqliteTransaction } from './sqlite-transaction.ts';
import { timed } from './timing.ts';
import { attemptTransaction, PATIENCE_MS, TRANSACTION_LIMIT_MS, type Transactions } from './transaction.ts';
import { createTurn, type Turn } from './turn.ts';

type Persist = <T>(step: () => T | Promise<T>) => Promise<T>;

export async function openSqlite(options: DatabaseOptions & { file: string }): Promise<Database> {
  const {
    file,
    random,
    clock,
    log,
    patienceMs = PATIENCE_MS,
    transactionLimitMs = TRANSACTION_LIMIT_MS,
  } = options;
  assertSqliteVersion();
  prepareSqliteFile(file, log);
  const persist: Persist = (step) =>
    retrying(() => attempt(step), {
      clock,
      random,
      patienceMs,
      isRetryable: (error) => error instanceof Unavailable && isBusy(error.cause),
      firstPauseMs: 2,
      longestPauseMs: 50,
    });

  const opened: { close(): Promise<void> | void }[] = [];
  const closeAll = async (): Promise<void> => {
    for (const part of opened.splice(0).reverse()) await part.close();
  };
  try {
    const writer = openSqliteConnection(file, { readOnly: false, maxBytes: options.maxBytes });
    opened.push(writer);
    await startLog(writer, persist);
    const reader = openSqliteConnection(file, { readOnly: true });
    opened.push(reader);
    assertPragmas(writer);
    const barrier = openBarrier(`${file}-wal`, (error) => {
      log?.error(
        { err: error, file },
        'the disk failed to store the database: nothing is acknowledged any more; look into the system log, then restart Gatehouse',
      );
      options.onDiskFailure?.(error);
    });
    opened.push(barrier);
    const turn = createTurn({
      limitMs: patienceMs,
      onTimeout: () => new Unavailable('the database', { cause: new Error('too many writes are waiting') }),
    });
    const checkpointer = startCheckpointer({ file, log, writers: turn, onDiskFailure: barrier.fail });
    opened.push(checkpointer);
    const database = createDatabase({
      writer,
      reader,
      barrier,
      checkpointer,
      turn,
      persist,
      closeAll,
      transactionLimitMs,
      timing: options,
    });
    await migrate({
      engine: 'sqlite',
      // The migrations' own table is not among the Schema's.
      write: (work) => database.write((tx) => work(tx as unknown as Transaction<SchemaRecord>)),
      now: () => clock.now(),
      migrations,
    });
    return database;
  } catch (error) {
    await closeAll();
    throw explainSqliteFailure(error, file);
  }
}

interface OpenedFile {
  readonly writer: SqliteConnection;
  readonly reader: SqliteConnection;
  readonly barrier: Barrier;
  readonly checkpointer: Checkpointer;
  /** At writing. */
  readonly turn: Turn;
  readonly persist: Persist;
  readonly closeAll: () => Promise<void>;
  readonly transactionLimitMs: number;
  readonly timing: Pick<DatabaseOptions, 'clock' | 'onTime'>;
}

function createDatabase(parts: OpenedFile): Database {
  const { writer, reader, barrier, checkpointer, turn, persist, closeAll, transactionLimitMs, timing } =
    parts;
  let closed = false;
  const assertOpen = (): void => {
    if (closed) throw new Unavailable('the database', { cause: new Error('it is closed') });
  };
  const read = async <T>(step: () => T | Promise<T>): Promise<T> => {
    // Nearly always at once; the retry's machinery only if somebody is in the way.
    try {
      assertOpen();
      return await step();
    } catch (error) {
      if (isBusy(error)) return persist(step);
      throw mapSqliteError(error);
    }
  };
  const readBatched = batchReads(reader, assertOpen);
  const transactions: Transactions = {
    engine: 'sqlite',
    begin: () => attempt(() => sqliteTransaction(writer)),
  };
  const commit: Database['writeSoon'] = async (work) => {
    assertOpen();
    // What cannot be made durable is not even tried.
    barrier.check();
    const release = await turn.take();
    try {
      assertOpen();
      return await persist(() => attemptTransaction(transactions, work, transactionLimitMs));
    } finally {
      release();
      checkpointer.noteCommit();
    }
  };
  return {
    engine: 'sqlite',
    query: readsOver<Schema>(
      'sqlite',
      timed(timing, 'read', (statement: Statement) => read(() => readBatched(statement))),
    ),
    write: timed(timing, 'write', async (work) => {
      const result = await commit(work);
      await barrier.flush();
      return result;
    }),
    writeSoon: timed(timing, 'write_soon', commit),
    durable: () => barrier.flush(),
    onHint: () => () => undefined,
    check: async () => {
      barrier.check();
      await read(() => reader.command('SELECT 1 FROM gatehouse_migrations LIMIT 1'));
    },
    close: async () => {
      if (closed) return;
      closed = true;
      // After the transaction that is running; one that never ends is not waited for.
      const release = await turn.take().catch(() => undefined);
      await closeAll();
      // Whoever is still waiting learns that it is closed.
      release?.();
    },
  };
}

/**
 * Switches to the write-ahead log and copies what an earlier process left in it into the database file, synced. That also repairs what a failed
 * sync of that process may have left: pages which the kernel holds, but which never reached the disk, are written anew.
 */
async function startLog(writer: SqliteConnection, persist: Persist): Promise<void> {
  const [mode] = await persist(() => writer.command('PRAGMA journal_mode = WAL'));
  if (mode?.['journal_mode'] !== 'wal') {
    throw new DatabaseFault(
      'SQLite cannot keep a write-ahead log for the database file',
      'keep the file on a local disk, not on a network file system',
    );
  }
  // Makes the log's files.
  await persist(() => writer.command('SELECT count(*) FROM sqlite_schema'));
  // Another process may be using the log: then that one keeps it short.
  await persist(() => writer.command('PRAGMA wal_checkpoint(TRUNCATE)'));
}

/** The settings by which commits and references hold, read back. */
function assertPragmas(writer: SqliteConnection): void {
  for (const [name, expected] of Object.entries({ synchronous: 1, foreign_keys: 1, journal_mode: 'wal' })) {
    const actual = writer.command(`PRAGMA ${name}`)[0]?.[name];
    if (actual !== expected)
      throw new Error(`SQLite has ${name} = ${String(actual)}, not ${String(expected)}`);
  }
}

/** Synchronous work as a promise, its errors mapped. */
async function attempt<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw mapSqliteError(error);
  }
}
