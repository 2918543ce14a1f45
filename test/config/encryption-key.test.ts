import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { decodeEncryptionKey, ensureEncryptionKey } from '../../src/config/encryption-key.ts';
import { ConfigFault } from '../../src/config/fault.ts';
import { parseConfig } from '../../src/config/load.ts';
import { systemRandom } from '../../src/protocol/clock.ts';
import { faultsOf, makeFolder, minimal } from './support.ts';

describe('the 32 bytes of a key', () => {
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index * 7));

  test.each([
    ['hexadecimal', bytes.toString('hex')],
    ['hexadecimal in capitals', bytes.toString('hex').toUpperCase()],
    ['base64', bytes.toString('base64')],
    ['base64 without padding', bytes.toString('base64').replace('=', '')],
    ['base64url', bytes.toString('base64url')],
  ])('are given in %s', (_name, text) => {
    expect(decodeEncryptionKey(text)).toEqual(bytes);
  });

  test('are derived from any other text', () => {
    const key = decodeEncryptionKey('correct horse battery staple, and more');
    expect(key).toHaveLength(32);
    expect(decodeEncryptionKey('correct horse battery staple, and morf')).not.toEqual(key);
  });
});

describe('a key that nobody gave', () => {
  test('is made once beside the SQLite file, for its owner only', () => {
    const baseDir = makeFolder();
    const config = parseConfig(minimal(), { baseDir });
    expect(readdirSync(baseDir)).toEqual([]);
    const made = ensureEncryptionKey(config, systemRandom);
    const file = join(baseDir, 'gatehouse.key');
    expect(made.madeFile).toBe(file);
    expect(made.key).toHaveLength(32);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(baseDir)).toEqual(['gatehouse.key']);

    // The next start reads it; so does a process that loaded its configuration before.
    const again = parseConfig(minimal(), { baseDir });
    expect(ensureEncryptionKey(again, systemRandom)).toEqual({ key: made.key });
    expect(ensureEncryptionKey(config, systemRandom)).toEqual({ key: made.key });
  });

  test('is made where the configuration names it', () => {
    const baseDir = makeFolder();
    const config = parseConfig(minimal({ encryption_key_file: 'my.key' }), { baseDir });
    expect(ensureEncryptionKey(config, systemRandom).madeFile).toBe(join(baseDir, 'my.key'));
  });

  test('is the same for all processes that start at once', async () => {
    const baseDir = makeFolder();
    const script = `
      import { ensureEncryptionKey } from ${JSON.stringify(join(import.meta.dirname, '../../src/config/encryption-key.ts'))};
      import { randomBytes } from 'node:crypto';
      const config = { encryption_key_file: ${JSON.stringify(join(baseDir, 'k'))}, database: { url: ${JSON.stringify(`sqlite:${baseDir}/d`)} } };
      console.log(ensureEncryptionKey(config, randomBytes).key.toString('hex'));`;
    const run = promisify(execFile);
    const outputs = await Promise.all(
      Array.from({ length: 4 }, () => run(process.execPath, ['--input-type=module', '--eval', script])),
    );
    expect(new Set(outputs.map(({ stdout }) => stdout)).size).toBe(1);
    expect(readdirSync(baseDir)).toEqual(['k']);
  });

  test('is never made for a database that exists: neither by the check nor by the start', () => {
    const baseDir = makeFolder();
    const config = parseConfig(minimal(), { baseDir });
    writeFileSync(join(baseDir, 'gatehouse.db'), 'SQLite format 3');
    expect(() => ensureEncryptionKey(config, systemRandom)).toThrow(ConfigFault);
    expect(faultsOf(minimal(), {}, baseDir)).toMatchObject([
      { path: 'encryption_key_file', remedy: expect.stringContaining('Restore the key') as string },
    ]);
    expect(readdirSync(baseDir)).toEqual(['gatehouse.db']);
  });

  test('cannot be made where the folder cannot be written, and the operator is told what to do', () => {
    const baseDir = makeFolder();
    const config = parseConfig(minimal(), { baseDir });
    rmSync(baseDir, { recursive: true });
    expect(() => ensureEncryptionKey(config, systemRandom)).toThrow(/cannot be created at .*openssl rand/s);
  });
});

describe('a key that was given', () => {
  test('is used, and no file is made', () => {
    const baseDir = makeFolder();
    const text = randomBytes(32).toString('base64');
    const config = parseConfig(minimal({ encryption_key: text }), { baseDir });
    expect(ensureEncryptionKey(config, systemRandom)).toEqual({ key: Buffer.from(text, 'base64') });
    expect(config.encryption_key_file).toBeUndefined();
    expect(readdirSync(baseDir)).toEqual([]);
  });

  test('in a file is used without its line break', () => {
    const baseDir = makeFolder({ k: `${'0123456789abcdef'.repeat(4)}\r\n` });
    const config = parseConfig(minimal({ encryption_key_file: 'k' }), { baseDir });
    expect(ensureEncryptionKey(config, systemRandom).key.toString('hex')).toBe('0123456789abcdef'.repeat(4));
  });

  test('in a file that was cut short is a fault, and the file is left alone', () => {
    const baseDir = makeFolder({ 'gatehouse.key': 'short\n' });
    const faults = faultsOf(minimal(), {}, baseDir);
    expect(faults).toMatchObject([{ path: 'encryption_key' }]);
    expect(faults[0]?.problem).toContain(join(baseDir, 'gatehouse.key'));
    expect(readFileSync(join(baseDir, 'gatehouse.key'), 'utf8')).toBe('short\n');
  });

  test('in a file that everybody may open is warned about, not refused', () => {
    const baseDir = makeFolder({ 'gatehouse.key': randomBytes(32).toString('hex') });
    chmodSync(join(baseDir, 'gatehouse.key'), 0o644);
    expect(faultsOf(minimal(), {}, baseDir)).toEqual([]);
  });
});
