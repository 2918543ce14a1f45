/** The password grant: for servers that the operator names for it, for scopes of the operator's own, and by one answer for whatever is wrong. Behind a real IdP. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import {
  type Answer,
  API_SCOPE,
  ask,
  DEVICE_SCOPE,
  postForm,
  registerTestClient,
} from '../support/oauth-client.ts';

const SECRET = 'the secret of the servers';
const PASSWORD = ' päss+word&=% ';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    const server = `client_secret: "${SECRET}", token_endpoint_auth_method: client_secret_post`;
    gatehouse = await startGatehouse({
      validateResponses: true,
      idp: { passwordGrant: true },
      env: await databaseOf(engine),
      yaml: `password_grant: { provider: main, login: "{localpart}@mail.example.org" }
sessions: { limits: { per_user: 1 } }
scopes:
  - { scope: mail, description: "Your mail", claims: { email: "{localpart}@mail.example.org" }, access_token_ttl_seconds: 900 }
  - { scope: staff, description: "For staff", require: [{ claim: localpart, any_of: [nobody] }] }
clients:
  - { client_id: dovecot, ${server}, grant_types: [password], scopes: [mail, staff], token_answer_claims: true }
  - { client_id: prosody, ${server}, grant_types: [password, refresh_token], scopes: [mail] }
  - { client_id: jwt, ${server}, grant_types: [password], scopes: [mail], access_token_format: jwt }
  - { client_id: staff-only, ${server}, grant_types: [password], scopes: [staff] }
  - { client_id: no-password, ${server}, grant_types: [client_credentials], scopes: [mail] }
`,
    });
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    for (const login of ['alice', 'bob']) gatehouse.idp.passwords.set(login, PASSWORD);
  });

  const sign = (username: string, more: Record<string, string> = {}): Promise<Answer> =>
    postForm(`${gatehouse.url}oauth2/token`, {
      grant_type: 'password',
      client_id: 'dovecot',
      client_secret: SECRET,
      username,
      password: PASSWORD,
      ...more,
    });

  describe('a server gets a token for a name and a password', () => {
    test.each(['alice', 'ALICE', 'alice@mail.example.org', 'alice@example.org', '@alice:example.org'])(
      'of %s',
      async (name) => {
        const answer = await sign(name);
        expect(answer).toMatchObject({
          status: 200,
          body: {
            token_type: 'Bearer',
            scope: 'mail',
            active: true,
            username: 'alice',
            email: 'alice@mail.example.org',
          },
        });
        expect(answer.headers.get('cache-control')).toBe('no-store');
        expect(answer.body).not.toHaveProperty('refresh_token');
        const seen = await gatehouse.introspect(String(answer.body['access_token']));
        expect(seen).toMatchObject({ active: true, username: 'alice', scope: 'mail', client_id: 'dovecot' });
        expect(seen).not.toHaveProperty('device_id');
      },
    );

    test('that tells no more than other answers do, where the operator did not say so', async () => {
      const { body } = await sign('alice', { client_id: 'prosody', scope: 'openid mail' });
      expect(Object.keys(body).toSorted()).toEqual([
        'access_token',
        'expires_in',
        'id_token',
        'refresh_token',
        'scope',
        'token_type',
      ]);
      const refreshed = await postForm(`${gatehouse.url}oauth2/token`, {
        grant_type: 'refresh_token',
        client_id: 'prosody',
        client_secret: SECRET,
        refresh_token: String(body['refresh_token']),
      });
      expect(refreshed.status).toBe(200);
    });

    test('that is a JWT for a client that has them', async () => {
      const { body } = await sign('alice', { client_id: 'jwt' });
      expect(String(body['access_token']).split('.')).toHaveLength(3);
      expect(await gatehouse.introspect(String(body['access_token']))).toMatchObject({ active: true });
    });

    test('as often as it likes, beside a session of Matrix that takes the only place', async () => {
      await (await registerTestClient(gatehouse)).tokens({ login: 'bob' });
      for (let time = 0; time < 3; time++) expect((await sign('bob')).status).toBe(200);
    });

    test('that ends with everything else of the person', async () => {
      const client = await registerTestClient(gatehouse);
      const token = String((await sign('alice')).body['access_token']);
      const matrix = await client.tokens({ login: 'alice' });
      await ask(`${gatehouse.url}_matrix/client/v3/logout/all`, {
        method: 'POST',
        headers: { authorization: `Bearer ${matrix.access_token}` },
      });
      expect(await gatehouse.introspect(token)).toEqual({ active: false });
    });
  });

  describe('is refused', () => {
    test.each([
      ['a wrong password', 'alice', { password: 'wrong' }],
      ['an empty one, as if it were missing', 'alice', { password: '' }, 'invalid_request'],
      ['a password with its blanks cut', 'alice', { password: PASSWORD.trim() }],
      ['an unknown name', 'mallory', {}],
      ['a name of another domain', 'alice@other.example.org', {}],
      ['a user of another server', '@alice:other.org', {}],
      ['a name that is none', 'a\u0000lice', {}],
      ['a client without the grant', 'alice', { client_id: 'no-password' }, 'unauthorized_client'],
      ['a client with the wrong secret', 'alice', { client_secret: 'wrong' }, 'invalid_client'],
      ['Matrix', 'alice', { scope: `${API_SCOPE} ${DEVICE_SCOPE}A` }, 'invalid_scope'],
      ['Matrix besides', 'alice', { scope: `mail ${API_SCOPE} ${DEVICE_SCOPE}A` }, 'invalid_scope'],
      ['a scope of nobody', 'alice', { scope: 'files' }, 'invalid_scope'],
      ['a scope that the person may not have', 'alice', { client_id: 'staff-only' }, 'invalid_scope'],
    ] as [string, string, Record<string, string>, string?][])(
      '%s',
      async (_what, name, more, error = 'invalid_grant') => {
        const answer = await sign(name, more);
        expect(answer.status).toBe(error === 'invalid_client' ? 401 : 400);
        expect(answer.body['error']).toBe(error);
        expect(Object.keys(answer.body).toSorted()).toEqual(['error', 'error_description']);
      },
    );

    test('by one answer for an unknown name and a wrong password', async () => {
      const [unknown, wrong] = [await sign('nobody-here'), await sign('bob', { password: 'wrong' })];
      expect(unknown.body).toEqual(wrong.body);
    });

    test('a client that anybody can be', async () => {
      const { clientId } = await registerTestClient(gatehouse, {
        grant_types: ['authorization_code', 'password'],
      });
      const answer = await postForm(`${gatehouse.url}oauth2/token`, {
        grant_type: 'password',
        client_id: clientId,
        username: 'alice',
        password: PASSWORD,
      });
      expect(answer).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    });
  });

  test('an outage of the provider is 503, and counts for nothing', async () => {
    await gatehouse.idp.goDown();
    const down = await sign('alice');
    expect(down.status).toBe(503);
    expect(down.body).not.toHaveProperty('error');
    await gatehouse.idp.comeBack();
  });

  test('who tries too often on one account is told to wait, whether there is such a person or not', async () => {
    await using strict = await startGatehouse({
      idp: { passwordGrant: true },
      env: await databaseOf(engine),
      yaml: `password_grant: { provider: main }
limits: { password_failures_per_account: 3 }
scopes: [{ scope: mail, description: "Your mail" }]
clients:
  - { client_id: dovecot, client_secret: "${SECRET}", token_endpoint_auth_method: client_secret_post, grant_types: [password], scopes: [mail] }
`,
    });
    for (const username of ['alice', 'no-such-person']) {
      const statuses: number[] = [];
      for (let time = 0; time < 4; time++) {
        const form = {
          grant_type: 'password',
          client_id: 'dovecot',
          client_secret: SECRET,
          username,
          password: 'wrong',
        };
        statuses.push((await postForm(`${strict.url}oauth2/token`, form)).status);
      }
      expect(statuses).toEqual([400, 400, 400, 429]);
    }
  });

  test('there is none where it is not switched on', async () => {
    await using plain = await startGatehouse({ env: await databaseOf(engine) });
    const answer = await postForm(`${plain.url}oauth2/token`, {
      grant_type: 'password',
      client_id: 'x',
      username: 'a',
      password: 'b',
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } });
  });
});
