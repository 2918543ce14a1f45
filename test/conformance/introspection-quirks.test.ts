/** What Dovecot, Prosody and ejabberd need of introspection and userinfo: exact answers, and no word about a person in a refusal. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { type Answer, ask, postForm, testClient, type TokenSet } from '../support/oauth-client.ts';

const redirectUri = 'https://webmail.example.com/cb';
const SECRET = 'the secret of the mail server';
const server = `client_secret: "${SECRET}", grant_types: [client_credentials], introspect_all: true`;
const YAML = `scopes:
  - { scope: mail, description: "Your mail", claims: { email: "{localpart}@mail.example.org" } }
  - { scope: files, description: "Your files" }
clients:
  - { client_id: webmail, redirect_uris: ["${redirectUri}"], scopes: [mail, files] }
  - { client_id: basic, ${server}, token_endpoint_auth_method: client_secret_basic }
  - { client_id: post, ${server}, token_endpoint_auth_method: client_secret_post }
`;
const BASIC = `Basic ${Buffer.from(`basic:${SECRET.replaceAll(' ', '+')}`).toString('base64')}`;
/** Members by which one of these servers may take an answer for a person's. */
const IDENTITY = [
  'sub',
  'username',
  'email',
  'preferred_username',
  'jid',
  'name',
  'user',
  'user_id',
  'active',
];

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let tokens: TokenSet;
  beforeAll(async () => {
    gatehouse = await startGatehouse({
      validateResponses: true,
      env: await databaseOf(engine),
      yaml: `introspection: { get: true, tokeninfo: true }\n${YAML}`,
    });
    tokens = await testClient(gatehouse, { clientId: 'webmail', redirectUri }).tokens({
      parameters: { scope: 'openid mail' },
    });
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  const introspect = (form: Record<string, string>, authorization?: string): Promise<Answer> =>
    postForm(`${gatehouse.url}oauth2/introspect`, form, authorization === undefined ? {} : { authorization });
  const get = (path: string, authorization?: string): Promise<Answer> =>
    ask(`${gatehouse.url}${path}`, authorization === undefined ? {} : { headers: { authorization } });

  describe('introspection', () => {
    test.each<[string, Record<string, string>, string | undefined]>([
      ['Basic', {}, BASIC],
      [
        'Basic with an empty client_id and client_secret beside it (Dovecot 2.3)',
        { client_id: '', client_secret: '' },
        BASIC,
      ],
      ['Basic with the same client_id beside it', { client_id: 'basic', client_secret: '' }, BASIC],
      ['a lower-case scheme', {}, BASIC.replace('Basic', 'basic')],
      ['the secret in the form', { client_id: 'post', client_secret: SECRET }, undefined],
      ['a hint', { client_id: 'post', client_secret: SECRET, token_type_hint: 'refresh_token' }, undefined],
    ])(
      'with %s answers exactly, and with false for whatever is no live token',
      async (_how, form, authorization) => {
        const { status, body } = await introspect({ ...form, token: tokens.access_token }, authorization);
        expect(status).toBe(200);
        expect(body).toMatchObject({
          active: true,
          token_type: 'Bearer',
          scope: 'openid mail',
          username: 'alice',
          email: 'alice@mail.example.org',
          exp: expect.any(Number) as number,
          iat: expect.any(Number) as number,
          nbf: expect.any(Number) as number,
        });
        for (const token of [
          'garbage',
          tokens.refresh_token,
          `${tokens.access_token}x`,
          'eyJhbGciOiJub25lIn0.e30.',
        ]) {
          const answer = await introspect({ ...form, token }, authorization);
          expect(answer).toMatchObject({ status: 200, body: { active: false } });
          expect(Object.keys(answer.body)).toEqual(['active']);
        }
      },
    );

    test.each<[string, string, number, string | undefined]>([
      [
        'credentials in the query',
        `client_id=post&client_secret=${SECRET.replaceAll(' ', '+')}`,
        200,
        undefined,
      ],
      ['Basic', '', 200, BASIC],
      ['no credentials', '', 401, undefined],
      ['wrong ones', 'client_id=post&client_secret=wrong', 401, undefined],
      ['two of them', `client_id=post&client_secret=${SECRET.replaceAll(' ', '+')}`, 400, BASIC],
      ['a parameter twice', 'client_id=post&client_id=post', 400, undefined],
    ])('by GET with %s', async (_how, query, status, authorization) => {
      const answer = await get(`oauth2/introspect?token=${tokens.access_token}&${query}`, authorization);
      expect(answer.status).toBe(status);
      if (status === 200)
        expect(answer.body).toMatchObject({ active: true, email: 'alice@mail.example.org' });
      else expect(Object.keys(answer.body).filter((name) => IDENTITY.includes(name))).toEqual([]);
    });
  });

  describe('tokeninfo', () => {
    test.each<[string, () => [string, string | undefined], number, boolean]>([
      ['a good token in the query', () => [`?access_token=${tokens.access_token}`, undefined], 200, true],
      [
        'a good one in both',
        () => [`?access_token=${tokens.access_token}`, `Bearer ${tokens.access_token}`],
        200,
        true,
      ],
      ['a good one as the bearer', () => ['', `Bearer ${tokens.access_token}`], 200, true],
      ['a bad one as the bearer', () => ['', 'Bearer garbage'], 200, false],
      ['a bad one in the query', () => ['?access_token=garbage', undefined], 401, false],
      ['a bad one in both', () => ['?access_token=garbage', 'Bearer garbage'], 401, false],
    ])('%s', async (_what, asked, status, active) => {
      const [query, authorization] = asked();
      const answer = await get(`oauth2/tokeninfo${query}`, authorization);
      expect(answer.status).toBe(status);
      expect(answer.body['active']).toBe(active);
      expect(answer.body).not.toHaveProperty('error');
      if (!active) expect(Object.keys(answer.body)).toEqual(['active']);
    });

    test.each([
      ['none', '', undefined],
      ['two that differ', '?access_token=one', 'Bearer two'],
      ['a query with it twice', '?access_token=one&access_token=one', undefined],
    ])('%s is a malformed question', async (_what, query, authorization) => {
      expect(await get(`oauth2/tokeninfo${query}`, authorization)).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
      });
    });
  });

  describe('userinfo refuses in the words that Prosody hands on', () => {
    test.each<[string, () => Promise<string | undefined>, number, string]>([
      ['no token', () => Promise.resolve(undefined), 401, 'invalid_token'],
      ['garbage', () => Promise.resolve('Bearer garbage'), 401, 'invalid_token'],
      ['another scheme', () => Promise.resolve('Basic Og=='), 400, 'invalid_request'],
      ['an empty token', () => Promise.resolve('Bearer '), 400, 'invalid_request'],
      ['a refresh token', () => Promise.resolve(`Bearer ${tokens.refresh_token}`), 401, 'invalid_token'],
      [
        'a token that tells nothing',
        async () => {
          const client = testClient(gatehouse, { clientId: 'webmail', redirectUri });
          return `Bearer ${(await client.tokens({ parameters: { scope: 'files' } })).access_token}`;
        },
        403,
        'insufficient_scope',
      ],
    ])('%s', async (_what, header, status, error) => {
      const answer = await get('oauth2/userinfo', await header());
      expect(answer.status).toBe(status);
      expect(answer.body).toEqual({
        error,
        error_description: expect.any(String) as string,
        status: error,
        scope: 'openid',
        oidc_discovery_url: `${gatehouse.url}.well-known/openid-configuration`,
      });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
    });
  });

  test.each([
    [
      'the token endpoint',
      'oauth2/token',
      { grant_type: 'refresh_token', client_id: 'webmail', refresh_token: 'TOKEN' },
    ],
    [
      'the token endpoint with a code',
      'oauth2/token',
      { grant_type: 'authorization_code', client_id: 'webmail', code: 'x' },
    ],
    ['introspection without a client', 'oauth2/introspect', { token: 'TOKEN' }],
    [
      'introspection by a wrong one',
      'oauth2/introspect',
      { token: 'TOKEN', client_id: 'post', client_secret: 'wrong' },
    ],
    [
      'revocation by a wrong one',
      'oauth2/revoke',
      { token: 'TOKEN', client_id: 'post', client_secret: 'wrong' },
    ],
    ['userinfo with two tokens', 'oauth2/userinfo', { access_token: 'garbage' }],
    ['the device grant', 'oauth2/device_authorization', { client_id: 'webmail', scope: 'mail' }],
    ['a pushed request', 'oauth2/par', { client_id: 'webmail', scope: 'mail' }],
  ])('%s says nothing about a person in a refusal', async (_what, path, form: Record<string, string>) => {
    const filled = Object.fromEntries(
      Object.entries(form).map(([name, value]) => [name, value === 'TOKEN' ? tokens.access_token : value]),
    );
    const { status, body } = await postForm(`${gatehouse.url}${path}`, filled);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body['error']).toEqual(expect.any(String));
    expect(Object.keys(body).filter((name) => IDENTITY.includes(name))).toEqual([]);
    expect(JSON.stringify(body)).not.toContain('alice');
  });

  test('what is not switched on is not there', async () => {
    await using plain = await startGatehouse({ env: await databaseOf(engine), yaml: YAML });
    const byGet = await ask(`${plain.url}oauth2/introspect?token=x`, { headers: { authorization: BASIC } });
    expect(byGet).toMatchObject({ status: 405, body: { error: 'invalid_request' } });
    expect(byGet.headers.get('allow')).toBe('POST');
    expect((await ask(`${plain.url}oauth2/tokeninfo?access_token=x`)).status).toBe(404);
  });
});
