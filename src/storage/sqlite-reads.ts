/**
 * Reads outside write transactions. Outside any transaction SQLite takes and drops the file's read lock at each statement: two system calls, a third of
 * the cost of a look-up by key. So all reads of one turn of the event loop share one read transaction, which begins with the first of them. It ends with
 * the turn, before anything that arrives later is looked at, and it ends where this process writes, so that whoever wrote sees what they wrote.
 */
import type { QueryResult } from 'kysely';
import type { Statement } from './dialect.ts';
import type { SqliteConnection } from './sqlite-connection.ts';

export interface SharedReads {
  readonly run: (statement: Pick<Statement, 'sql' | 'parameters'>) => QueryResult<unknown>;
  /** What is read from here on sees all that was committed until now. */
  readonly renew: () => void;
}

export function shareReads(reader: SqliteConnection): SharedReads {
  let shared = false;
  const renew = (): void => {
    if (!shared) return;
    shared = false;
    // SQLite has ended it by itself after some errors.
    if (reader.handle.isOpen && reader.handle.isTransaction) reader.command('COMMIT');
  };
  return {
    renew,
    run(statement) {
      if (!shared) {
        reader.command('BEGIN');
        shared = true;
        setImmediate(renew);
      }
      return reader.run(statement);
    },
  };
}
