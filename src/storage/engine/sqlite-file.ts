/** The SQLite file before SQLite opens it, and what to tell the operator when it cannot be opened. */
import { accessSync, closeSync, constants, fsyncSync, openSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Unavailable } from '../../protocol/unavailable.ts';
import type { StorageLog } from './database.ts';
import { DatabaseFault } from './fault.ts';
import { sqliteErrorName } from './sqlite-errors.ts';

/** Fixes the WAL-reset corruption bug of earlier versions (sqlite.org/wal.html). */
const OLDEST_SQLITE = [3, 51, 3] as const;

/** Throws `DatabaseFault` unless this Node.js brings an SQLite that we trust. */
export function assertSqliteVersion(version: string | undefined = process.versions.sqlite): void {
  const parts = (version ?? '0').split('.').map(Number);
  for (const [place, least] of OLDEST_SQLITE.entries()) {
    const part = parts[place] ?? 0;
    if (part > least) return;
    if (part < least) {
      throw new DatabaseFault(
        `this Node.js brings SQLite ${String(version)}, which can corrupt a write-ahead log`,
        'run Gatehouse on a newer Node.js, one that brings SQLite 3.51.3 or later',
      );
    }
  }
}

/**
 * Sees to it that `file` is there and ours to use. A new file gets mode 0600, and its folder is synced, so that it survives a power cut;
 * one that others can read is warned about. Never opens an existing file: closing it again would drop SQLite's locks in this process.
 */
export function prepareSqliteFile(file: string, log: StorageLog | undefined): void {
  const folder = dirname(file);
  const folderStats = statSync(folder, { throwIfNoEntry: false });
  if (folderStats?.isDirectory() !== true) {
    throw new DatabaseFault(
      `the folder ${folder} of the database does not exist`,
      `run: mkdir -m 0700 ${folder}`,
    );
  }
  const created = createIfAbsent(file);
  if (created) syncFolder(folder);
  const stats = statSync(file);
  if (!stats.isFile()) {
    throw new DatabaseFault(
      `${file} is not a file`,
      'point database.url to a file, or to where one may be made',
    );
  }
  assertAccess(file, stats, 'the database file', constants.R_OK | constants.W_OK, 'u+rw');
  // SQLite keeps two more files beside it.
  assertAccess(
    folder,
    folderStats,
    'the folder of the database',
    constants.R_OK | constants.W_OK | constants.X_OK,
    'u+rwx',
  );
  const othersMay = stats.mode & 0o077;
  if (othersMay !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
    log?.warn(
      { file, mode },
      `other users of this machine can get at the database file; run: chmod 0600 ${file}`,
    );
  }
}

/** A failure to open the file in the operator's words; errors that are none of its state are given back as they are. */
export function explainSqliteFailure(error: unknown, file: string): unknown {
  const cause = error instanceof Unavailable ? error.cause : error;
  const fault = (what: string, remedy: string): DatabaseFault => new DatabaseFault(what, remedy, { cause });
  switch (sqliteErrorName(cause)) {
    case 'busy':
    case 'locked':
    case 'protocol':
      return fault(
        `${file} is locked by another program`,
        `close what holds it (fuser ${file} names it); a second Gatehouse may share it, a database tool in exclusive mode may not`,
      );
    case 'notADatabase':
      return fault(
        `${file} is not an SQLite database`,
        'point database.url to another file, or restore a backup made by gatehouse database backup',
      );
    case 'corrupt':
      return fault(`${file} is damaged`, 'restore a backup made by gatehouse database backup');
    case 'readOnly':
      return fault(
        `${file} cannot be written`,
        'check the mount (read-only?), and owner and mode of the file, its -wal and -shm files, and their folder',
      );
    case 'full':
      return fault(`the disk of ${file} is full`, 'make room there');
    case 'ioError':
      return fault(
        `the disk of ${file} fails, or it is a network file system`,
        'look into the system log; keep the file on a local disk, or use PostgreSQL',
      );
    case 'cannotOpen':
      return fault(`${file} cannot be opened`, 'check owner and mode of the file and of its folder');
    default:
      return error;
  }
}

/** True if it was made now. */
function createIfAbsent(file: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    const remedy =
      code === 'ENOSPC' || code === 'EDQUOT'
        ? 'make room on its disk'
        : code === 'EROFS'
          ? 'its file system is mounted read-only: mount it for writing, or choose another'
          : `let this user (uid ${userNumber()}) write to ${dirname(file)}`;
    throw new DatabaseFault(`${file} cannot be made (${String(code)})`, remedy, { cause: error });
  }
  fsyncSync(descriptor);
  closeSync(descriptor);
  return true;
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function assertAccess(path: string, stats: Stats, what: string, mode: number, bits: string): void {
  try {
    accessSync(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EROFS') {
      throw new DatabaseFault(
        `${what} ${path} is on a file system mounted read-only`,
        'mount it for writing, or point database.url elsewhere',
        { cause: error },
      );
    }
    const foreign = String(stats.uid) !== userNumber();
    throw new DatabaseFault(
      `${what} ${path} belongs to uid ${String(stats.uid)} and cannot be read and written by this user (uid ${userNumber()})`,
      foreign
        ? `run: chown ${userNumber()} ${path}, or start Gatehouse as its owner`
        : `run: chmod ${bits} ${path}`,
      { cause: error },
    );
  }
}

function userNumber(): string {
  return String(process.getuid?.() ?? 'unknown');
}
