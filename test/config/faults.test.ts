import { describe, expect, test } from 'vitest';
import {
  expectFaults,
  faultsOf,
  minimal,
  provider,
  withProvider,
  type FaultCase,
  type Json,
} from './support.ts';

const cases: FaultCase[] = [
  [
    'no server name',
    minimal({ server_name: undefined }),
    'server_name',
    /is missing/,
    /server_name: example\.com/,
  ],
  [
    'a URL as server name',
    minimal({ server_name: 'https://example.com' }),
    'server_name',
    /not a URL/,
    /example\.com/,
  ],
  [
    'a server name with a blank',
    minimal({ server_name: 'exa mple.com' }),
    'server_name',
    /host name/,
    /Write/,
  ],
  [
    'an underscore in the server name',
    minimal({ server_name: 'a_b.com' }),
    'server_name',
    /host name/,
    /Write/,
  ],
  ['an open bracket', minimal({ server_name: '[::1' }), 'server_name', /in brackets/, /Write/],
  [
    'a port of letters',
    minimal({ server_name: 'example.com:https' }),
    'server_name',
    /optional port/,
    /Write/,
  ],
  ['a long server name', minimal({ server_name: 'a'.repeat(231) }), 'server_name', /230/, /Write/],
  ['a number as server name', minimal({ server_name: 1 }), 'server_name', /is 1; must be text/, /quotes/],
  ['no public URL', minimal({ public_url: undefined }), 'public_url', /is missing/, /public_url: https/],
  [
    'public_url with http abroad',
    minimal({ public_url: 'http://auth.example.com/' }),
    'public_url',
    /http on a host/,
    /public_url_allow_http/,
  ],
  [
    'public_url on an address that begins like loopback',
    minimal({ public_url: 'http://127.0.0.1.example.com/' }),
    'public_url',
    /http on a host/,
    /https/,
  ],
  [
    'public_url without a scheme',
    minimal({ public_url: 'auth.example.com' }),
    'public_url',
    /absolute URL/,
    /Write/,
  ],
  [
    'public_url with another scheme',
    minimal({ public_url: 'ftp://auth.example.com/' }),
    'public_url',
    /https:\/\//,
    /Write/,
  ],
  [
    'public_url with a query',
    minimal({ public_url: 'https://auth.example.com/?a=b' }),
    'public_url',
    /query/,
    /Write/,
  ],
  [
    'public_url with an empty query',
    minimal({ public_url: 'https://auth.example.com/?' }),
    'public_url',
    /query/,
    /Write/,
  ],
  [
    'public_url with a fragment',
    minimal({ public_url: 'https://auth.example.com/#' }),
    'public_url',
    /fragment/,
    /Write/,
  ],
  [
    'public_url with a user name',
    minimal({ public_url: 'https://me@auth.example.com/' }),
    'public_url',
    /user name/,
    /Write/,
  ],
  [
    'public_url in capitals',
    minimal({ public_url: 'https://AUTH.example.com/' }),
    'public_url',
    /normal form, https:\/\/auth\.example\.com\//,
    /Write/,
  ],
  [
    'public_url with its default port',
    minimal({ public_url: 'https://auth.example.com:443/' }),
    'public_url',
    /normal form/,
    /Write/,
  ],
  [
    'public_url with dots',
    minimal({ public_url: 'https://auth.example.com/a/../b' }),
    'public_url',
    /normal form/,
    /Write/,
  ],
  [
    'public_url with an odd path',
    minimal({ public_url: 'https://auth.example.com/a//b' }),
    'public_url',
    /plain segments/,
    /Write/,
  ],
  [
    'public_url with a blank',
    minimal({ public_url: 'https://auth.example.com/ ' }),
    'public_url',
    /spaces/,
    /Write/,
  ],
  ['an unknown mode', minimal({ mode: 'proxy' }), 'mode', /must be one of `facade`, `passthrough`/, /Write/],
  [
    'a short encryption key',
    minimal({ encryption_key: 'geheim' }),
    'encryption_key',
    /32 characters/,
    /openssl rand/,
  ],
  [
    'an encryption key of one letter',
    minimal({ encryption_key: 'a'.repeat(64) }),
    'encryption_key',
    /random/,
    /openssl rand/,
  ],
  ['a port that is too high', minimal({ listen: { port: 65_536 } }), 'listen.port', /0 to 65535/, /Write/],
  ['a port with a fraction', minimal({ listen: { port: 1.5 } }), 'listen.port', /whole number/, /Write/],
  [
    'a port as text',
    minimal({ listen: { port: '8090' } }),
    'listen.port',
    /is "8090"; must be a whole number/,
    /port: 8090/,
  ],
  [
    'a host with a port',
    minimal({ listen: { host: '127.0.0.1:80' } }),
    'listen.host',
    /without scheme, port/,
    /Write/,
  ],
  ['host and socket', minimal({ listen: { host: '::1', socket: 'a' } }), 'listen.host', /socket/, /Remove/],
  ['port and socket', minimal({ listen: { port: 1, socket: 'a' } }), 'listen.port', /socket/, /Remove/],
  [
    'a proxy that is no range',
    minimal({ listen: { trusted_proxies: ['10.0.0.0/33'] } }),
    'listen.trusted_proxies[0]',
    /range/,
    /Correct/,
  ],
  [
    'a proxy by name',
    minimal({ listen: { trusted_proxies: ['::1', 'proxy'] } }),
    'listen.trusted_proxies[1]',
    /IP address/,
    /Correct/,
  ],
  [
    'one proxy without a list',
    minimal({ listen: { trusted_proxies: '::1' } }),
    'listen.trusted_proxies',
    /a list/,
    /Write/,
  ],
  [
    'one port for two listeners',
    minimal({ operations: { port: 8090 } }),
    'operations.port',
    /`listen` also uses/,
    /another port/,
  ],
  [
    'one port for two listeners, one of them everywhere',
    minimal({ listen: { host: '0.0.0.0', port: 9090 } }),
    'operations.port',
    /`listen` also uses/,
    /another port/,
  ],
  [
    'another database',
    minimal({ database: { url: 'mysql://a' } }),
    'database.url',
    /sqlite: or postgres/,
    /sqlite:/,
  ],
  [
    'a database in memory',
    minimal({ database: { url: 'sqlite::memory:' } }),
    'database.url',
    /survive/,
    /Write/,
  ],
  [
    'a database without a name',
    minimal({ database: { url: 'sqlite:' } }),
    'database.url',
    /name a file/,
    /Write/,
  ],
  [
    'a database with parameters',
    minimal({ database: { url: 'sqlite:a.db?mode=ro' } }),
    'database.url',
    /parameters/,
    /Write/,
  ],
  [
    'a database in no folder',
    minimal({ database: { url: 'sqlite:none/a.db' } }),
    'database.url',
    /does not exist/,
    /mkdir -p/,
  ],
  [
    'PostgreSQL without a key',
    minimal({ database: { url: 'postgres://a:b@c/d' } }),
    'encryption_key',
    /PostgreSQL requires it/,
    /openssl rand/,
    'and more',
  ],
  [
    'an unknown kind of homeserver',
    minimal({ homeserver: { kind: 'dendrite' } }),
    'homeserver.kind',
    /`none`, `synapse`/,
    /Write/,
  ],
  [
    'a homeserver with http abroad',
    minimal({ homeserver: { url: 'http://hs.example.com' } }),
    'homeserver.url',
    /http on a host/,
    /allow_http/,
  ],
  [
    'a public homeserver URL with a query',
    minimal({ homeserver: { public_url: 'https://a.example/?b' } }),
    'homeserver.public_url',
    /query/,
    /Write/,
  ],
  [
    'an access token without life',
    minimal({ sessions: { access_token_ttl_seconds: 0 } }),
    'sessions.access_token_ttl_seconds',
    /1 to 86400/,
    /Write/,
  ],
  [
    'a negative grace',
    minimal({ sessions: { refresh_reuse_grace_seconds: -1 } }),
    'sessions.refresh_reuse_grace_seconds',
    /0 to 3600/,
    /Write/,
  ],
  [
    'a limit of nothing',
    minimal({ limits: { registrations_per_address: 0 } }),
    'limits.registrations_per_address',
    /1 to/,
    /Write/,
  ],
  ['an unknown log level', minimal({ log: { level: 'loud' } }), 'log.level', /`debug`/, /Write/],
  [
    'a section that is a list',
    minimal({ sessions: [] }),
    'sessions',
    /is an empty list; must be a mapping/,
    /Write/,
  ],
  ['a section without keys', minimal({ sessions: null }), 'sessions', /has no value/, /remove the key/],
  [
    'text for a switch',
    minimal({ legacy_login: { sso: 'no' } }),
    'legacy_login.sso',
    /true or false/,
    /Write/,
  ],
  [
    'tokeninfo without a URL',
    withProvider({ tokens: { strategies: ['tokeninfo'] } }),
    'providers[0].tokens.tokeninfo.url',
    /is missing/,
    /access_token=/,
  ],
  [
    'tokeninfo with the token in the path',
    withProvider({ tokens: { strategies: ['tokeninfo'], tokeninfo: { url: 'https://idp.example.com/t/' } } }),
    'providers[0].tokens.tokeninfo.url',
    /must end with the name of a parameter/,
    /./,
  ],
  [
    'introspection by GET without a parameter',
    withProvider({ tokens: { introspection: { mode: 'get', url: 'https://idp.example.com/i' } } }),
    'providers[0].tokens.introspection.url',
    /does not end with the name of a parameter/,
    /token=/,
  ],
  [
    'forced introspection that never comes',
    withProvider({ tokens: { strategies: ['jwt'], introspection: { force: true } } }),
    'providers[0].tokens.introspection.force',
    /not one of the strategies/,
    /strategies: \[jwt, introspection\]/,
  ],
  [
    'a shared secret for tokens, and none',
    withProvider({ tokens: { jwt: { algorithms: ['HS256'] } } }),
    'providers[0].tokens.jwt.algorithms',
    /no `key_directory`/,
    /key_directory/,
  ],
  ['SASL without a secret', minimal({ sasl: { enabled: true } }), 'sasl.secret', /is missing/, /secret_file/],
  [
    'passwords that no mechanism carries',
    minimal({ providers: [provider({ tokens: {} })], sasl: { password: { provider: 'main' } } }),
    'sasl.password',
    /no mechanism carries one/,
    /PLAIN/,
  ],
  [
    'passwords of a provider without tokens',
    minimal({ sasl: { password: { provider: 'main' }, mechanisms: ['PLAIN'] } }),
    'sasl.password.provider',
    /without `tokens`/,
    /tokens: \{\}/,
  ],
  [
    'a name of mail users without the localpart',
    minimal({ sasl: { username: '{server_name}' } }),
    'sasl.username',
    /must have `\{localpart\}`/,
    /./,
  ],
  [
    'a rule with a path that can be read in two ways',
    minimal({ forward_auth: { rules: [{ path: '/a/../b' }] } }),
    'forward_auth.rules[0].path',
    /plain path/,
    /./,
  ],
  [
    'an identity header that is none',
    minimal({ forward_auth: { headers: { user: 'X Auth' } } }),
    'forward_auth.headers.user',
    /./,
    /./,
  ],
  [
    'no strategy for tokens',
    withProvider({ tokens: { strategies: [] } }),
    'providers[0].tokens.strategies',
    /./,
    /./,
  ],
  [
    'a login token that lives for hours',
    minimal({ legacy_login: { login_token_ttl_seconds: 601 } }),
    'legacy_login.login_token_ttl_seconds',
    /1 to 600/,
    /Write/,
  ],
  [
    'a trusted app with a query',
    minimal({ legacy_login: { trusted_redirects: ['https://a.example.com/?x'] } }),
    'legacy_login.trusted_redirects[0]',
    /neither query nor fragment/,
    /./,
  ],
  [
    'a trusted app that is none',
    minimal({ legacy_login: { trusted_redirects: ['https://a.example.com/', 'javascript:go()'] } }),
    'legacy_login.trusted_redirects[1]',
    /own scheme of an app/,
    /./,
  ],
  [
    'a pool for SQLite',
    minimal({ database: { pool_size: 5 } }),
    'database.pool_size',
    /for PostgreSQL/,
    /Remove/,
  ],
  [
    'a direct URL for SQLite',
    minimal({ database: { direct_url: 'postgres://a/b' } }),
    'database.direct_url',
    /for PostgreSQL/,
    /Remove/,
  ],
  [
    'a direct URL to another database',
    minimal({ database: { direct_url: 'sqlite:a.db' } }),
    'database.direct_url',
    /postgres:/,
    /value/,
  ],
];

describe('each fault names its path, its rule and its remedy', () => {
  expectFaults(cases);

  test('and never shows the value of a secret', () => {
    const secret = 'hunter2-hunter2';
    const texts = [
      withProvider({ client_secret: [secret] }),
      withProvider({ client_secret: { value: secret } }),
      withProvider({ client_secret: secret, token_endpoint_auth_method: 'none' }),
      withProvider({ client_private_key: secret }),
      withProvider({ [secret]: secret }).providers === undefined ? {} : withProvider({ key: secret }),
      minimal({ encryption_key: secret }),
      minimal({ database: { url: `mysql://user:${secret}@host/x` } }),
      minimal({ database: `postgres://user:${secret}@host/x` }),
      minimal({ homeserver: { secret: 5, public_url: `https://user:${secret}@host/` } }),
      minimal({ homeserver: { public_url: `https://host/?token=${secret}` } }),
      minimal({ homeserver: secret.split('').map(() => secret) }),
    ].map((input) => JSON.stringify(faultsOf(input)));
    for (const text of texts) {
      expect(text).not.toBe('[]');
      expect(text).not.toContain(secret);
    }
  });
});

describe('an unknown key', () => {
  test.each<[Json, string, string]>([
    [{ sever_name: 'a' }, 'sever_name', '`server_name`'],
    [{ serverName: 'a' }, 'serverName', '`server_name`'],
    [{ 'public-url': 'a' }, 'public-url', '`public_url`'],
    [{ provider: [] }, 'provider', '`providers`'],
    [{ port: 1 }, 'port', '`listen.port` or `operations.port`'],
    [{ trusted_proxies: [] }, 'trusted_proxies', '`listen.trusted_proxies`'],
    [{ listen: { prot: 1 } }, 'listen.prot', '`port`'],
    [{ sessions: { access_token_ttl: 1 } }, 'sessions.access_token_ttl', '`access_token_ttl_seconds`'],
  ])('in %j is refused, with what was probably meant', (more, path, guess) => {
    const faults = faultsOf(minimal(more));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ path, problem: expect.stringContaining('not a known key') as string });
    expect(faults[0]?.remedy).toContain(`Did you mean ${guess}?`);
  });

  test('that is like nothing is answered with what there is', () => {
    const [fault] = faultsOf(minimal({ log: { zzzzzzzz: 1 } }));
    expect(fault?.remedy).toBe('Remove it. Known in `log`: `level`, `format`.');
  });

  test('cannot reach into what every object has', () => {
    const input = JSON.parse(
      JSON.stringify(minimal()).replace('{', '{"__proto__":{"mode":"x"},"constructor":1,'),
    ) as Json;
    expect(faultsOf(input).map(({ path }) => path)).toEqual(['__proto__', 'constructor']);
  });
});
