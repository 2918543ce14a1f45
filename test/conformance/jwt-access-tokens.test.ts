/** Access tokens that are JWTs (RFC 9068): what they say, that every route takes them, and that they end with their session. */
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose';
import type { JSONWebKeySet, JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createVerifier } from '../../src/verification/create-verifier.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import {
  type Answer,
  API_SCOPE,
  ask,
  DEVICE_SCOPE,
  postForm,
  testClient,
  type TestClient,
} from '../support/oauth-client.ts';

const redirectUri = 'https://webmail.example.com/cb';
const MATRIX = `openid ${API_SCOPE} ${DEVICE_SCOPE}JWTDEVICE`;

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    gatehouse = await startGatehouse({
      validateResponses: true,
      env: await databaseOf(engine),
      yaml: `scopes:
  - { scope: sasl_auth, description: "Your mail", claims: { jid: "{localpart}@{server_name}", email: "{localpart}@mail.example.org" }, audience: [dovecot, ejabberd], access_token_ttl_seconds: 604800 }
clients:
  - { client_id: webmail, redirect_uris: ["${redirectUri}"], scopes: [sasl_auth], access_token_format: jwt }
  - { client_id: ec, redirect_uris: ["${redirectUri}"], scopes: [sasl_auth], access_token_format: jwt, access_token_signing_alg: ES256 }
  - { client_id: dovecot23, redirect_uris: ["${redirectUri}"], scopes: [sasl_auth], access_token_format: jwt, access_token_typ: JWT }
  - { client_id: job, client_secret: "the secret of the job", token_endpoint_auth_method: client_secret_post, grant_types: [client_credentials], scopes: ["urn:example:a"], access_token_format: jwt }
  - { client_id: server, client_secret: "the secret of the server", token_endpoint_auth_method: client_secret_post, grant_types: [client_credentials], introspect_all: true }
`,
    });
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  const client = (clientId = 'webmail'): TestClient => testClient(gatehouse, { clientId, redirectUri });
  const published = async (): Promise<JSONWebKeySet> =>
    (await ask(`${gatehouse.url}oauth2/jwks`)).body as unknown as JSONWebKeySet;
  const revoke = (token: string): Promise<Answer> => postForm(`${gatehouse.url}oauth2/revoke`, { token });
  const mailToken = (clientId = 'webmail'): ReturnType<TestClient['tokens']> =>
    client(clientId).tokens({ parameters: { scope: 'sasl_auth' } });

  test('one with the type JWT is an access token of ours all the same, and the ID token beside it is none', async () => {
    const tokens = await client('dovecot23').tokens({ parameters: { scope: 'openid sasl_auth' } });
    const ask23 = async (token: string): Promise<unknown> =>
      (
        await postForm(`${gatehouse.url}oauth2/introspect`, {
          token,
          client_id: 'server',
          client_secret: 'the secret of the server',
        })
      ).body;
    expect(await ask23(tokens.access_token)).toMatchObject({ active: true, client_id: 'dovecot23' });
    expect(await ask23((tokens as unknown as { id_token: string }).id_token)).toEqual({ active: false });
  });

  describe('what they say', () => {
    test.each([
      ['webmail', 'RS256', 'at+jwt'],
      ['ec', 'ES256', 'at+jwt'],
      // Dovecot 2.3 takes no other.
      ['dovecot23', 'RS256', 'JWT'],
    ])(
      '%s gets one signed with %s and of the type it needs, by a key that is published',
      async (clientId, alg, typ) => {
        const before = Math.floor(Date.now() / 1000);
        const { access_token: token, expires_in: life } = await mailToken(clientId);
        const keys = createLocalJWKSet(await published());
        const { payload, protectedHeader } = await jwtVerify(token, keys, {
          issuer: gatehouse.url,
          audience: 'dovecot',
        });
        expect(protectedHeader).toEqual({
          alg,
          typ,
          kid: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) as string,
        });
        const { sub, jti, iat = 0, nbf, exp, ...rest } = payload;
        expect(rest).toEqual({
          iss: gatehouse.url,
          aud: ['dovecot', 'ejabberd'],
          azp: clientId,
          client_id: clientId,
          scope: 'sasl_auth',
          jid: 'alice@example.org',
          email: 'alice@mail.example.org',
        });
        expect({ nbf, exp }).toEqual({ nbf: iat, exp: iat + 86_400 });
        expect(iat).toBeGreaterThanOrEqual(before);
        expect(life).toBe(86_400);
        const seen = await gatehouse.introspect(token);
        expect(seen).toMatchObject({ active: true, sub, iat, exp, username: 'alice', client_id: clientId });
        expect(jti).not.toContain('gat_');
      },
    );

    test('of a client itself: no user, and nothing of one', async () => {
      const { body } = await postForm(`${gatehouse.url}oauth2/token`, {
        grant_type: 'client_credentials',
        client_id: 'job',
        client_secret: 'the secret of the job',
      });
      const token = String(body['access_token']);
      expect(decodeJwt(token)).toMatchObject({ sub: 'job', aud: ['job'], scope: 'urn:example:a' });
      expect(await gatehouse.introspect(token)).toMatchObject({ active: true, sub: 'job' });
    });

    test('another program verifies them with our library alone', async () => {
      const verifier = createVerifier({
        providers: [
          {
            id: 'gatehouse',
            issuer: gatehouse.url,
            client_id: 'dovecot',
            tokens: { strategies: ['jwt'], audience: ['dovecot'], authorized_parties: ['webmail'] },
          },
        ],
      });
      const { access_token: token } = await mailToken();
      const verdict = await verifier.verify(token, { scope: ['sasl_auth'] });
      expect(verdict).toMatchObject({ kind: 'active', token: { clientId: 'webmail', scope: ['sasl_auth'] } });
      expect(await verifier.verify((await mailToken('ec')).access_token)).toMatchObject({ kind: 'inactive' });
      await verifier.close();
    });

    test('a refresh whose answer was lost is answered with a token of the same name and times', async () => {
      for (const clientId of ['webmail', 'ec']) {
        const tokens = await mailToken(clientId);
        const answers = [
          await client(clientId).refresh(tokens.refresh_token),
          await client(clientId).refresh(tokens.refresh_token),
        ];
        const [one, two] = answers.map(({ body }) => decodeJwt(String(body['access_token'])));
        expect(one).toEqual(two);
        expect(one?.jti).not.toBe(decodeJwt(tokens.access_token).jti);
        expect(answers.map(({ body }) => body['refresh_token'])[0]).toBe(answers[1]?.body['refresh_token']);
      }
    });
  });

  describe('what takes them', () => {
    test('Matrix, where they are for it, with the hash of the token itself in the ID token', async () => {
      const tokens = await client().tokens({ parameters: { scope: MATRIX } });
      expect(tokens.expires_in).toBe(600);
      const bearer = { headers: { authorization: `Bearer ${tokens.access_token}` } };
      const whoami = await ask(`${gatehouse.url}_matrix/client/v3/account/whoami`, bearer);
      expect(whoami).toMatchObject({
        status: 200,
        body: { user_id: '@alice:example.org', device_id: 'JWTDEVICE' },
      });
      expect((await ask(`${gatehouse.url}oauth2/userinfo`, bearer)).body).toMatchObject({
        preferred_username: 'alice',
      });
      const { subtle } = globalThis.crypto;
      const digest = await subtle.digest('SHA-256', Buffer.from(tokens.access_token));
      const half = Buffer.from(digest).subarray(0, 16).toString('base64url');
      expect(decodeJwt(tokens.id_token ?? '')['at_hash']).toBe(half);
      await ask(`${gatehouse.url}_matrix/client/v3/logout`, { method: 'POST', ...bearer });
      expect(await gatehouse.introspect(tokens.access_token)).toEqual({ active: false });
    });

    test.each(['webmail', 'ec'])(
      'revocation of those of %s, after which the refresh token is dead too',
      async (clientId) => {
        const tokens = await mailToken(clientId);
        expect((await revoke(tokens.access_token)).status).toBe(200);
        expect(await gatehouse.introspect(tokens.access_token)).toEqual({ active: false });
        expect((await client(clientId).refresh(tokens.refresh_token)).status).toBe(400);
      },
    );

    test('introspection by the server, and by nobody whom they are not of', async () => {
      const { access_token: token } = await mailToken();
      const by = (id: string, secret: string): Promise<Answer> =>
        postForm(`${gatehouse.url}oauth2/introspect`, { token, client_id: id, client_secret: secret });
      expect((await by('server', 'the secret of the server')).body).toMatchObject({
        active: true,
        email: 'alice@mail.example.org',
      });
      expect((await by('job', 'the secret of the job')).body).toEqual({ active: false });
    });
  });

  describe('what is not one of ours', () => {
    const resign = async (
      token: string,
      change: (payload: JWTPayload) => JWTPayload,
      header: object = {},
    ): Promise<string> => {
      const { privateKey } = await generateKeyPair('RS256');
      const { alg: _alg, ...old } = decodeProtectedHeader(token);
      return new SignJWT(change(decodeJwt(token)))
        .setProtectedHeader({ ...old, ...header, alg: 'RS256' })
        .sign(privateKey);
    };
    const hmac = (token: string, key: string): Promise<string> =>
      new SignJWT(decodeJwt(token))
        .setProtectedHeader({ ...decodeProtectedHeader(token), alg: 'HS256' })
        .sign(Buffer.from(key));
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

    test.each<[string, (token: string) => string | Promise<string>]>([
      ['signed by somebody else under our key id', (token) => resign(token, (payload) => payload)],
      [
        'signed by somebody else, about a live session',
        (token) => resign(token, (p) => ({ ...p, sub: 'x' }), { kid: 'x' }),
      ],
      ['unsigned', (token) => `${part({ alg: 'none', typ: 'at+jwt' })}.${token.split('.')[1] ?? ''}.`],
      [
        'HS256 with the public key',
        async (token) => hmac(token, JSON.stringify((await published()).keys[0])),
      ],
      [
        'with another payload',
        (token) =>
          [token.split('.')[0], part({ ...decodeJwt(token), scope: API_SCOPE }), token.split('.')[2]].join(
            '.',
          ),
      ],
      [
        'an ID token',
        async () => (await client().tokens({ parameters: { scope: 'openid sasl_auth' } })).id_token ?? '',
      ],
      ['its name alone', (token) => decodeJwt(token).jti ?? ''],
      ['with one more letter', (token) => `${token}A`],
    ])('is inactive, and revokes nothing: %s', async (_what, forge) => {
      const { access_token: token } = await mailToken();
      const forged = await forge(token);
      expect(await gatehouse.introspect(forged)).toEqual({ active: false });
      expect((await revoke(forged)).status).toBe(200);
      expect(await gatehouse.introspect(token)).toMatchObject({ active: true });
    });
  });
});
