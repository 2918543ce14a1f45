import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { environmentName } from '../../src/config/environment.ts';
import type { KeyPath } from '../../src/config/fault.ts';
import { parseConfig } from '../../src/config/load.ts';
import { configSchema } from '../../src/config/schema.ts';
import { isText, isTextOrList, unwrap } from '../../src/config/shape.ts';
import { setAt, valueAt } from '../../src/config/tree.ts';
import { faultsOf, inspectText, makeFolder, minimal, provider, type Json } from './support.ts';

const parse = (input: Json, env: Record<string, string>) =>
  parseConfig(input, { baseDir: makeFolder(), env });

describe('a variable', () => {
  test('replaces what the file says', () => {
    const config = parse(minimal({ listen: { port: 1, host: '::1' } }), {
      GATEHOUSE__LISTEN__PORT: '8095',
      GATEHOUSE__SERVER_NAME: 'other.example',
    });
    expect(config).toMatchObject({ server_name: 'other.example', listen: { port: 8095, host: '::1' } });
  });

  test('names an entry of a list by its index', () => {
    const config = parse(minimal(), { GATEHOUSE__PROVIDERS__0__CLIENT_SECRET: 'from the environment' });
    expect(config.providers[0]).toMatchObject({ id: 'main', client_secret: 'from the environment' });
  });

  test.each<[Record<string, string>, unknown]>([
    [{ LOCALPART: 'nickname' }, 'nickname'],
    [{ LOCALPART: '{email|before_at}' }, '{email|before_at}'],
    [{ LOCALPART: '[preferred_username, nickname]' }, ['preferred_username', 'nickname']],
    [{ LOCALPART: ' ["{email|before_at}"]' }, ['{email|before_at}']],
    [{ LOCALPART__0: '{email|before_at}', LOCALPART__1: 'sub' }, ['{email|before_at}', 'sub']],
  ])('sets a text or a list: %j', (variables, expected) => {
    const env = Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [`GATEHOUSE__PROVIDERS__0__CLAIMS__${name}`, value]),
    );
    expect(parse(minimal(), env).providers[0]?.claims.localpart).toEqual(expected);
  });

  test('can make sections, lists and their entries', () => {
    const config = parse(minimal({ providers: undefined }), {
      GATEHOUSE__PROVIDERS__0__ID: 'env',
      GATEHOUSE__PROVIDERS__0__ISSUER: 'https://idp.example.com',
      GATEHOUSE__PROVIDERS__0__CLIENT_ID: 'x',
      GATEHOUSE__PROVIDERS__0__CLIENT_SECRET: 'y',
      GATEHOUSE__PROVIDERS__0__SCOPES__1: 'groups',
      GATEHOUSE__PROVIDERS__0__SCOPES__0: 'openid',
      GATEHOUSE__PROVIDERS__0__DISCOVERY__MIN_TTL_SECONDS: '5',
      GATEHOUSE__PROVIDERS__0__DISCOVERY__OVERRIDES__TOKEN_ENDPOINT: 'https://idp.example.com/token',
      GATEHOUSE__LISTEN__TRUSTED_PROXIES: '[10.0.0.0/8, "::1"]',
    });
    expect(config.listen.trusted_proxies).toEqual(['10.0.0.0/8', '::1']);
    expect(config.providers).toMatchObject([
      {
        id: 'env',
        scopes: ['openid', 'groups'],
        discovery: { min_ttl_seconds: 5, overrides: { token_endpoint: 'https://idp.example.com/token' } },
      },
    ]);
  });

  test('of a whole section comes before those of its keys', () => {
    const config = parse(minimal(), {
      GATEHOUSE__SESSIONS__ACCESS_TOKEN_TTL_SECONDS: '60',
      GATEHOUSE__SESSIONS: '{ access_token_ttl_seconds: 70, refresh_reuse_grace_seconds: 0 }',
    });
    expect(config.sessions).toMatchObject({ access_token_ttl_seconds: 60, refresh_reuse_grace_seconds: 0 });
  });

  test.each([
    '0123',
    'true',
    'null',
    '12',
    '1e3',
    '[a]',
    '{a: b}',
    ' # no comment',
    "it's",
    '"quoted"',
    '!tag',
    '*',
  ])('is text where the key takes text: %j', (value) => {
    const config = parse(minimal(), { GATEHOUSE__PROVIDERS__0__CLIENT_SECRET: value });
    expect(config.providers[0]?.client_secret).toBe(value);
  });

  test('is read as YAML where the key takes something else', () => {
    const env = { GATEHOUSE__PUBLIC_URL_ALLOW_HTTP: 'true', GATEHOUSE__LIMITS__BODY_BYTES: '0x1000' };
    expect(parse(minimal(), env)).toMatchObject({
      public_url_allow_http: true,
      limits: { body_bytes: 4096 },
    });
  });

  test.each([
    ['GATEHOUSE_LISTEN_PORT', 'GATEHOUSE__LISTEN__PORT'],
    ['GATEHOUSE_MODE', 'GATEHOUSE__MODE'],
    ['GATEHOUSE_PUBLIC_URL', 'GATEHOUSE__PUBLIC_URL'],
    ['GATEHOUSE_SESSIONS_ACCESS_TOKEN_TTL_SECONDS', 'GATEHOUSE__SESSIONS__ACCESS_TOKEN_TTL_SECONDS'],
    ['GATEHOUSE__LISTEN_PORT', 'GATEHOUSE__LISTEN__PORT'],
    ['GATEHOUSE_LISTEN__PORT', 'GATEHOUSE__LISTEN__PORT'],
    ['GATEHOUSE_PROVIDERS_0_CLIENT_SECRET', 'GATEHOUSE__PROVIDERS__0__CLIENT_SECRET'],
    [
      'GATEHOUSE_PROVIDERS_0_DISCOVERY_MIN_TTL_SECONDS',
      'GATEHOUSE__PROVIDERS__0__DISCOVERY__MIN_TTL_SECONDS',
    ],
    ['GATEHOUSE___LISTEN___PORT', 'GATEHOUSE__LISTEN__PORT'],
  ])('with other separators is a fault: %s', (name, meant) => {
    expect(() => parse(minimal(), { [name]: '1' })).toThrow(meant);
  });

  test.each([
    'GATEHOUSE_CONFIG',
    'GATEHOUSE_TEST_ENGINES',
    'GATEHOUSE_NODE',
    'GATEHOUSE_LISTEN_',
    'GATEHOUSE_',
    'GATEHOUSE_SERVICE_HOST',
    'GATEHOUSE_LISTEN_PORT_80_TCP',
  ])('of other programs is left alone: %s', (name) => {
    expect(() => parse(minimal(), { [name]: '1' })).not.toThrow();
  });

  test.each(['GATEHOUSE_LISTEN_PORT', 'GATEHOUSE_OPERATIONS_PORT'])(
    'of a container that is called so is left alone: %s',
    (name) => {
      expect(() => parse(minimal(), { [name]: 'tcp://10.0.0.1:8090' })).not.toThrow();
    },
  );

  test('that does not begin with GATEHOUSE__ is none of ours', () => {
    const env = { GATEHOUSE_CONFIG: 'x', GATEHOUSE: 'x', gatehouse__mode: 'x', XGATEHOUSE__MODE: 'x' };
    expect(faultsOf(minimal(), env)).toEqual([]);
  });
});

describe('a variable is a fault', () => {
  test.each<[name: string, remedy: RegExp]>([
    ['GATEHOUSE__SERVERNAME', /GATEHOUSE__SERVER_NAME/],
    ['GATEHOUSE__LISTEN__POTR', /GATEHOUSE__LISTEN__PORT/],
    ['GATEHOUSE__listen__port', /GATEHOUSE__LISTEN/],
    ['GATEHOUSE__LISTEN_PORT', /Did you mean GATEHOUSE__LISTEN__PORT/],
    ['GATEHOUSE__PROVIDERS__MAIN__ISSUER', /GATEHOUSE__PROVIDERS__0/],
    ['GATEHOUSE__PROVIDERS__00__ISSUER', /GATEHOUSE__PROVIDERS__0/],
    ['GATEHOUSE__MODE__FACADE', /Unset it/],
    ['GATEHOUSE__', /Unset it/],
    ['GATEHOUSE____PROTO__', /Unset it/],
    ['GATEHOUSE__CONSTRUCTOR', /Unset it/],
  ])('if it names no key: %s', (name, remedy) => {
    const faults = faultsOf(minimal(), { [name]: 'geheim' });
    expect(faults).toEqual([
      {
        path: name,
        problem: 'overrides no key of the configuration',
        remedy: expect.stringMatching(remedy) as string,
      },
    ]);
  });

  test('if it leaves a gap in a list', () => {
    const faults = faultsOf(minimal(), { GATEHOUSE__PROVIDERS__2__ID: 'x' });
    expect(faults).toMatchObject([
      { path: 'GATEHOUSE__PROVIDERS__2__ID', remedy: expect.stringContaining('no gap') as string },
    ]);
  });

  test('if its value cannot be read, without showing it', () => {
    for (const value of ['[geheim', '*geheim', '!geheim x']) {
      const faults = faultsOf(minimal(), { GATEHOUSE__LISTEN__PORT: value });
      expect(faults).toMatchObject([{ path: 'GATEHOUSE__LISTEN__PORT', problem: 'is not valid YAML' }]);
      expect(JSON.stringify(faults)).not.toContain('geheim');
    }
  });

  test.each(['', '8090x', 'true', '-1', '1.5'])('if its value is of the wrong kind: %j', (value) => {
    const [fault] = faultsOf(minimal(), { GATEHOUSE__LISTEN__PORT: value });
    expect(fault?.path).toBe('listen.port');
    expect(fault?.problem).toContain('(set by GATEHOUSE__LISTEN__PORT)');
  });

  test('if it sets a secret whose file is set too; both are named', () => {
    const input = minimal({ providers: [provider({ client_secret: undefined, client_secret_file: 'a' })] });
    const [fault] = faultsOf(input, { GATEHOUSE__PROVIDERS__0__CLIENT_SECRET: 'geheim' });
    expect(fault).toMatchObject({ path: 'providers[0].client_secret', remedy: 'Remove one of the two.' });
    expect(fault?.problem).toContain('by GATEHOUSE__PROVIDERS__0__CLIENT_SECRET');
    expect(fault?.problem).toContain('by `providers[0].client_secret_file`');
  });

  test('and has no place in the file', () => {
    const { faults } = inspectText(`${JSON.stringify(minimal({ mode: 'facade' }))}\n`, {
      GATEHOUSE__MODE: 'x',
    });
    expect(faults).toMatchObject([{ path: 'mode' }]);
    expect(faults[0]).not.toHaveProperty('line');
  });
});

/** Every leaf of the schema, with a few values that it takes. */
function leavesOf(schema: z.core.$ZodType, path: KeyPath = []): { path: KeyPath; schema: z.ZodType }[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, child]) =>
      leavesOf(child, [...path, key]),
    );
  }
  if (inner instanceof z.ZodArray) return leavesOf(inner.element, [...path, 0]);
  return [{ path, schema: inner }];
}

const leaves = leavesOf(configSchema);

test('every key of the schema has a variable of its own, and the value arrives as it is', () => {
  expect(new Set(leaves.map(({ path }) => environmentName(path))).size).toBe(leaves.length);
  fc.assert(
    fc.property(
      fc.constantFrom(...leaves),
      fc.string({ unit: 'grapheme' }),
      fc.nat(),
      ({ path, schema }, text, number) => {
        const takesList = isTextOrList(schema);
        const value = isText(schema) ? text : takesList ? text.replace(/^\s*\[/, '') : number;
        const variables = { [environmentName(path)]: String(value) };
        const tree: Json = {};
        expect(setAt(tree, path, value)).toBe(true);
        const { baseDir, env } = { baseDir: '/nonexistent', env: variables };
        // The very faults of the same value in the file, but for where it was set.
        const strip = (faults: readonly { path: string; problem: string }[]): string[] =>
          faults.map(
            (fault) =>
              `${fault.path}: ${fault.problem.replace(/ \(set by .*?\)/g, '').replace(/GATEHOUSE__\w+/g, (name) => `\`${pathOf(name)}\``)}`,
          );
        expect(strip(faultsOf({}, env, baseDir))).toEqual(strip(faultsOf(tree, {}, baseDir)));
        expect(valueAt(tree, path)).toBe(value);
      },
    ),
    { numRuns: 300 },
  );
});

function pathOf(name: string): string {
  return leaves.find(({ path }) => environmentName(path) === name)?.path.join('.') ?? name;
}
