/** One attempt at a write transaction, the same on both engines. */
import type { Transaction } from 'kysely';
import { Unavailable } from '../../protocol/unavailable.ts';
import type { Engine } from './database.ts';
import { type OpenTransaction, transactionOver } from './dialect.ts';

/** A transaction that has not ended by then is rolled back: it would hold up every other writer. */
export const TRANSACTION_LIMIT_MS = 10_000;

/** How long contention and lost connections are retried. */
export const PATIENCE_MS = 5000;

/** How an engine begins a transaction. */
export interface Transactions {
  readonly engine: Engine;
  readonly begin: () => Promise<OpenTransaction>;
}

/** Runs `work` in a transaction and commits it; rolls back when it throws or takes longer than `limitMs`. */
export async function attemptTransaction<S, T>(
  { engine, begin }: Transactions,
  work: (tx: Transaction<S>) => Promise<T>,
  limitMs: number,
): Promise<T> {
  const transaction = await begin();
  try {
    const result = await within(limitMs, work(transactionOver<S>(engine, transaction)));
    await transaction.commit();
    return result;
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  if (limitMs === Infinity) return work;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const cause = new Error(`a transaction took longer than ${String(limitMs)} ms`);
      reject(new Unavailable('the database', { cause }));
    }, limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
