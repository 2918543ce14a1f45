/** The database on one SQLite file: a connection that writes, one that reads, the barrier, checkpoints on a thread of their own. */
import { Kysely, type Transaction } from 'kysely';
import { Unavailable } from '../protocol/unavailable.ts';
import type { Database, DatabaseOptions } from './database.ts';
import { type OpenTransaction, readDialect, SWALLOWED, transactionDialect } from './dialect.ts';
import { type Barrier, openBarrier } from './durability.ts';
import { migrate, type SchemaRecord } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { retrying } from './retry.ts';
import type { Schema } from './schema.ts';
import { openSqliteConnection, type SqliteConnection } from './sqlite-connection.ts';
import { isBusy, mapSqliteError } from './sqlite-errors.ts';
import { attemptTransaction } from './transaction.ts';
import { createTurn } from './turn.ts';

/** How long a writer waits for its turn, and then for a lock that another process holds. */
const PATIENCE_MS = 5000;

type Work<T> = (tx: Transaction<Schema>) => Promise<T>;

export async function openSqlite(options: DatabaseOptions & { file: string }): Promise<Database> {
  const { file, random, clock, log } = options;
  const writer = openSqliteConnection(file, { readOnly: false });
  writer.command('PRAGMA journal_mode = WAL');
  writer.command('SELECT count(*) FROM sqlite_schema');
  const reader = openSqliteConnection(file, { readOnly: true });
  const barrier: Barrier = openBarrier(`${file}-wal`, (error) => {
    log?.error(
      { err: error, file },
      'the disk failed to store the database: nothing is acknowledged until a restart',
    );
  });

  const turn = createTurn({
    limitMs: PATIENCE_MS,
    onTimeout: () => new Unavailable('the database', { cause: new Error('too many writes are waiting') }),
  });
  /** Runs `step` until no other process holds the lock that it needs, without stopping the event loop. */
  const persist = <T>(step: () => T | Promise<T>): Promise<T> =>
    retrying(step, {
      clock,
      random,
      patienceMs: PATIENCE_MS,
      isRetryable: (error) => error instanceof Unavailable && isBusy(error.cause),
      firstPauseMs: 2,
      longestPauseMs: 50,
    });

  const query = new Kysely<Schema>({
    dialect: readDialect('sqlite', (statement) => persist(() => attempt(() => reader.run(statement)))),
  });
  const transactions = new Kysely<Schema>({
    dialect: transactionDialect('sqlite', {
      begin: async () => {
        await attempt(() => writer.command('BEGIN IMMEDIATE'));
        return transactionOn(writer);
      },
      destroy: () => Promise.resolve(),
    }),
  });

  const commit = async <T>(work: Work<T>): Promise<T> => {
    barrier.check();
    const release = await turn.take();
    try {
      return await persist(() => attemptTransaction(transactions, work));
    } finally {
      release();
    }
  };
  const write = async <T>(work: Work<T>): Promise<T> => {
    const result = await commit(work);
    await barrier.flush();
    return result;
  };

  await migrate({
    engine: 'sqlite',
    // The record's table is in no schema but its own.
    write: (work) => write((tx) => work(tx as unknown as Transaction<SchemaRecord>)),
    now: () => clock.now(),
    migrations,
  });

  return {
    engine: 'sqlite',
    query,
    write,
    writeSoon: commit,
    durable: () => barrier.flush(),
    check: async () => {
      barrier.check();
      await persist(() => attempt(() => reader.command('SELECT 1 FROM gatehouse_migrations LIMIT 1')));
    },
    close: async () => {
      await turn.take();
      await barrier.close();
      reader.close();
      writer.close();
    },
  };
}

/** Behaves as a transaction of PostgreSQL does: after a statement failed, nothing but a rollback is left. */
function transactionOn(writer: SqliteConnection): OpenTransaction {
  let state: 'open' | 'failed' | 'ended' = 'open';
  const rollback = (): void => {
    if (state === 'ended') return;
    state = 'ended';
    // SQLite has rolled back by itself after some errors.
    if (writer.handle.isTransaction) writer.handle.exec('ROLLBACK');
  };
  return {
    execute: (statement) =>
      attempt(() => {
        if (state !== 'open') throw new Error(state === 'failed' ? SWALLOWED : 'the transaction has ended');
        try {
          return writer.run(statement);
        } catch (error) {
          state = 'failed';
          throw error;
        }
      }),
    commit: () =>
      attempt(() => {
        if (state === 'failed') {
          rollback();
          throw new Error(SWALLOWED);
        }
        writer.command('COMMIT');
        state = 'ended';
      }),
    rollback: () => attempt(rollback),
  };
}

/** Synchronous work as a promise, its errors mapped. */
function attempt<T>(step: () => T): Promise<T> {
  try {
    return Promise.resolve(step());
  } catch (error) {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the error of SQLite, or an Unavailable around it
    return Promise.reject(mapSqliteError(error));
  }
}
