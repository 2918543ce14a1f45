/** A write transaction on the one connection that writes. */
import { type OpenTransaction, SWALLOWED } from './dialect.ts';
import type { SqliteConnection } from './sqlite-connection.ts';
import { mapSqliteError } from './sqlite-errors.ts';

/**
 * Begins a transaction, or throws that the file is locked. It behaves as one of PostgreSQL does: after a statement failed, nothing but a
 * rollback is left.
 */
export function sqliteTransaction(writer: SqliteConnection): OpenTransaction {
  writer.command('BEGIN IMMEDIATE');
  let state: 'open' | 'failed' | 'ended' = 'open';
  const rollback = (): void => {
    if (state === 'ended') return;
    state = 'ended';
    // SQLite has rolled back by itself after some errors.
    if (writer.handle.isTransaction) writer.handle.exec('ROLLBACK');
  };
  return {
    execute: (statement) =>
      settled(() => {
        if (state !== 'open') throw new Error(state === 'failed' ? SWALLOWED : 'the transaction has ended');
        try {
          return writer.run(statement);
        } catch (error) {
          state = 'failed';
          throw error;
        }
      }),
    commit: () =>
      settled(() => {
        if (state === 'failed') {
          rollback();
          throw new Error(SWALLOWED);
        }
        writer.command('COMMIT');
        state = 'ended';
      }),
    rollback: () => settled(rollback),
  };
}

function settled<T>(step: () => T): Promise<T> {
  try {
    return Promise.resolve(step());
  } catch (error) {
    return Promise.reject(mapSqliteError(error));
  }
}
