import { describe, expect, test } from 'vitest';
import { notBuilt } from '../../src/config/not-built.ts';
import { parseConfig } from '../../src/config/load.ts';
import { configSchema } from '../../src/config/schema.ts';
import { schemaAt } from '../../src/config/shape.ts';
import { presetNames } from '../../src/protocol/preset-names.ts';
import { presets } from '../../src/upstream/presets/presets.ts';
import { faultsOf, makeFolder, minimal, provider, withProvider, type Json } from './support.ts';

/** A way to ask for each thing that may not be built. Entries stay when it is built: then nothing may be refused any more. */
const requests: Record<string, Json> = {
  mode: minimal({ mode: 'passthrough' }),
  'homeserver.kind': minimal({
    homeserver: { kind: 'synapse', url: 'http://127.0.0.1:8008', secret: 's'.repeat(20) },
  }),
  'database.url': minimal({
    database: { url: 'postgres://a:b@127.0.0.1/c' },
    encryption_key: '0123456789abcdef'.repeat(4),
  }),
  providers: minimal({ providers: [provider(), provider({ id: 'two', issuer: 'https://two.example.com' })] }),
  'providers[].response_mode': withProvider({ response_mode: 'form_post' }),
  'legacy_login.sso': minimal({ legacy_login: { sso: true } }),
  'legacy_login.password': minimal({ legacy_login: { password: { allow_users: ['a'] } } }),
  'limits.password_failures_per_account': minimal({ limits: { password_failures_per_account: 5 } }),
  'limits.password_failures_per_address': minimal({ limits: { password_failures_per_address: 5 } }),
  clients: minimal({ clients: [{ client_id: 'a', redirect_uris: ['https://a.example.com/'] }] }),
};

describe('what is not built yet is refused in so many words', () => {
  test.each(notBuilt.map((entry) => [entry.key, entry] as const))('%s', (key, entry) => {
    const request = requests[key];
    expect(request, 'a request for it').toBeDefined();
    expect(faultsOf(request)).toEqual([
      {
        path: key.replaceAll('[]', '[0]'),
        problem: `${entry.what} is not available in this version`,
        remedy: entry.remedy,
      },
    ]);
  });

  test('and what is built is not', () => {
    for (const [key, request] of Object.entries(requests)) {
      if (!notBuilt.some((entry) => entry.key === key)) expect(faultsOf(request), key).toEqual([]);
    }
  });

  test('under a key that exists', () => {
    for (const { key } of notBuilt) {
      const path = key.split('.').flatMap((part) => (part.endsWith('[]') ? [part.slice(0, -2), 0] : [part]));
      expect(schemaAt(configSchema, path), key).toBeDefined();
    }
  });
});

test('what is refused is never a default', () => {
  const config = parseConfig(minimal(), { baseDir: makeFolder() });
  expect(config.legacy_login).toMatchObject({ sso: true, password: false });
});

test('values that switch nothing on may be written', () => {
  const input = minimal({
    mode: 'facade',
    homeserver: { kind: 'none' },
    legacy_login: { sso: false, password: false },
    clients: [],
    providers: [provider({ preset: 'generic', access: { require: [] }, response_mode: 'query' })],
  });
  expect(faultsOf(input)).toEqual([]);
});

test('the presets are those that the upstream part has', () => {
  expect([...presetNames].sort()).toEqual([...presets.keys()].sort());
});
