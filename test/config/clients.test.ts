import { describe, expect, test } from 'vitest';
import { inspectFile, parseConfig } from '../../src/config/load.ts';
import { faultsOf, makeFolder, minimal, type Json } from './support.ts';

const app = { client_id: 'app', redirect_uris: ['https://app.example.com/cb'] };
const keys = JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] });

const told = (input: Json): string[] =>
  faultsOf(input).map(({ path, problem }) => `${path} ${problem.replace(/^is .*; (?=must)/, '')}`);
const faults = (...clients: Json[]): string[] => told(minimal({ clients }));

describe('static clients', () => {
  test('that are sound', () => {
    expect(
      faults(
        app,
        { ...app, client_id: 'native', redirect_uris: ['http://127.0.0.1/cb', 'org.example.app:/cb'] },
        {
          client_id: 'job',
          grant_types: ['client_credentials'],
          token_endpoint_auth_method: 'client_secret_post',
          client_secret: 's'.repeat(20),
          scopes: ['urn:a'],
        },
        { ...app, client_id: 'keyed', token_endpoint_auth_method: 'private_key_jwt', jwks: keys },
      ),
    ).toEqual([]);
  });

  test('whose keys and secret are in files', () => {
    const baseDir = makeFolder({ 'keys.json': `${keys}\n`, 'a.secret': 'from the file, long enough\n' });
    const { clients } = parseConfig(
      minimal({
        clients: [
          { ...app, token_endpoint_auth_method: 'private_key_jwt', jwks_file: 'keys.json' },
          {
            ...app,
            client_id: 'b',
            token_endpoint_auth_method: 'client_secret_basic',
            client_secret_file: 'a.secret',
          },
        ],
      }),
      { baseDir },
    );
    expect(clients.map(({ jwks, client_secret: secret }) => jwks ?? secret)).toEqual([
      keys,
      'from the file, long enough',
    ]);
  });

  test.each<[Json, string]>([
    [{ redirect_uris: [] }, 'clients[0].redirect_uris is missing; `authorization_code` needs one'],
    [
      { redirect_uris: ['http://app.example.com/'] },
      'clients[0].redirect_uris[0] must be https, except for 127.0.0.1, [::1] and localhost',
    ],
    [
      { redirect_uris: ['javascript:alert(1)'] },
      'clients[0].redirect_uris[0] must be https, http, or of the own scheme of an app: one with a dot in it, such as org.example.app',
    ],
    [
      { redirect_uris: ['https://a.example/#x'] },
      'clients[0].redirect_uris[0] must be an absolute URI without a fragment',
    ],
    [
      { redirect_uris: ['https://u@a.example/'] },
      'clients[0].redirect_uris[0] must hold no user information',
    ],
    [{ grant_types: [] }, 'clients[0].grant_types is empty'],
    [
      { grant_types: ['client_credentials'] },
      'clients[0].grant_types contains `client_credentials`, but the client has no credentials',
    ],
    [
      { token_endpoint_auth_method: 'client_secret_basic' },
      'clients[0].client_secret is missing; `client_secret_basic` needs it',
    ],
    [
      { token_endpoint_auth_method: 'private_key_jwt' },
      'clients[0].jwks is missing; `private_key_jwt` needs it',
    ],
    [
      { client_secret: 's'.repeat(20) },
      'clients[0].client_secret is not used with `token_endpoint_auth_method: none`',
    ],
    [{ jwks: keys }, 'clients[0].jwks is not used with `token_endpoint_auth_method: none`'],
    [{ introspect_all: true }, 'clients[0].introspect_all is on, but the client cannot authenticate'],
    [
      { scopes: ['urn:a'] },
      'clients[0].scopes name `urn:a`, which is not among the `scopes` at the top level; any word will do for `client_credentials` alone, which is not among the grants',
    ],
  ])('with %j: %s', (more, expected) => {
    expect(faults({ ...app, ...more })).toContain(expected);
  });

  test.each([
    ['{', 'must be JSON: {"keys":[…]}'],
    ['[]', 'must be a JSON Web Key Set with at least one key'],
    ['{"keys":[]}', 'must be a JSON Web Key Set with at least one key'],
    ['{"keys":[7]}', 'must contain keys that are JSON objects'],
    ['{"keys":[{"kty":"oct","k":"x"}]}', 'must contain only public keys, but one of them is private'],
    ['{"keys":[{"kty":"RSA","d":"x"}]}', 'must contain only public keys, but one of them is private'],
    ['{"keys":[{"kty":"other"}]}', 'must contain only keys of the types RSA, EC and OKP'],
  ])('with the key set %s: %s', (jwks, expected) => {
    expect(faults({ ...app, token_endpoint_auth_method: 'private_key_jwt', jwks })).toContain(
      `clients[0].jwks ${expected}`,
    );
  });

  test.each(['openid', 'urn:matrix:client:api:*', 'urn:synapse:admin:*'])(
    'never with the scope %s',
    (scope) => {
      const job = {
        client_id: 'job',
        grant_types: ['client_credentials'],
        token_endpoint_auth_method: 'client_secret_post',
        client_secret: 's'.repeat(20),
      };
      expect(faults({ ...job, scopes: [scope] })).toEqual([
        'clients[0].scopes[0] must not be a scope of Matrix or `openid`, which every client may request',
      ]);
    },
  );

  test('are told apart by their ids', () => {
    expect(faults(app, app)).toEqual(['clients[1].client_id is also the id of an earlier client']);
  });

  test('that may be impersonated, or guessed, are warned of', () => {
    const folder = makeFolder({
      'gatehouse.yaml': JSON.stringify(
        minimal({
          clients: [
            { ...app, redirect_uris: ['org.example.app:/cb'], trusted: true },
            {
              ...app,
              client_id: 'b',
              token_endpoint_auth_method: 'client_secret_basic',
              client_secret: 'short',
            },
          ],
        }),
      ),
    });
    const paths = inspectFile(`${folder}/gatehouse.yaml`, {}).warnings.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['clients[0].trusted', 'clients[1].client_secret']));
  });
});

describe('registration', () => {
  const of = (registration: Json): string[] => told(minimal({ registration }));

  test('by list needs a list, and a list the mode', () => {
    expect(of({ mode: 'allow_list' })).toEqual([
      'registration.allowed_hosts is missing; `mode: allow_list` needs it',
    ]);
    expect(of({ allowed_hosts: ['a.example'] })).toEqual([
      'registration.allowed_hosts is used with `mode: allow_list` only',
    ]);
    expect(of({ mode: 'allow_list', allowed_hosts: ['a.example', '*.b.example'] })).toEqual([]);
  });

  test.each(['A.example', 'https://a.example', '*', 'a.*.example', 'localhost', ''])(
    'not with the host %j',
    (host) => {
      expect(of({ mode: 'allow_list', allowed_hosts: [host] })).toEqual([
        'registration.allowed_hosts[0] must be a host name in lower case, with or without a leading `*.`',
      ]);
    },
  );
});
