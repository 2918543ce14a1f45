/** Scopes of the operator's own in the configuration. */
import { describe, expect, test } from 'vitest';
import { faultsOf, inspectText, minimal, type Json } from './support.ts';

const scope = { scope: 'sasl_auth', description: 'Your mail' };
const faults = (input: Json): string[] =>
  faultsOf(minimal(input)).map(({ path, problem }) => `${path} ${problem}`);

describe('scopes', () => {
  test('that are sound, and clients that may ask for them', () => {
    expect(
      faults({
        scopes: [
          { ...scope, claims: { jid: '{localpart}@{server_name}', kind: '{server_name}' } },
          { scope: 'urn:example:files', description: 'Files', require: [{ claim: 'groups', any_of: ['a'] }] },
        ],
        clients: [{ client_id: 'app', redirect_uris: ['https://app.example.com/cb'], scopes: ['sasl_auth'] }],
      }),
    ).toEqual([]);
  });

  test.each([
    ['a blank in it', [{ ...scope, scope: 'a b' }], 'scopes[0].scope'],
    ['openid', [{ ...scope, scope: 'openid' }], 'scopes[0].scope'],
    ['offline_access', [{ ...scope, scope: 'offline_access' }], 'scopes[0].scope'],
    ['a scope of Matrix', [{ ...scope, scope: 'urn:matrix:client:device:A' }], 'scopes[0].scope'],
    ['a scope of Synapse', [{ ...scope, scope: 'urn:synapse:admin:*' }], 'scopes[0].scope'],
    ['no description', [{ scope: 'a' }], 'scopes[0].description'],
    ['a condition on nothing', [{ ...scope, require: [{ any_of: ['a'] }] }], 'scopes[0].require[0].claim'],
    ['a claim of the token itself', [{ ...scope, claims: { sub: '{localpart}' } }], 'scopes[0].claims.sub'],
    ['a member that decides', [{ ...scope, claims: { active: 'x' } }], 'scopes[0].claims.active'],
    ['another brace', [{ ...scope, claims: { email: '{email}' } }], 'scopes[0].claims.email'],
    ['a condition that is none', [{ ...scope, deny: [{ claim: 'groups' }] }], 'scopes[0].deny[0]'],
    ['a life of nothing', [{ ...scope, access_token_ttl_seconds: 0 }], 'scopes[0].access_token_ttl_seconds'],
    ['the same twice', [scope, scope], 'scopes[1].scope'],
  ])('with %s are a fault', (_what, scopes, path) => {
    const told = faults({ scopes });
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(path);
  });

  test('where our authorization server is not offered are a fault', () => {
    expect(faults({ scopes: [scope], oauth_api: false })[0]).toContain(
      'scopes are granted by the authorization server of this service',
    );
  });
});

describe('the password grant', () => {
  const client = {
    client_id: 'dovecot',
    client_secret: 's'.repeat(20),
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['password'],
    scopes: ['sasl_auth'],
  };
  const grant = { provider: 'main' };

  test('that is sound is warned of', () => {
    const input = minimal({ scopes: [scope], clients: [client], password_grant: grant });
    expect(faultsOf(input)).toEqual([]);
    const { warnings } = inspectText(JSON.stringify(input));
    expect(warnings.map(({ path, problem }) => `${path} ${problem}`)).toEqual([
      'clients[0].grant_types names `password`: the client sees passwords, and second factors do not count (RFC 9700 section 2.4)',
    ]);
  });

  test.each<[string, Json, string]>([
    ['that is off', { clients: [client] }, 'clients[0].grant_types names `password`, which is off'],
    [
      'of a client that anybody can be',
      {
        clients: [{ ...client, token_endpoint_auth_method: 'none', client_secret: undefined }],
        password_grant: grant,
      },
      'clients[0].grant_types names `password`, and the client cannot prove who it is',
    ],
    [
      'that gives nothing',
      { clients: [{ ...client, scopes: [] }], password_grant: grant },
      'clients[0].scopes is missing; a password gives nothing but `scopes` of your own',
    ],
    [
      'of no provider',
      { password_grant: { provider: 'other' } },
      'password_grant.provider names no provider',
    ],
    ['without a provider', { password_grant: {} }, 'password_grant'],
    ['with another brace', { password_grant: { ...grant, login: '{email}' } }, 'password_grant'],
  ])('%s is a fault', (_what, input, problem) => {
    expect(faults({ scopes: [scope], ...input }).join('\n')).toContain(problem);
  });
});
