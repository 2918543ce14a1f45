/** Scopes of the operator's own in the configuration. */
import { describe, expect, test } from 'vitest';
import { faultsOf, minimal, type Json } from './support.ts';

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
