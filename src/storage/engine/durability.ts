/**
 * The barrier between a commit and its answer. SQLite runs with WAL and `synchronous=NORMAL`, where COMMIT only hands the write-ahead log to
 * the kernel; one asynchronous `fdatasync` of the log, shared by all who wait, puts it on disk. Sound because
 * - only a sync that started after the caller's COMMIT returned counts for it;
 * - the descriptor is the log that SQLite writes: our connections keep it from being unlinked, and its link count is checked at each sync;
 * - after a failed sync nothing is retried, as the kernel then forgets the pages that it could not write: nothing is acknowledged any more until
 *   the process is started again (start-up copies the log into the database file and syncs that);
 * - closing this descriptor drops no lock of SQLite's: those are on the database file and the `-shm` file, which nobody but SQLite opens.
 */
import { close, fdatasync, fstatSync, openSync, statSync } from 'node:fs';
import { Unavailable } from '../../protocol/unavailable.ts';

export interface Barrier {
  /** Resolves when a sync that started after this call has succeeded. Throws `Unavailable` from the first failed one on. */
  flush(): Promise<void>;
  /** Throws what `flush` would throw, without a sync. */
  check(): void;
  /** Makes every `flush` fail from now on: for a disk failure that showed elsewhere. */
  readonly fail: (error: Error) => void;
  /** Waits for the sync under way, then closes the descriptor. */
  close(): Promise<void>;
}

interface Batch {
  readonly done: Promise<void>;
  readonly settle: (error: Error | undefined) => void;
}

/** Opens the barrier over a write-ahead log that SQLite has already created. `onFailure` is called once, with the failed sync's error. */
export function openBarrier(logFile: string, onFailure: (error: Error) => void): Barrier {
  const descriptor = openSync(logFile, 'r+');
  let failure: Error | undefined;
  let running: Batch | undefined;
  let waiting: Batch | undefined;

  const unavailable = (): Unavailable =>
    new Unavailable('the database', { cause: failure, retryAfterSeconds: 10 });

  const fail = (error: Error): void => {
    if (failure !== undefined) return;
    failure = error;
    onFailure(error);
  };

  const start = (batch: Batch): void => {
    running = batch;
    fdatasync(descriptor, (error) => {
      if (error !== null) fail(error);
      else if (!isLive(descriptor, logFile)) fail(new Error('the write-ahead log was removed or replaced'));
      running = undefined;
      const next = waiting;
      waiting = undefined;
      // The next sync starts before anybody is told of this one, so that the disk is never idle while someone waits.
      if (next !== undefined) {
        if (failure === undefined) start(next);
        else next.settle(failure);
      }
      batch.settle(failure);
    });
  };

  return {
    async flush() {
      if (failure !== undefined) throw unavailable();
      let batch: Batch;
      if (running === undefined) start((batch = newBatch()));
      else batch = waiting ??= newBatch();
      try {
        await batch.done;
      } catch {
        throw unavailable();
      }
    },
    check() {
      if (failure !== undefined) throw unavailable();
    },
    fail,
    async close() {
      while (running !== undefined) await running.done.catch(() => undefined);
      failure ??= new Error('the database is closed');
      await new Promise<void>((resolve) => {
        close(descriptor, () => {
          resolve();
        });
      });
    },
  };
}

/** The descriptor still is the file of that name. A stat of a cached inode: microseconds. */
function isLive(descriptor: number, logFile: string): boolean {
  const held = fstatSync(descriptor);
  const named = statSync(logFile, { throwIfNoEntry: false });
  return held.nlink > 0 && named !== undefined && named.ino === held.ino && named.dev === held.dev;
}

function newBatch(): Batch {
  let settle: Batch['settle'] = () => undefined;
  const done = new Promise<void>((resolve, reject) => {
    settle = (error) => {
      if (error === undefined) resolve();
      else reject(error);
    };
  });
  // Whoever waits sees the rejection; a batch nobody waits for any more must not end the process.
  done.catch(() => undefined);
  return { done, settle };
}
