/** The thread of `sqlite-checkpointer.ts`: waits for its word, then checkpoints through a connection of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteConnection, type SqliteConnection } from './sqlite-connection.ts';
import { isBusy, sqliteErrorName } from './sqlite-errors.ts';

/** `restart` is for when nobody writes in this process. */
export type CheckpointTask = 'checkpoint' | 'restart' | 'close';

/** What a task came to. */
export interface CheckpointReport {
  /** Length of the log in pages before it. */
  readonly pages: number;
  /** The log is long enough to be begun anew. */
  readonly wantsRestart: boolean;
  readonly error?: string;
  readonly errorCode?: unknown;
  /** The disk failed, as opposed to being full or locked. */
  readonly diskFailed: boolean;
}

/** From this length in pages (4 MiB) the log is made to start afresh, for which writers have to wait a moment. */
const RESTART_PAGES = 1024;
/** How long such a moment may be. Writers try again meanwhile, without stopping the event loop. */
const RESTART_WAIT_MS = 200;

const { file } = workerData as { file: string };
let connection: SqliteConnection | undefined;

parentPort?.on('message', (task: CheckpointTask) => {
  if (task === 'close') {
    connection?.close();
    parentPort?.close();
    return;
  }
  parentPort?.postMessage(perform(task));
});

let pages = 0;

function perform(task: 'checkpoint' | 'restart'): CheckpointReport {
  const quiet = { wantsRestart: false, diskFailed: false };
  try {
    connection ??= openSqliteConnection(file, { readOnly: false, waitMs: RESTART_WAIT_MS });
    if (task === 'restart') {
      restartLog(connection);
      return { pages, ...quiet };
    }
    // Copies what it can while others write.
    pages = Number(connection.command('PRAGMA wal_checkpoint(PASSIVE)')[0]?.['log'] ?? 0);
    return { pages, ...quiet, wantsRestart: pages >= RESTART_PAGES };
  } catch (error) {
    if (isBusy(error)) return { pages, ...quiet };
    return {
      ...quiet,
      pages,
      error: error instanceof Error ? error.message : String(error),
      errorCode: (error as { errcode?: unknown }).errcode,
      diskFailed: sqliteErrorName(error) === 'ioError',
    };
  }
}

/**
 * Copies the little that is left while writers wait, so that the next one starts the log afresh. That first write syncs the log's new header
 * (SQLite does so at NORMAL too): it is made here, while the main thread keeps its own back, lest that waits for the disk.
 */
function restartLog({ command }: SqliteConnection): void {
  if (command('PRAGMA wal_checkpoint(RESTART)')[0]?.['busy'] !== 0) return;
  const version = Number(command('PRAGMA user_version')[0]?.['user_version'] ?? 0);
  command(`PRAGMA user_version = ${version === 1 ? '2' : '1'}`);
}
