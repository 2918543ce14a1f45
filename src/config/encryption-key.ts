/** The key that encrypts values that must be readable again. It is kept outside the database. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Random } from '../protocol/clock.ts';
import { ConfigFault } from './fault.ts';
import type { Config } from './schema.ts';
import { sqliteFile } from '../protocol/sqlite-url.ts';

const KEY_BYTES = 32;
const SHORTEST_TEXT = 32;
/** A text with fewer different characters than this is not random. */
const FEWEST_CHARACTERS = 8;

/** Why a text cannot be the encryption key; `undefined` if it can. */
export function encryptionKeyFault(text: string): string | undefined {
  if (text.length < SHORTEST_TEXT) return `must have at least ${SHORTEST_TEXT} characters`;
  if (new Set(text).size < FEWEST_CHARACTERS) return 'must be random';
  return undefined;
}

/**
 * The 32 bytes of a key: 64 hexadecimal digits, or 32 bytes in base64 or base64url, are decoded; of any other text, the SHA-256 is used.
 */
export function decodeEncryptionKey(text: string): Buffer {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (/^([A-Za-z0-9+/]{43}=?|[A-Za-z0-9_-]{43}=?)$/.test(text)) {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length === KEY_BYTES) return bytes;
  }
  return createHash('sha256').update(text).digest();
}

export interface EncryptionKey {
  readonly key: Buffer;
  /** The file that this call created. */
  readonly madeFile?: string;
}

/**
 * The encryption key of a configuration: as configured, or, with SQLite and no configured key, created once as a file with mode 0600. If several processes
 * start at the same time, one creates it and all use it.
 *
 * @throws ConfigFault if a database exists but its key does not (a new key could not decrypt its content), or if the file cannot be created.
 */
export function ensureEncryptionKey(
  config: Pick<Config, 'encryption_key' | 'encryption_key_file' | 'database'>,
  random: Random,
): EncryptionKey {
  if (config.encryption_key !== undefined) return { key: decodeEncryptionKey(config.encryption_key) };
  const file = config.encryption_key_file;
  if (file === undefined) throw missing('encryption_key', 'is missing', 'Add `encryption_key_file`.');
  if (!exists(file)) {
    const lost = lostKeyFault(file, sqliteFile(config.database.url));
    if (lost !== undefined) throw missing('encryption_key_file', lost.problem, lost.remedy);
    const made = random(KEY_BYTES);
    if (makeFile(file, `${made.toString('base64')}\n`, random)) return { key: made, madeFile: file };
  }
  // Another process created it after the configuration was read.
  const text = readFileSync(file, 'utf8').replace(/[\r\n]+$/, '');
  const fault = encryptionKeyFault(text);
  if (fault !== undefined)
    throw missing('encryption_key_file', `names ${file}; the key ${fault}`, 'Restore the key.');
  return { key: decodeEncryptionKey(text) };
}

/** Why no new key may be created: a database exists, and its content could not be decrypted with a new key. */
export function lostKeyFault(
  file: string,
  database: string,
): { problem: string; remedy: string } | undefined {
  if (exists(file) || !hasContent(database)) return undefined;
  return {
    problem: `names ${file}, which does not exist, while the database ${database} does`,
    remedy:
      'Restore the key that the database was created with; without it, the encrypted values in it are lost.',
  };
}

/** Creates a file with its content atomically, synced to disk when this returns; `false` if the file exists already. */
function makeFile(file: string, content: string, random: Random): boolean {
  const draft = `${file}.${random(6).toString('hex')}`;
  try {
    const descriptor = openSync(draft, 'wx', 0o600);
    try {
      writeSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    try {
      linkSync(draft, file);
    } finally {
      unlinkSync(draft);
    }
    const folder = openSync(dirname(file), 'r');
    fsyncSync(folder);
    closeSync(folder);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return false;
    throw missing(
      'encryption_key_file',
      `cannot be created at ${file} (${code ?? 'unknown error'})`,
      `Make ${dirname(file)} writable for the user of this service, or create the file: openssl rand -base64 32 > ${file}`,
    );
  }
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

function hasContent(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function missing(path: string, problem: string, remedy: string): ConfigFault {
  return new ConfigFault([{ path, problem, remedy }]);
}
