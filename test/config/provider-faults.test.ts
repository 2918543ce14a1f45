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

const noSecret = { client_secret: undefined };

const cases: FaultCase[] = [
  ['no providers', minimal({ providers: undefined }), 'providers', /is missing/, /providers: \[/],
  [
    'an empty list of providers',
    minimal({ providers: [] }),
    'providers',
    /is an empty list; must have at least 1/,
    /providers/,
  ],
  [
    'a provider that is no mapping',
    minimal({ providers: ['main'] }),
    'providers[0]',
    /must be a mapping/,
    /Write/,
  ],
  [
    'a provider id in capitals',
    withProvider({ id: 'Main' }),
    'providers[0].id',
    /a-z, 0-9 and -/,
    /id: main/,
  ],
  ['a provider id with a slash', withProvider({ id: 'a/b' }), 'providers[0].id', /part of URLs/, /id: main/],
  ...['id_token_algorithms', 'userinfo_algorithms', 'logout_token_algorithms'].map((key): FaultCase => [
    `\`none\` in ${key}`,
    withProvider({ [key]: ['none'] }),
    `providers[0].${key}[0]`,
    /must be one of/,
    /Write/,
  ]),
  [
    'an empty list of claims',
    withProvider({ claims: { localpart: [] } }),
    'providers[0].claims.localpart',
    /is an empty list; must have at least 1/,
    /preferred_username/,
  ],
  [
    'a number for a claim',
    withProvider({ claims: { displayname: 5 } }),
    'providers[0].claims.displayname',
    /must be text, or a list of texts/,
    /Write/,
  ],
  [
    'a number in a list of claims',
    withProvider({ claims: { localpart: ['sub', 5] } }),
    'providers[0].claims.localpart[1]',
    /must be text/,
    /Put it in quotes/,
  ],
  [
    'an unknown filter in a list of claims',
    withProvider({ claims: { localpart: ['sub', '{email|upper}'] } }),
    'providers[0].claims.localpart[1]',
    /unknown filter/,
    /./,
  ],
  [
    'an empty text in a list of claims',
    withProvider({ claims: { localpart: ['', 'sub'] } }),
    'providers[0].claims.localpart[0]',
    /must name a claim/,
    /./,
  ],
  [
    'a null in a list of claims',
    withProvider({ claims: { localpart: [null, 'sub'] } }),
    'providers[0].claims.localpart[0]',
    /must be text/,
    /./,
  ],
  [
    'a brand in capitals',
    withProvider({ brand: 'GitHub' }),
    'providers[0].brand',
    /must be a brand/,
    /github/,
  ],
  [
    'an icon on the web',
    withProvider({ icon: 'https://example.com/icon.png' }),
    'providers[0].icon',
    /mxc:/,
    /mxc:/,
  ],
  [
    'an unknown preset',
    withProvider({ preset: 'keykloak' }),
    'providers[0].preset',
    /must be one of/,
    /Write/,
  ],
  [
    'an access rule without a value',
    withProvider({ access: { require: [{ claim: 'groups' }] } }),
    'providers[0].access.require[0]',
    /neither `any_of` nor `domain`/,
    /any_of/,
  ],
  [
    'an access rule with two kinds of value',
    withProvider({ access: { admin: [{ claim: 'email', any_of: ['a'], domain: ['example.com'] }] } }),
    'providers[0].access.admin[0]',
    /both `any_of` and `domain`/,
    /two conditions/,
  ],
  [
    'an access rule on the localpart with a user ID',
    withProvider({ access: { deny: [{ claim: 'localpart', any_of: ['admin', '@root:example.com'] }] } }),
    'providers[0].access.deny[0].any_of[1]',
    /is "@root:example.com", which is not a localpart/,
    /between `@` and `:`/,
  ],
  [
    'an access rule on the localpart with a pattern',
    withProvider({ access: { deny: [{ claim: 'localpart', any_of: ['_bridge_*'] }] } }),
    'providers[0].access.deny[0].any_of[0]',
    /is not a localpart/,
    /`reserved_localparts`/,
  ],
  [
    'an access rule on the localpart with a domain',
    withProvider({ access: { require: [{ claim: 'localpart', domain: ['example.com'] }] } }),
    'providers[0].access.require[0].domain',
    /has no domain/,
    /`claim: email`/,
  ],
  [
    'an access rule with a domain that is an address',
    withProvider({ access: { deny: [{ claim: 'email', domain: ['a@example.com'] }] } }),
    'providers[0].access.deny[0].domain[0]',
    /must be a domain/,
    /./,
  ],
  ['no issuer', withProvider({ issuer: undefined }), 'providers[0].issuer', /is missing/, /issuer: https/],
  [
    'an issuer with http abroad',
    withProvider({ issuer: 'http://idp.example.com' }),
    'providers[0].issuer',
    /http on a host/,
    /allow_http: true/,
  ],
  [
    'an issuer with a query',
    withProvider({ issuer: 'https://idp.example.com?a' }),
    'providers[0].issuer',
    /query/,
    /Write/,
  ],
  [
    'our own issuer',
    withProvider({ issuer: 'https://auth.example.com/' }),
    'providers[0].issuer',
    /circle/,
    /identity provider/,
  ],
  [
    'a discovery URL with http abroad',
    withProvider({ discovery: { url: 'http://idp.example.com/d' } }),
    'providers[0].discovery.url',
    /http on a host/,
    /allow_http/,
  ],
  [
    'an endpoint with http abroad',
    withProvider({ discovery: { overrides: { token_endpoint: 'http://idp.example.com/t' } } }),
    'providers[0].discovery.overrides.token_endpoint',
    /http on a host/,
    /allow_http/,
  ],
  [
    'no client id',
    withProvider({ client_id: undefined }),
    'providers[0].client_id',
    /is missing/,
    /client_id: gatehouse/,
  ],
  [
    'an empty client id',
    withProvider({ client_id: '' }),
    'providers[0].client_id',
    /must not be empty/,
    /Write/,
  ],
  [
    'a number as client id',
    withProvider({ client_id: 12 }),
    'providers[0].client_id',
    /is 12; must be text/,
    /quotes/,
  ],
  [
    'no client secret',
    withProvider(noSecret),
    'providers[0].client_secret',
    /is missing/,
    /token_endpoint_auth_method: none/,
  ],
  [
    'an empty client secret',
    withProvider({ client_secret: '' }),
    'providers[0].client_secret',
    /must not be empty/,
    /value/,
  ],
  [
    'a number as client secret',
    withProvider({ client_secret: 123456 }),
    'providers[0].client_secret',
    /is a number; must be text/,
    /quotes/,
  ],
  [
    'a secret that is of no use',
    withProvider({ token_endpoint_auth_method: 'none' }),
    'providers[0].client_secret',
    /is not used/,
    /Remove/,
  ],
  [
    'a secret beside a key',
    withProvider({ token_endpoint_auth_method: 'private_key_jwt' }),
    'providers[0].client_private_key',
    /is missing/,
    /client_private_key_file/,
    'and more',
  ],
  [
    'a method that needs the secret',
    withProvider({ ...noSecret, token_endpoint_auth_method: 'client_secret_post' }),
    'providers[0].client_secret',
    /needs it/,
    /client_secret_file/,
  ],
  [
    'a private key that is none',
    withProvider({ ...noSecret, client_private_key: 'geheim' }),
    'providers[0].client_private_key',
    /no private key/,
    /PEM/,
  ],
  ['scopes without openid', withProvider({ scopes: ['profile'] }), 'providers[0].scopes', /openid/, /Add/],
  [
    'scopes in one text',
    withProvider({ scopes: ['openid profile'] }),
    'providers[0].scopes[0]',
    /one scope/,
    /Correct/,
  ],
  ['no scopes at all', withProvider({ scopes: [] }), 'providers[0].scopes', /openid/, /Add/],
  [
    'a floor above the ceiling',
    withProvider({ discovery: { min_ttl_seconds: 90, max_ttl_seconds: 80 } }),
    'providers[0].discovery.min_ttl_seconds',
    /above `max_ttl_seconds`/,
    /smaller/,
  ],
  [
    'a floor of nothing',
    withProvider({ discovery: { min_ttl_seconds: 0 } }),
    'providers[0].discovery.min_ttl_seconds',
    /1 to 86400/,
    /Write/,
  ],
  [
    'a template that is not closed',
    withProvider({ claims: { localpart: '{email' } }),
    'providers[0].claims.localpart',
    /brace/,
    /preferred_username/,
  ],
  [
    'a template with an unknown filter',
    withProvider({ claims: { localpart: '{email|upper}' } }),
    'providers[0].claims.localpart',
    /unknown filter `upper`/,
    /preferred_username/,
  ],
  ['a CA that is none', withProvider({ ca: 'geheim' }), 'providers[0].ca', /PEM/, /Correct/],
  [
    'two providers of one id',
    minimal({ providers: [provider(), provider({ issuer: 'https://b.example' })] }),
    'providers[1].id',
    /earlier provider/,
    /own/,
    'and more',
  ],
  [
    'nothing discovered and an endpoint missing',
    withProvider({
      discovery: {
        method: 'none',
        overrides: { authorization_endpoint: 'https://a.example/', jwks_uri: 'https://a.example/' },
      },
    }),
    'providers[0].discovery.overrides.token_endpoint',
    /discovery is off/,
    /token_endpoint: https/,
  ],
  [
    'passthrough of a document that is not fetched',
    minimal({
      mode: 'passthrough',
      providers: [
        provider({
          discovery: {
            method: 'none',
            overrides: Object.fromEntries(
              ['authorization_endpoint', 'token_endpoint', 'jwks_uri'].map((name) => [
                name,
                'https://a.example/',
              ]),
            ),
          },
        }),
      ],
    }),
    'providers[0].discovery.method',
    /is `none`.*`mode: passthrough` publishes/,
    /Write `method: oidc`/,
  ],
  [
    'plain OAuth 2.0 without a userinfo endpoint',
    withProvider({
      preset: 'oauth2',
      scopes: [],
      discovery: {
        overrides: { authorization_endpoint: 'https://a.example/', token_endpoint: 'https://a.example/' },
      },
    }),
    'providers[0].discovery.overrides.userinfo_endpoint',
    /discovery is off/,
    /userinfo_endpoint: https/,
  ],
];

describe('each fault of a provider names its path, its rule and its remedy', () => {
  expectFaults(cases);
});

describe('an issuer that the provider does not have', () => {
  const remedies = (settings: Json): string => JSON.stringify(faultsOf(withProvider(settings)));

  test.each([
    [
      'https://idp.example.com/.well-known/openid-configuration',
      'Write the issuer: https://idp.example.com"',
    ],
    [
      'https://idp.example.com/a/.well-known/openid-configuration',
      'Write the issuer: https://idp.example.com/a"',
    ],
    ['https://idp.example.com/.well-known/oauth-authorization-server/a', 'https://idp.example.com/a"'],
  ])('%s', (issuer, words) => {
    expect(remedies({ issuer })).toContain(words);
  });

  test.each(['https://idp.example.com/', 'https://idp.example.com/well-known', 'https://idp.example.com/a/'])(
    'is not %s',
    (issuer) => {
      expect(remedies({ issuer })).toBe('[]');
    },
  );

  test('is that of a Keycloak realm with a slash at its end', () => {
    const issuer = 'https://idp.example.com/realms/main';
    expect(remedies({ issuer: `${issuer}/`, preset: 'keycloak' })).toContain(`Write ${issuer}"`);
    expect(remedies({ issuer, preset: 'keycloak' })).toBe('[]');
  });
});
