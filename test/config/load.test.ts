import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigFault } from '../../src/config/fault.ts';
import { inspectFile, loadConfig, parseConfig } from '../../src/config/load.ts';
import { faultsOf, inspectText, makeFolder, minimal, provider } from './support.ts';

describe('a configuration that holds', () => {
  test('needs a server name, a public URL and a provider; everything else has the documented default', () => {
    const baseDir = makeFolder();
    const config = parseConfig(minimal(), { baseDir });
    expect(config).toMatchObject({
      server_name: 'example.com',
      public_url: 'https://auth.example.com/',
      mode: 'facade',
      encryption_key_file: join(baseDir, 'gatehouse.key'),
      listen: { host: '127.0.0.1', port: 8090, trusted_proxies: [] },
      operations: { host: '127.0.0.1', port: 9090 },
      database: { url: `sqlite:${join(baseDir, 'gatehouse.db')}` },
      homeserver: { kind: 'none' },
      sessions: { access_token_ttl_seconds: 600, refresh_reuse_grace_seconds: 30 },
      legacy_login: { password: false },
      clients: [],
      limits: { registrations_per_address: 100, body_bytes: 65_536 },
      log: { level: 'info', format: 'auto' },
    });
    expect(config.encryption_key).toBeUndefined();
    expect(config.providers[0]).toMatchObject({
      discovery: {
        min_ttl_seconds: 60,
        max_ttl_seconds: 86_400,
        stale_if_error_seconds: 604_800,
        overrides: {},
      },
      claims: { localpart: 'preferred_username', displayname: 'name', email: 'email' },
      access: { require: [], deny: [], admin: [], explain: false, recheck_seconds: 3600 },
      allow_http: false,
      allow_addresses: [],
    });
  });

  test('is frozen through and through, and the input is left as it was', () => {
    const input = minimal({ listen: { trusted_proxies: ['10.0.0.0/8'] } });
    const before = structuredClone(input);
    const config = parseConfig(input, { baseDir: makeFolder() });
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      expect(Object.isFrozen(value)).toBe(true);
      Object.values(value).forEach(visit);
    };
    visit(config);
    expect(input).toEqual(before);
    expect(() => {
      (config.providers as unknown as unknown[]).push({});
    }).toThrow(TypeError);
  });

  test('keeps the public URL and the issuers byte for byte', () => {
    for (const url of [
      'https://auth.example.com',
      'https://auth.example.com/',
      'https://example.com/auth/',
    ]) {
      const config = parseConfig(minimal({ public_url: url, providers: [provider({ issuer: `${url}x` })] }), {
        baseDir: makeFolder(),
      });
      expect(config.public_url).toBe(url);
      expect(config.providers[0]?.issuer).toBe(`${url}x`);
    }
  });

  test.each([
    '127.0.0.1:8448',
    '[2001:db8::1]:8448',
    '[::1]',
    'xn--example.org',
    'localhost',
    'a.b.example:1',
  ])('may have the server name %s', (name) => {
    expect(faultsOf(minimal({ server_name: name }))).toEqual([]);
  });

  test.each([
    'http://127.0.0.1:8090/',
    'http://localhost:8090',
    'http://[::1]:8090/gatehouse/',
    'http://a.localhost/',
  ])('may have a public URL with http on loopback: %s', (url) => {
    expect(faultsOf(minimal({ public_url: url }))).toEqual([]);
  });

  test('may have http abroad where a key allows it in so many words', () => {
    const input = minimal({
      public_url: 'http://auth.example.test/',
      public_url_allow_http: true,
      providers: [provider({ issuer: 'http://idp.example.test', allow_http: true })],
      homeserver: { public_url: 'http://matrix.example.test/', allow_http: true },
    });
    expect(faultsOf(input)).toEqual([]);
  });

  test('takes paths from the folder of the file, and leaves absolute ones alone', () => {
    const baseDir = makeFolder();
    const other = makeFolder();
    const relative = parseConfig(
      minimal({ listen: { socket: 'g.sock' }, database: { url: 'sqlite:./x.db' }, encryption_key_file: 'k' }),
      { baseDir },
    );
    expect(relative.listen).toMatchObject({ socket: join(baseDir, 'g.sock') });
    expect(relative.listen.port).toBeUndefined();
    expect(relative.database.url).toBe(`sqlite:${join(baseDir, 'x.db')}`);
    expect(relative.encryption_key_file).toBe(join(baseDir, 'k'));
    for (const slashes of ['', '//']) {
      const url = `sqlite:${slashes}${other}/x.db`;
      const absolute = parseConfig(minimal({ database: { url } }), { baseDir });
      expect(absolute.database.url).toBe(`sqlite:${other}/x.db`);
      expect(absolute.encryption_key_file).toBe(join(other, 'gatehouse.key'));
    }
  });
});

describe('a configuration file', () => {
  const yaml = JSON.stringify(minimal());

  test('is loaded, its folder being where relative paths count from', () => {
    const folder = makeFolder({ 'gatehouse.yaml': yaml });
    const config = loadConfig(join(folder, 'gatehouse.yaml'), {});
    expect(config.database.url).toBe(`sqlite:${join(folder, 'gatehouse.db')}`);
  });

  test('may be empty where the environment says everything', () => {
    const env = {
      GATEHOUSE__SERVER_NAME: 'example.com',
      GATEHOUSE__PUBLIC_URL: 'https://auth.example.com/',
      GATEHOUSE__PROVIDERS: JSON.stringify([provider()]),
    };
    expect(inspectText('# all by environment\n', env).faults).toEqual([]);
  });

  test.each<[string, () => string, RegExp]>([
    ['does not exist', () => join(makeFolder(), 'none.yaml'), /does not exist/],
    ['is a folder', () => makeFolder(), /is a folder/],
    [
      'is not UTF-8',
      () => join(makeFolder({ 'a.yaml': Buffer.from('server_name: \xff\xfe', 'latin1') }), 'a.yaml'),
      /not UTF-8/,
    ],
    [
      'is a dangling link',
      () => {
        const file = join(makeFolder(), 'a.yaml');
        symlinkSync('/nonexistent/b.yaml', file);
        return file;
      },
      /does not exist/,
    ],
  ])('that %s is one fault that names it', (_name, make, problem) => {
    const file = make();
    const { faults, config } = inspectFile(file, {});
    expect(config).toBeUndefined();
    expect(faults).toMatchObject([{ path: file, problem: expect.stringMatching(problem) as string }]);
    expect(faults[0]?.remedy).toContain('--config');
  });

  test.each(['just text', '- a\n- b\n', '12'])('that is no mapping (%j) is refused', (text) => {
    expect(inspectText(text).faults).toMatchObject([{ problem: 'is not a mapping of keys to values' }]);
  });

  test('that holds secrets and may be opened by everybody is warned about; a private one is not', () => {
    const { file, warnings } = inspectText(yaml);
    expect(warnings).toEqual([]);
    chmodSync(file, 0o644);
    const open = inspectFile(file, {}).warnings;
    expect(open).toMatchObject([{ path: file, problem: expect.stringContaining('client_secret') as string }]);
    expect(JSON.stringify(open)).not.toContain('idp-secret');
  });

  test('without secrets may be open', () => {
    const folder = makeFolder({ 'idp.secret': 'x' });
    const text = JSON.stringify(
      minimal({ providers: [provider({ client_secret: undefined, client_secret_file: 'idp.secret' })] }),
    );
    const file = join(folder, 'gatehouse.yaml');
    writeFileSync(file, text, { mode: 0o644 });
    expect(inspectFile(file, {})).toMatchObject({ faults: [], warnings: [] });
  });
});

test('all faults are reported at once, each with place, problem and remedy, from the top of the file on', () => {
  const { faults, file } = inspectText(
    `server_name: https://example.com
publik_url: https://auth.example.com
mode: passthru
listen: { port: "8090", socket: x.sock }
database: { url: "mysql://user:geheim@host/x" }
providers:
  - id: Main
    issuer: http://idp.example.com/
    client_id: 12
    client_secret: geheim
    client_secret_file: nope.secret
clients:
`,
    { GATEHOUSE__LISTEN__POTR: '1', GATEHOUSE__LIMITS__BODY_BYTES: 'many' },
  );
  expect(faults.map(({ path, line }) => [path, line])).toEqual([
    ['server_name', 1],
    ['publik_url', 2],
    ['mode', 3],
    ['listen.port', 4],
    ['database.url', 5],
    ['providers[0].id', 7],
    ['providers[0].issuer', 8],
    ['providers[0].client_id', 9],
    ['providers[0].client_secret', 10],
    ['clients', 12],
    ['GATEHOUSE__LISTEN__POTR', undefined],
    ['public_url', undefined],
    ['limits.body_bytes', undefined],
  ]);
  const fault = new ConfigFault(faults, file);
  for (const { problem, remedy } of faults) {
    expect(fault.message).toContain(problem);
    expect(fault.message).toContain(remedy);
    expect(remedy).toMatch(/\S/);
  }
  expect(fault.message).toContain('13 faults');
  expect(fault.message).not.toContain('geheim');
});
