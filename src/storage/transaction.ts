/** One attempt at a write transaction, the same on both engines. */
import type { Kysely, Transaction } from 'kysely';
import { Unavailable } from '../protocol/unavailable.ts';

/** A transaction that has not ended by then is rolled back: it would hold up every other writer. */
export const TRANSACTION_LIMIT_MS = 10_000;

/** How long contention and lost connections are retried. */
export const PATIENCE_MS = 5000;

/** Runs `work` in a transaction of `transactions` and commits it; rolls back when it throws or takes longer than `limitMs`. */
export async function attemptTransaction<S, T>(
  transactions: Kysely<S>,
  work: (tx: Transaction<S>) => Promise<T>,
  limitMs: number,
): Promise<T> {
  if (limitMs === Infinity) return transactions.transaction().execute(work);
  let timer: NodeJS.Timeout | undefined;
  try {
    return await transactions.transaction().execute((tx) => {
      const limit = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => {
          const cause = new Error(`a transaction took longer than ${String(limitMs)} ms`);
          reject(new Unavailable('the database', { cause }));
        }, limitMs);
      });
      return Promise.race([work(tx), limit]);
    });
  } finally {
    clearTimeout(timer);
  }
}
