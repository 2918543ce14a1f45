/**
 * Checkpoints, which copy the write-ahead log into the database file and sync both, on a thread of their own: on the main thread each would
 * stop the event loop for as long as the disk takes.
 */
import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { StorageLog } from './database.ts';
import type { CheckpointReport, CheckpointTask } from './sqlite-checkpoint-worker.ts';
import type { Turn } from './turn.ts';

export interface Checkpointer {
  /** Tells it of a commit. */
  noteCommit(): void;
  close(): Promise<void>;
}

/** Commits after which the log is copied: some megabytes of it. */
const COMMITS = 200;
/** With fewer commits it is copied after this time. */
const INTERVAL_MS = 15_000;
/** A log beyond this many pages (64 MiB) is worth a warning: some reader keeps it from starting afresh. */
const MANY_PAGES = 16_384;

/** `onDiskFailure` is called when the disk failed to store a checkpoint: what was copied so far may be lost, the log is what counts. */
export function startCheckpointer(options: {
  file: string;
  log: StorageLog | undefined;
  /** Taken while the log is begun anew: the first to write to it then waits for the disk, which the main thread must not. */
  writers: Turn;
  onDiskFailure: (error: Error) => void;
}): Checkpointer {
  const { file, log, writers, onDiskFailure } = options;
  let worker: Worker | undefined;
  let commits = 0;
  let busy = false;
  let release: (() => void) | undefined;
  let warned = false;

  const tell = (task: CheckpointTask): void => worker?.postMessage(task);
  const checkpoint = (): void => {
    if (busy || commits === 0) return;
    busy = true;
    commits = 0;
    worker ??= startWorker();
    tell('checkpoint');
  };
  const restart = (): void => {
    writers.take().then(
      (given) => {
        release = given;
        tell('restart');
      },
      // Too many wait already: the next round is soon enough.
      () => {
        busy = false;
      },
    );
  };
  const letWrite = (): void => {
    release?.();
    release = undefined;
  };
  const hear = ({ pages, wantsRestart, error, errorCode, diskFailed }: CheckpointReport): void => {
    letWrite();
    if (wantsRestart) {
      restart();
      return;
    }
    busy = false;
    if (error !== undefined) {
      // Nothing is lost by it: the commits are in the log, and the next round copies them.
      log?.error(
        { file, error, errorCode },
        'the write-ahead log could not be copied into the database file',
      );
      if (diskFailed) onDiskFailure(new Error(error));
    }
    const many = pages > MANY_PAGES;
    if (many && !warned) {
      log?.warn({ file, pages }, 'the write-ahead log grows: another program reads the database for long');
    }
    warned = many;
    if (commits >= COMMITS) checkpoint();
  };
  const startWorker = (): Worker => {
    const module = new URL(`./sqlite-checkpoint-worker${extname(import.meta.url)}`, import.meta.url);
    const started = new Worker(module, { workerData: { file }, execArgv: [], env: {} });
    started.on('message', hear);
    started.on('error', (error: Error) => {
      letWrite();
      log?.error({ err: error, file }, 'the checkpoint thread failed: restart Gatehouse');
      onDiskFailure(error);
    });
    // The service is kept running by its sockets, not by this thread.
    started.unref();
    return started;
  };
  const timer = setInterval(checkpoint, INTERVAL_MS);
  timer.unref();

  return {
    noteCommit() {
      commits++;
      if (commits >= COMMITS) checkpoint();
    },
    async close() {
      clearInterval(timer);
      if (worker === undefined) return;
      const gone = once(worker, 'exit');
      worker.ref();
      tell('close');
      await gone;
    },
  };
}
