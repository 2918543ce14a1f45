import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inspectFile, parseConfig } from '../../src/config/load.ts';
import { faultsOf, makeFolder, minimal, provider, withProvider, type Json } from './support.ts';

const fromFile = (file: string): Json => withProvider({ client_secret: undefined, client_secret_file: file });

describe('a secret in a file of its own', () => {
  test.each([
    ['s3cret', 's3cret'],
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    [' s3cret \n', ' s3cret '],
    ['ü=\u{1f511}\n', 'ü=\u{1f511}'],
  ])('%j is %j', (text, secret) => {
    const baseDir = makeFolder({ 'idp.secret': text });
    const config = parseConfig(fromFile('idp.secret'), { baseDir });
    expect(config.providers[0]).toMatchObject({
      client_secret: secret,
      client_secret_file: join(baseDir, 'idp.secret'),
    });
  });

  test('may be named by an absolute path, and by the environment', () => {
    const elsewhere = join(makeFolder({ a: 'from afar' }), 'a');
    const baseDir = makeFolder({ b: 'from here' });
    expect(parseConfig(fromFile(elsewhere), { baseDir }).providers[0]?.client_secret).toBe('from afar');
    const env = { GATEHOUSE__PROVIDERS__0__CLIENT_SECRET_FILE: 'b' };
    const config = parseConfig(withProvider({ client_secret: undefined }), { baseDir, env });
    expect(config.providers[0]?.client_secret).toBe('from here');
  });

  test('works for every secret that there is', () => {
    const key = 'k'.repeat(20) + 'abcdefghijklmnop';
    const baseDir = makeFolder({ key, homeserver: 'shared-with-synapse', database: 'sqlite:other.db\n' });
    const config = parseConfig(
      minimal({
        encryption_key_file: 'key',
        homeserver: { secret_file: 'homeserver' },
        database: { url_file: 'database' },
      }),
      { baseDir },
    );
    expect(config.encryption_key).toBe(key);
    expect(config.homeserver.secret).toBe('shared-with-synapse');
    expect(config.database.url).toBe(`sqlite:${join(baseDir, 'other.db')}`);
  });

  test.each<[name: string, file: string, problem: RegExp]>([
    ['does not exist', 'none', /\/none, which does not exist/],
    ['is empty', 'empty', /is empty/],
    ['is only a line break', 'newline', /is empty/],
    ['is not text', 'binary', /not a text/],
    ['is huge', 'huge', /64 KiB/],
    ['is a folder', 'folder', /is a folder/],
  ])('that %s is a fault', (_name, file, problem) => {
    const baseDir = makeFolder({
      empty: '',
      newline: '\n',
      binary: Buffer.from([0xff, 0x00, 0x80]),
      huge: 'a'.repeat(70_000),
    });
    mkdirSync(join(baseDir, 'folder'));
    const faults = faultsOf(fromFile(file), {}, baseDir);
    expect(faults).toMatchObject([
      { path: 'providers[0].client_secret_file', problem: expect.stringMatching(problem) as string },
    ]);
  });

  test('beside the secret itself is a fault', () => {
    const faults = faultsOf(withProvider({ client_secret_file: 'idp.secret' }));
    expect(faults).toMatchObject([
      {
        path: 'providers[0].client_secret',
        problem: 'is set twice: by `providers[0].client_secret` and by `providers[0].client_secret_file`',
      },
    ]);
  });

  test('is judged like the secret itself, and the file is named', () => {
    const baseDir = makeFolder({ database: 'mysql://me:geheim@host/x' });
    const faults = faultsOf(minimal({ database: { url_file: 'database' } }), {}, baseDir);
    expect(faults).toMatchObject([
      {
        path: 'database.url',
        problem: `must begin with sqlite: or postgres:// (read from ${join(baseDir, 'database')})`,
      },
    ]);
  });

  test('that everybody may open is warned about', () => {
    const folder = makeFolder({
      'idp.secret': 'geheim',
      'ca.pem': '-----BEGIN CERTIFICATE-----',
      'gatehouse.yaml': JSON.stringify(
        minimal({
          providers: [
            provider({ client_secret: undefined, client_secret_file: 'idp.secret', ca_file: 'ca.pem' }),
          ],
        }),
      ),
    });
    chmodSync(join(folder, 'idp.secret'), 0o644);
    chmodSync(join(folder, 'ca.pem'), 0o644);
    const { warnings, faults } = inspectFile(join(folder, 'gatehouse.yaml'), {});
    expect(faults).toEqual([]);
    expect(warnings).toMatchObject([
      { path: 'providers[0].client_secret_file', remedy: `Run: chmod o= ${join(folder, 'idp.secret')}` },
    ]);
  });
});

describe('warnings tell of what works and is probably not meant', () => {
  test.each<[input: Json, path: string]>([
    [{ server_name: 'Example.com' }, 'server_name'],
    [{ homeserver: { secret: 'short' } }, 'homeserver.secret'],
    [{ homeserver: { url: 'http://127.0.0.1:8008' } }, 'homeserver.url'],
    [{ listen: { trusted_proxies: ['0.0.0.0/0'] } }, 'listen.trusted_proxies[0]'],
    [{ operations: { host: '0.0.0.0' } }, 'operations.host'],
  ])('%j', (more, path) => {
    const file = join(makeFolder({ 'gatehouse.yaml': JSON.stringify(minimal(more)) }), 'gatehouse.yaml');
    const { faults, warnings } = inspectFile(file, {});
    expect(faults).toEqual([]);
    expect(warnings).toMatchObject([{ path, line: 1 }]);
  });
});
