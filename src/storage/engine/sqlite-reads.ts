/**
 * Reads outside write transactions. What is asked for in one turn of the event loop is read together at its end. Together they share a read transaction:
 * outside of one, SQLite takes and drops the file's read lock at each statement, by two system calls. And what many requests have to do is done in stages,
 * first all their reads, then all their answers, each with its code and data at hand; one request after the other costs half as much again.
 */
import type { QueryResult } from 'kysely';
import type { PlainStatement, SqliteConnection } from './sqlite-connection.ts';

/** Reads all that was committed until it is run, which is after it was asked for. Rejects with SQLite's errors as they are. */
export type BatchedRead = (statement: PlainStatement) => Promise<QueryResult<unknown>>;

interface Waiting {
  readonly statement: PlainStatement;
  readonly resolve: (result: QueryResult<unknown>) => void;
  readonly reject: (error: unknown) => void;
}

/** `assertOpen` is asked before anything is run: what was asked for and not run yet when the database was closed is rejected with what it throws. */
export function batchReads(reader: SqliteConnection, assertOpen: () => void): BatchedRead {
  let waiting: Waiting[] = [];

  const runOne = ({ statement, resolve, reject }: Waiting): void => {
    try {
      assertOpen();
      resolve(reader.run(statement));
    } catch (error) {
      reject(error);
    }
  };
  const runAll = (): void => {
    const batch = waiting;
    waiting = [];
    try {
      const together = batch.length > 1 && reader.handle.isOpen;
      if (together) reader.command('BEGIN');
      batch.forEach(runOne);
      // SQLite has ended it by itself after some errors.
      if (together && reader.handle.isTransaction) reader.command('COMMIT');
    } catch (error) {
      // Whoever has been answered by then has been answered.
      for (const { reject } of batch) reject(error);
    }
  };
  return (statement) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ statement, resolve, reject }) === 1) setImmediate(runAll);
    });
}
