/** The database on a PostgreSQL server. */
import type { Transaction } from 'kysely';
import { CHANGES_CHANNEL } from '../changes.ts';
import type { Database, DatabaseOptions } from './database.ts';
import { readsOver, type Statement } from './dialect.ts';
import { DatabaseFault } from './fault.ts';
import { migrate, type SchemaRecord } from './migrate.ts';
import { migrations } from '../migrations/index.ts';
import { isRetryablePostgresError } from './postgres-errors.ts';
import { type PostgresListener, startPostgresListener } from './postgres-listener.ts';
import { openPostgresPool, type PostgresPool } from './postgres-pool.ts';
import { assertPostgresSettings, explainPostgresFailure } from './postgres-settings.ts';
import { retrying } from './retry.ts';
import type { Schema } from '../schema.ts';
import { timed } from './timing.ts';
import { attemptTransaction, PATIENCE_MS, TRANSACTION_LIMIT_MS, type Transactions } from './transaction.ts';

const STATEMENT_LIMIT_MS = 10_000;

const BEGIN = 'begin isolation level read committed read write';

/** COMMIT of such a transaction does not wait for the disk; its order among the others is kept. */
const BEGIN_SOON = `${BEGIN}; set local synchronous_commit to off`;

export async function openPostgres(options: DatabaseOptions): Promise<Database> {
  const {
    url,
    log,
    clock,
    random,
    patienceMs = PATIENCE_MS,
    transactionLimitMs = TRANSACTION_LIMIT_MS,
  } = options;
  assertUrl(url);
  const size = options.poolSize ?? 10;
  const onIdleError = (error: Error): void => {
    log?.warn({ err: error }, 'an idle connection to PostgreSQL was lost');
  };
  // Reads have connections of their own: they never wait for a transaction's.
  const readers = openPostgresPool({
    url,
    size: Math.max(1, Math.floor(size / 2)),
    connectLimitMs: patienceMs,
    statementLimitMs: STATEMENT_LIMIT_MS,
    onIdleError,
  });
  const writers = openPostgresPool({
    url,
    size: Math.max(1, Math.ceil(size / 2)),
    connectLimitMs: patienceMs,
    statementLimitMs: STATEMENT_LIMIT_MS,
    onIdleError,
  });
  let listener: PostgresListener | undefined;
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await Promise.all([readers.close(), writers.close(), listener?.close()]);
  };
  const persist = <T>(attempt: () => Promise<T>): Promise<T> =>
    retrying(attempt, {
      clock,
      random,
      patienceMs,
      isRetryable: (error) => !closed && isRetryablePostgresError(error),
      firstPauseMs: 5,
      longestPauseMs: 250,
    });

  const query = readsOver<Schema>(
    'postgres',
    timed(options, 'read', (statement: Statement) => persist(() => readers.run(statement))),
  );
  const transactions = transactionsOn(writers, BEGIN);
  const transactionsSoon = transactionsOn(writers, BEGIN_SOON);

  try {
    await persist(() => assertPostgresSettings(readers));
    await migrateOn(options.directUrl ?? url, persist, options);
  } catch (error) {
    await close();
    throw explainPostgresFailure(error, url);
  }

  if (options.directUrl !== undefined) {
    listener = startPostgresListener({ url: options.directUrl, channel: CHANGES_CHANNEL, log });
  }

  return {
    engine: 'postgres',
    query,
    write: timed(options, 'write', (work) =>
      persist(() => attemptTransaction(transactions, work, transactionLimitMs)),
    ),
    writeSoon: timed(options, 'write_soon', (work) =>
      persist(() => attemptTransaction(transactionsSoon, work, transactionLimitMs)),
    ),
    durable: async () => {
      // A commit that waits for the disk, and with it for all that was committed before.
      await persist(() =>
        writers.run({ sql: `select pg_logical_emit_message(true, 'gatehouse', '')`, parameters: [] }),
      );
    },
    onHint: (told) => listener?.onHint(told) ?? (() => undefined),
    check: async () => {
      await readers.run({ sql: 'select 1 from gatehouse_migrations limit 1', parameters: [] });
    },
    close,
  };
}

function transactionsOn(pool: PostgresPool, begin: string): Transactions {
  return { engine: 'postgres', begin: () => pool.begin(begin) };
}

/** Migrations may take as long as they need, on a connection of their own. */
async function migrateOn(
  url: string,
  persist: <T>(attempt: () => Promise<T>) => Promise<T>,
  { clock, log }: DatabaseOptions,
): Promise<void> {
  const pool = openPostgresPool({
    url,
    size: 1,
    connectLimitMs: PATIENCE_MS,
    statementLimitMs: 0,
    onIdleError: (error) => log?.warn({ err: error }, 'the connection for migrations was lost'),
  });
  try {
    const transactions = transactionsOn(pool, BEGIN);
    await migrate({
      engine: 'postgres',
      write: <T>(work: (tx: Transaction<SchemaRecord>) => Promise<T>) =>
        persist(() => attemptTransaction(transactions, work, Infinity)),
      now: () => clock.now(),
      migrations,
    });
  } finally {
    await pool.close();
  }
}

/** pg's own complaint about a bad URL would carry the password. */
function assertUrl(url: string): void {
  if (URL.canParse(url)) return;
  throw new DatabaseFault(
    'database.url cannot be read as a URL',
    'write postgres://user:password@host:5432/database, with special characters percent-encoded',
  );
}
