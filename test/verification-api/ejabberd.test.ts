/** The REST token backend of ejabberd, asked as ejabberd asks (its `oauth_db_type: rest`). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import {
  type Answer,
  API_SCOPE,
  ask,
  DEVICE_SCOPE,
  postForm,
  testClient,
  type TokenSet,
} from '../support/oauth-client.ts';

const redirectUri = 'https://chat.example.com/cb';
const SECRET = 'the secret of ejabberd';
const TOKEN = 'the-secret-of-ejabberd';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    gatehouse = await startGatehouse({
      validateResponses: true,
      env: await databaseOf(engine),
      yaml: `ejabberd: { enabled: true, secret: "${TOKEN}", username: "{localpart}@chat.example.org" }
scopes: [{ scope: sasl_auth, description: "Your chats", access_token_ttl_seconds: 3600 }]
clients:
  - { client_id: chat, redirect_uris: ["${redirectUri}"], scopes: [sasl_auth] }
  - { client_id: jwt, redirect_uris: ["${redirectUri}"], scopes: [sasl_auth], access_token_format: jwt }
  - { client_id: job, client_secret: "${SECRET}", token_endpoint_auth_method: client_secret_post, grant_types: [client_credentials], scopes: [sasl_auth] }
`,
    });
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  const post = (path: string, body: unknown, secret: string | undefined = TOKEN): Promise<Answer> =>
    ask(`${gatehouse.url}ejabberd/oauth/${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'ejabberd',
        ...(secret === '' ? {} : { authorization: `Bearer ${secret}` }),
      },
      body: JSON.stringify(body),
    });
  const tokensOf = (clientId: string, scope = 'sasl_auth'): Promise<TokenSet> =>
    testClient(gatehouse, { clientId, redirectUri }).tokens({ parameters: { scope } });

  test.each([
    ['chat', 'sasl_auth', ['sasl_auth']],
    ['jwt', 'sasl_auth', ['sasl_auth']],
    ['chat', `${API_SCOPE} ${DEVICE_SCOPE}CHAT sasl_auth`, expect.arrayContaining(['sasl_auth'])],
  ])(
    'a token of %s with %s is looked up, and found no more once it is revoked',
    async (clientId, scope, listed) => {
      const { access_token: token, expires_in: life } = await tokensOf(clientId, scope);
      const { status, body } = await post('lookup', { token });
      expect({ status, body }).toEqual({
        status: 200,
        body: {
          user: 'alice@chat.example.org',
          scope: listed as unknown,
          expire: expect.any(Number) as number,
        },
      });
      expect(Math.abs(Number(body['expire']) - (Date.now() / 1000 + life))).toBeLessThan(10);
      await postForm(`${gatehouse.url}oauth2/revoke`, { token });
      expect((await post('lookup', { token })).status).toBe(404);
    },
  );

  test.each<[string, () => Promise<string>]>([
    ['garbage', () => Promise.resolve('garbage')],
    ['nothing', () => Promise.resolve('')],
    ['a refresh token', async () => (await tokensOf('chat')).refresh_token],
    [
      'a token of a client alone',
      async () => {
        const form = { grant_type: 'client_credentials', client_id: 'job', client_secret: SECRET };
        return String((await postForm(`${gatehouse.url}oauth2/token`, form)).body['access_token']);
      },
    ],
    ['a token with another letter', async () => `${(await tokensOf('chat')).access_token}x`],
  ])('%s is 404, without a word about a person', async (_what, token) => {
    const answer = await post('lookup', { token: await token() });
    expect(answer).toMatchObject({ status: 404, body: { error: 'invalid_request' } });
    expect(Object.keys(answer.body).toSorted()).toEqual(['error', 'error_description']);
  });

  test.each(['', 'wrong', `${TOKEN}x`])(
    'whoever does not have the secret is told nothing: %j',
    async (secret) => {
      const { access_token: token } = await tokensOf('chat');
      for (const path of ['lookup', 'store', 'lookup_client', 'store_client']) {
        const answer = await post(path, { token, client_id: 'chat' }, secret);
        expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      }
    },
  );

  test.each([
    ['store', { token: 'abc', user: 'alice@chat.example.org', scope: ['sasl_auth'], expire: 1 }, 403],
    ['lookup_client', { client_id: 'chat' }, 404],
    ['store_client', { client_id: 'x', client_name: 'x', grant_type: 'password', options: 'x' }, 403],
  ])('%s is refused: there is no second store', async (path, body, status) => {
    expect((await post(path, body)).status).toBe(status);
  });

  test('is not there unless it is switched on', async () => {
    await using plain = await startGatehouse({ env: await databaseOf(engine) });
    const answer = await ask(`${plain.url}ejabberd/oauth/lookup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"token":"x"}',
    });
    expect(answer.status).toBe(404);
  });
});
