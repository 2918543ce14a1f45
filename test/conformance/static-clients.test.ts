/** Static clients: how they authenticate, what they may do that others may not. Black box, behind a real IdP. */
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import {
  API_SCOPE,
  ask,
  DEVICE_SCOPE,
  postForm,
  registerTestClient,
  testClient,
  type TestClient,
} from '../support/oauth-client.ts';

const redirectUri = 'https://static.example.com/cb';
const SECRET = 'secret/of the+client:%25';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let key: CryptoKey;
  let otherKey: CryptoKey;

  beforeAll(async () => {
    const pair = await generateKeyPair('ES256', { extractable: true });
    const second = await generateKeyPair('ES256', { extractable: true });
    key = pair.privateKey;
    otherKey = (await generateKeyPair('ES256')).privateKey;
    // Without kids: both are tried.
    const jwks = JSON.stringify({
      keys: [await exportJWK(second.publicKey), await exportJWK(pair.publicKey)],
    });
    gatehouse = await startGatehouse({
      validateResponses: true,
      env: await databaseOf(engine),
      yaml: `clients:
  - { client_id: trusted, client_name: "Our app", redirect_uris: ["${redirectUri}", "http://127.0.0.1/cb"], trusted: true, access_token_ttl_seconds: 77 }
  - { client_id: asks, redirect_uris: ["${redirectUri}"] }
  - { client_id: basic, client_secret: "${SECRET}", token_endpoint_auth_method: client_secret_basic, grant_types: [client_credentials], scopes: ["urn:example:a", "urn:example:b"] }
  - { client_id: resource, client_secret: "another-long-secret", token_endpoint_auth_method: client_secret_post, grant_types: [client_credentials], introspect_all: true }
  - { client_id: keyed, jwks: '${jwks}', token_endpoint_auth_method: private_key_jwt, redirect_uris: ["${redirectUri}"], grant_types: [authorization_code, refresh_token, client_credentials] }
`,
    });
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  const url = (path: string): string => gatehouse.url + path;
  const basicHeader = (id: string, secret: string): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
  });
  const asBasic = (form: Record<string, string>, path = 'oauth2/token'): ReturnType<typeof postForm> =>
    postForm(url(path), form, basicHeader('basic', SECRET));

  async function assertion(more: JWTPayload = {}, by: CryptoKey = key, alg = 'ES256'): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: 'keyed',
      sub: 'keyed',
      aud: gatehouse.url,
      iat: now,
      exp: now + 60,
      jti: crypto.randomUUID(),
    };
    const all = Object.entries({ ...claims, ...more }).filter(([, value]) => value !== undefined);
    return new SignJWT(Object.fromEntries(all)).setProtectedHeader({ alg }).sign(by);
  }

  const withAssertion = (jwt: string, form: Record<string, string> = {}): ReturnType<typeof postForm> =>
    postForm(url('oauth2/token'), {
      grant_type: 'client_credentials',
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: jwt,
      ...form,
    });

  describe('a trusted client', () => {
    const trusted = (): TestClient => testClient(gatehouse, { clientId: 'trusted', redirectUri });

    it('has no consent page, and tokens that live as long as the operator said, refreshed ones too', async () => {
      const browser = createBrowser();
      browser.stopAt(redirectUri);
      await browser.open(trusted().authorizeUrl());
      const back = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      expect(back.stopped).toBe(true);
      const answer = await trusted().redeem(new URL(back.url).searchParams.get('code') ?? '');
      // Another instance has another verifier.
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      const client = trusted();
      const tokens = await client.tokens({ browser });
      expect(tokens.expires_in).toBe(77);
      const refreshed = await client.refresh(tokens.refresh_token);
      expect(refreshed).toMatchObject({ status: 200, body: { expires_in: 77 } });
    });

    it('has it with prompt=consent', async () => {
      const browser = createBrowser();
      browser.stopAt(redirectUri);
      await browser.open(trusted().authorizeUrl({ prompt: 'consent' }));
      const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      expect(page.title).toContain('Allow');
      expect(page.body).toContain('Our app');
    });

    it('has it where the device belongs to a sign-in of another app, whose name it tells', async () => {
      const other = await registerTestClient(gatehouse, { client_name: 'Other <b>app</b>' });
      const device = { scope: `${API_SCOPE} ${DEVICE_SCOPE}CONTESTED` };
      const tokens = await other.tokens({ parameters: device, login: 'bob' });
      const browser = createBrowser();
      browser.stopAt(redirectUri);
      await browser.open(trusted().authorizeUrl(device));
      const page = await browser.submit({ button: 'Sign in', fields: { login: 'bob' } });
      expect(page.title).toContain('Allow');
      expect(page.body).toContain('belongs to a sign-in of <bdi>Other &lt;b&gt;app&lt;/b&gt;</bdi>');
      expect(await gatehouse.introspect(tokens.access_token)).toMatchObject({ active: true });
      // Somebody else's device of the same id is no matter.
      const alice = createBrowser();
      alice.stopAt(redirectUri);
      await alice.open(trusted().authorizeUrl(device));
      expect((await alice.submit({ button: 'Sign in', fields: { login: 'alice' } })).stopped).toBe(true);
    });

    it('may be on any port of a loopback address that was written without one, and nowhere else', async () => {
      const at = (uri: string): ReturnType<typeof ask> => ask(trusted().authorizeUrl({ redirect_uri: uri }));
      expect((await at('http://127.0.0.1:4711/cb')).status).toBe(303);
      for (const uri of ['http://localhost:4711/cb', 'http://127.0.0.1:4711/cb2', `${redirectUri}/`]) {
        expect(await at(uri)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      }
    });

    it('that is not trusted has the consent page', async () => {
      const browser = createBrowser();
      browser.stopAt(redirectUri);
      await browser.open(testClient(gatehouse, { clientId: 'asks', redirectUri }).authorizeUrl());
      const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      expect(page.title).toContain('Allow');
      expect(page.body).not.toContain('Website of the app');
    });
  });

  describe('private_key_jwt', () => {
    it('is advertised with its algorithms where a client has keys', async () => {
      const { body } = await ask(url('.well-known/openid-configuration'));
      for (const endpoint of ['token', 'revocation', 'introspection']) {
        expect(body[`${endpoint}_endpoint_auth_methods_supported`]).toContain('private_key_jwt');
        expect(body[`${endpoint}_endpoint_auth_signing_alg_values_supported`]).toContain('ES256');
        expect(body[`${endpoint}_endpoint_auth_signing_alg_values_supported`]).not.toContain('HS256');
      }
      expect(body['grant_types_supported']).toContain('client_credentials');
    });

    it('authenticates a client through the whole flow', async () => {
      const client = testClient(gatehouse, {
        clientId: 'keyed',
        redirectUri,
        credentials: async () => ({
          client_assertion_type: ASSERTION_TYPE,
          client_assertion: await assertion(),
        }),
      });
      const tokens = await client.tokens();
      expect((await client.refresh(tokens.refresh_token)).status).toBe(200);
    });

    it('may be meant for the issuer, the token endpoint, or the pushed request endpoint', async () => {
      for (const aud of [gatehouse.url, url('oauth2/token'), [url('oauth2/par')]]) {
        expect((await withAssertion(await assertion({ aud }))).status).toBe(200);
      }
    });

    it('counts once', async () => {
      const jwt = await assertion();
      expect((await withAssertion(jwt)).status).toBe(200);
      expect(await withAssertion(jwt)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      const parallel = await assertion();
      const all = await Promise.all([1, 2, 3, 4].map(() => withAssertion(parallel)));
      expect(all.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
    });

    const now = Math.floor(Date.now() / 1000);
    it.each([
      ['another audience', { aud: 'https://other.example.com/' }],
      ['a foreign audience beside ours', { aud: ['https://other.example.com/', 'OURS'] }],
      ['no audience', { aud: undefined }],
      ['an end far ahead', { exp: now + 3600 }],
      ['an end that is over', { exp: now - 60 }],
      ['no end', { exp: undefined }],
      ['an end that is no number', { exp: 'soon' }],
      ['a beginning in the future', { iat: now + 600 }],
      ['no jti', { jti: undefined }],
      ['an empty jti', { jti: '' }],
      ['another issuer', { iss: 'trusted' }],
      ['another subject', { sub: 'basic' }],
      ['an unknown subject', { sub: 'nobody', iss: 'nobody' }],
      ['no subject', { sub: undefined }],
    ])('with %s is refused', async (_what, more) => {
      const claims = { ...more } as JWTPayload;
      if (Array.isArray(claims.aud))
        claims.aud = claims.aud.map((each) => (each === 'OURS' ? gatehouse.url : each));
      const answer = await withAssertion(await assertion(claims));
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      expect(answer.headers.get('www-authenticate')).toBeNull();
    });

    it('by another key, unsigned, garbage, or without its type is refused', async () => {
      const sound = await assertion();
      const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${sound.split('.')[1] ?? ''}.`;
      for (const jwt of [
        await assertion({}, otherKey),
        unsigned,
        'garbage',
        'a.b.c',
        `${'a'.repeat(9000)}.b.c`,
      ]) {
        expect(await withAssertion(jwt)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      }
      for (const type of ['', 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer']) {
        const answer = await withAssertion(await assertion(), { client_assertion_type: type });
        expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      }
      expect(await withAssertion(await assertion(), { client_id: 'basic' })).toMatchObject({ status: 401 });
      const two = await withAssertion(await assertion(), { client_secret: 'x' });
      expect(two).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      const nothing = await postForm(url('oauth2/token'), {
        grant_type: 'client_credentials',
        client_id: 'keyed',
      });
      expect(nothing).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    });
  });

  describe('client credentials', () => {
    it('give a client a token of its own, with scopes of its own, without a user and a refresh token', async () => {
      const answer = await asBasic({ grant_type: 'client_credentials' });
      expect(answer).toMatchObject({
        status: 200,
        body: { token_type: 'Bearer', expires_in: 600, scope: 'urn:example:a urn:example:b' },
      });
      expect(answer.body).not.toHaveProperty('refresh_token');
      const token = String(answer.body['access_token']);
      const seen = await gatehouse.introspect(token);
      expect(seen).toMatchObject({
        active: true,
        client_id: 'basic',
        sub: 'basic',
        scope: 'urn:example:a urn:example:b',
      });
      expect(seen).not.toHaveProperty('username');
      expect(seen).not.toHaveProperty('device_id');
      const whoami = await ask(url('_matrix/client/v3/account/whoami'), {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(whoami.status).toBe(403);
    });

    it.each([
      ['urn:example:a', 200, 'urn:example:a'],
      ['urn:example:c', 400, 'invalid_scope'],
      [API_SCOPE, 400, 'invalid_scope'],
      ['openid', 400, 'invalid_scope'],
      ['a"b', 400, 'invalid_scope'],
    ])('with scope %s: %i %s', async (scope, status, text) => {
      const answer = await asBasic({ grant_type: 'client_credentials', scope });
      expect(answer.status).toBe(status);
      expect(status === 200 ? answer.body['scope'] : answer.body['error']).toBe(text);
    });

    it('are for clients that are registered for them', async () => {
      const { clientId } = await registerTestClient(gatehouse, {
        grant_types: ['authorization_code', 'client_credentials'],
      });
      for (const client_id of [clientId, 'trusted']) {
        const answer = await postForm(url('oauth2/token'), { grant_type: 'client_credentials', client_id });
        expect(answer).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
      }
      const code = await ask(testClient(gatehouse, { clientId: 'basic', redirectUri }).authorizeUrl());
      expect(code.status).toBe(400);
    });
  });

  describe('introspection', () => {
    const introspectAs = async (form: Record<string, string>, headers: Record<string, string> = {}) =>
      postForm(url('oauth2/introspect'), form, headers);

    it('tells a confidential client of its own tokens, and of no others', async () => {
      const own = String((await asBasic({ grant_type: 'client_credentials' })).body['access_token']);
      const person = await testClient(gatehouse, { clientId: 'trusted', redirectUri }).tokens();
      expect((await asBasic({ token: own }, 'oauth2/introspect')).body).toMatchObject({ active: true });
      for (const token of [person.access_token, person.refresh_token, 'garbage']) {
        expect((await asBasic({ token }, 'oauth2/introspect')).body).toEqual({ active: false });
      }
      const resource = { client_id: 'resource', client_secret: 'another-long-secret' };
      expect((await introspectAs({ token: person.access_token, ...resource })).body).toMatchObject({
        active: true,
        username: 'alice',
      });
    });

    it('must be asked by somebody who proves who it is', async () => {
      const token = String((await asBasic({ grant_type: 'client_credentials' })).body['access_token']);
      for (const form of [
        {},
        { client_id: 'basic' },
        { client_id: 'trusted' },
        { client_id: 'basic', client_secret: 'x' },
      ]) {
        expect(await introspectAs({ token, ...form })).toMatchObject({
          status: 401,
          body: { error: 'invalid_client' },
        });
      }
      const wrong = await introspectAs({ token }, basicHeader('basic', 'wrong'));
      expect(wrong.status).toBe(401);
      expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic /);
      expect(await gatehouse.introspect(token)).toMatchObject({ active: true });
    });
  });

  describe('revocation', () => {
    it('with credentials wants the right ones, and changes nothing with wrong ones', async () => {
      const token = String((await asBasic({ grant_type: 'client_credentials' })).body['access_token']);
      const wrong = await postForm(url('oauth2/revoke'), { token }, basicHeader('basic', 'wrong'));
      expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      const post = await postForm(url('oauth2/revoke'), {
        token,
        client_id: 'basic',
        client_secret: 'wrong',
      });
      expect(post).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      expect(await gatehouse.introspect(token)).toMatchObject({ active: true });
      expect(await asBasic({ token }, 'oauth2/revoke')).toMatchObject({ status: 200, body: {} });
      expect(await gatehouse.introspect(token)).toEqual({ active: false });
    });

    it('by who merely holds the token works all the same', async () => {
      const token = String((await asBasic({ grant_type: 'client_credentials' })).body['access_token']);
      const answer = await postForm(url('oauth2/revoke'), { token, client_id: 'basic' });
      expect(answer).toMatchObject({ status: 200, body: {} });
      expect(await gatehouse.introspect(token)).toEqual({ active: false });
    });
  });
});
