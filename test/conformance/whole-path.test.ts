/** The main job, end to end, as issue and standards tell it: black box over sockets, behind a real IdP. */
import { createHash, randomBytes } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { forEachEngine } from '../support/database.ts';
import { createBrowser } from '../support/browser.ts';
import {
  API_SCOPE,
  DEVICE_SCOPE,
  ask,
  postForm,
  postJson,
  registerTestClient,
  type TestClient,
} from '../support/oauth-client.ts';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let client: TestClient;
  beforeAll(async () => {
    gatehouse = await startGatehouse({
      env: {
        GATEHOUSE__LIMITS__REGISTRATIONS_PER_ADDRESS: '10000',
        GATEHOUSE__DATABASE__URL: await engine.newUrl(),
        GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      },
    });
    client = await registerTestClient(gatehouse);
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });
  const whoami = (token: string): ReturnType<typeof ask> =>
    ask(`${gatehouse.url}_matrix/client/v3/account/whoami`, bearer(token));

  describe('a client', () => {
    it('signs a person in, and knows who it is', async () => {
      const back = await client.authorize();
      expect(back.get('state')).toBe('some state/+=');
      expect(back.get('iss')).toBe(gatehouse.url);
      const answer = await client.redeem(back.get('code') ?? '');
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.body).toMatchObject({
        token_type: 'Bearer',
        expires_in: 600,
        scope: `${API_SCOPE} ${DEVICE_SCOPE}TESTDEVICE`,
        access_token: expect.stringMatching(/^gat_/),
        refresh_token: expect.stringMatching(/^grt_/),
      });
      expect(Object.keys(answer.body)).not.toContain('id_token');
      const me = await whoami(String(answer.body['access_token']));
      expect(me).toMatchObject({
        status: 200,
        body: { user_id: '@alice:example.org', device_id: 'TESTDEVICE', is_guest: false },
      });
    });

    it('gets its answer in the fragment, with the unstable scopes, if it asks so', async () => {
      const scope = `urn:matrix:org.matrix.msc2967.client:api:* urn:matrix:org.matrix.msc2967.client:device:QR/+=`;
      const tokens = await client.tokens({ parameters: { response_mode: 'fragment', scope } });
      expect(tokens.scope).toBe(scope);
      expect((await whoami(tokens.access_token)).body).toMatchObject({ device_id: 'QR/+=' });
    });

    it('gets an RS256 ID token for openid', async () => {
      const tokens = await client.tokens({
        parameters: { scope: `openid ${API_SCOPE} ${DEVICE_SCOPE}OIDC`, nonce: 'n-1', max_age: '3600' },
      });
      const keys = createRemoteJWKSet(new URL(`${gatehouse.url}oauth2/jwks`));
      const { payload, protectedHeader } = await jwtVerify(tokens.id_token ?? '', keys, {
        issuer: gatehouse.url,
        audience: client.clientId,
      });
      expect(protectedHeader.alg).toBe('RS256');
      expect(payload).toMatchObject({
        nonce: 'n-1',
        auth_time: expect.any(Number),
        at_hash: createHash('sha256')
          .update(tokens.access_token)
          .digest()
          .subarray(0, 16)
          .toString('base64url'),
      });
      const refreshed = await client.refresh(tokens.refresh_token);
      expect(refreshed.body).not.toHaveProperty('id_token');
    });

    it('refreshes, also eight times at once, also when the answer was lost', async () => {
      const tokens = await client.tokens();
      const all = await Promise.all(Array.from({ length: 8 }, () => client.refresh(tokens.refresh_token)));
      expect(all.map((answer) => answer.status)).toEqual(Array.from({ length: 8 }, () => 200));
      expect(new Set(all.map((answer) => answer.body['refresh_token'])).size).toBe(1);
      const again = await client.refresh(tokens.refresh_token);
      expect(again.body['access_token']).toBe(all[0]?.body['access_token']);
      expect((await whoami(String(again.body['access_token']))).status).toBe(200);
      expect((await whoami(tokens.access_token)).status).toBe(200);
    });

    it('loses its session by an old refresh token, and the homeserver hears of it', async () => {
      const first = await client.tokens();
      const second = (await client.refresh(first.refresh_token)).body;
      const third = (await client.refresh(String(second['refresh_token']))).body;
      expect(await gatehouse.introspect(String(third['access_token']))).toMatchObject({ active: true });
      const replay = await client.refresh(first.refresh_token);
      expect(replay).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(await gatehouse.introspect(String(third['access_token']))).toEqual({ active: false });
    });

    it('revokes with either token, whatever it says of itself', async () => {
      for (const [kind, extra] of [
        ['access_token', { client_id: client.clientId }],
        ['refresh_token', { client_id: client.clientId, token_type_hint: 'access_token' }],
        ['access_token', {}],
        ['refresh_token', { client_id: 'somebody else', token_type_hint: 'nonsense' }],
      ] as const) {
        const tokens = await client.tokens();
        const answer = await postForm(`${gatehouse.url}oauth2/revoke`, { token: tokens[kind], ...extra });
        expect(answer).toMatchObject({ status: 200, body: {} });
        expect(answer.headers.get('cache-control')).toBe('no-store');
        expect(await gatehouse.introspect(tokens.access_token)).toEqual({ active: false });
        expect(await whoami(tokens.access_token)).toMatchObject({
          status: 401,
          body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false },
        });
        expect(await client.refresh(tokens.refresh_token)).toMatchObject({
          status: 400,
          body: { error: 'invalid_grant' },
        });
      }
      expect(await postForm(`${gatehouse.url}oauth2/revoke`, { token: 'garbage' })).toMatchObject({
        status: 200,
        body: {},
      });
    });

    it('is replaced by a sign-in on the same device', async () => {
      const before = await client.tokens();
      const after = await client.tokens();
      expect(await gatehouse.introspect(before.access_token)).toEqual({ active: false });
      expect(await gatehouse.introspect(after.access_token)).toMatchObject({ active: true });
    });

    it('may be in several tabs at once', async () => {
      const browser = createBrowser();
      browser.stopAt(client.redirectUri);
      await browser.open(client.authorizeUrl({ state: 'one' }));
      const first = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      expect(first.title).toContain('Allow');
      const second = await browser.open(client.authorizeUrl({ state: 'two' }));
      expect(second.title).toContain('Allow');
      const done = await browser.submit({ button: 'Allow' });
      expect(new URL(done.url).searchParams.get('state')).toBe('two');
      await browser.open(first.url);
      const other = await browser.submit({ button: 'Allow' });
      expect(new URL(other.url).searchParams.get('state')).toBe('one');
    });
  });

  describe('the homeserver', () => {
    it('sees user, device and both spellings of the scope', async () => {
      const tokens = await client.tokens();
      const answer = await gatehouse.introspect(tokens.access_token);
      expect(answer).toMatchObject({
        active: true,
        username: 'alice',
        device_id: 'TESTDEVICE',
        client_id: client.clientId,
        token_type: 'Bearer',
        expires_in: expect.any(Number),
        iss: gatehouse.url,
      });
      expect(Number.isInteger(answer['expires_in'])).toBe(true);
      expect(String(answer['scope']).split(' ').sort()).toEqual([
        'urn:matrix:client:api:*',
        'urn:matrix:client:device:TESTDEVICE',
        'urn:matrix:org.matrix.msc2967.client:api:*',
        'urn:matrix:org.matrix.msc2967.client:device:TESTDEVICE',
      ]);
      expect(JSON.stringify(answer)).not.toContain(tokens.access_token);
    });

    it('hears of anything else only that it is not active', async () => {
      const back = await client.authorize();
      const tokens = await client.tokens();
      for (const token of [
        tokens.refresh_token,
        back.get('code') ?? '',
        'garbage',
        `${tokens.access_token}x`,
        'é',
      ]) {
        expect(await gatehouse.introspect(token)).toEqual({ active: false });
      }
    });

    it.each([undefined, 'Bearer wrong', 'Basic d3Jvbmc6d3Jvbmc=', 'Bearer '])(
      'must say its secret: %s',
      async (authorization) => {
        const { access_token: token } = await client.tokens();
        for (const value of [authorization, authorization === undefined ? undefined : `Bearer ${token}`]) {
          const answer = await postForm(
            `${gatehouse.url}oauth2/introspect`,
            { token },
            value === undefined ? {} : { authorization: value },
          );
          expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
          expect(answer.headers.get('www-authenticate')).toMatch(
            value?.startsWith('Basic') === true ? /^Basic / : /^Bearer /,
          );
        }
      },
    );
  });

  describe('an authorization request', () => {
    const errorOf = async (
      more: Record<string, string | undefined>,
      twice = '',
    ): Promise<Record<string, string>> => {
      const answer = await ask(client.authorizeUrl(more) + twice);
      expect(answer.status).toBe(303);
      const back = new URL(answer.headers.get('location') ?? '');
      expect(back.href).toContain(client.redirectUri);
      return Object.fromEntries(new URLSearchParams(back.hash === '' ? back.search : back.hash.slice(1)));
    };

    it.each([
      [{ response_type: undefined }, 'invalid_request'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ response_type: 'code token' }, 'unsupported_response_type'],
      [{ response_type: 'id_token' }, 'unsupported_response_type'],
      [{ response_mode: 'form_post.jwt' }, 'invalid_request'],
      [{ response_mode: 'web_message' }, 'invalid_request'],
      [{ code_challenge: undefined }, 'invalid_request'],
      [{ code_challenge: 'short' }, 'invalid_request'],
      [{ code_challenge: 'a'.repeat(44) }, 'invalid_request'],
      [{ code_challenge_method: undefined }, 'invalid_request'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ code_challenge_method: 's256' }, 'invalid_request'],
      [{ scope: undefined }, 'invalid_scope'],
      [{ scope: 'openid' }, 'invalid_scope'],
      [{ scope: API_SCOPE }, 'invalid_scope'],
      [{ scope: `${API_SCOPE} ${DEVICE_SCOPE}A ${DEVICE_SCOPE}B` }, 'invalid_scope'],
      [{ prompt: 'none' }, 'login_required'],
      [{ prompt: 'none login' }, 'invalid_request'],
      [{ prompt: 'dance' }, 'invalid_request'],
      [{ max_age: '-1' }, 'invalid_request'],
      [{ request: 'eyJ' }, 'request_not_supported'],
      [{ request_uri: 'https://evil.example/' }, 'request_uri_not_supported'],
      [{ registration: '{}' }, 'registration_not_supported'],
    ])('with %j is refused by redirect before anybody signs in: %s', async (more, error) => {
      expect(await errorOf(more)).toMatchObject({ error, state: 'some state/+=', iss: gatehouse.url });
      expect(
        await errorOf({
          ...more,
          response_mode: 'response_mode' in more ? more.response_mode : 'fragment',
        }),
      ).toMatchObject({
        error,
      });
    });

    it.each(['scope', 'response_type', 'nonce', 'whatever'])('with %s twice is refused', async (name) => {
      expect(await errorOf({ [name]: 'x' }, `&${name}=y`)).toMatchObject({ error: 'invalid_request' });
    });

    it.each([
      [{ client_id: undefined }, ''],
      [{ client_id: 'unknown' }, ''],
      [{ client_id: "' OR 1=1" }, ''],
      [{}, '&client_id=again'],
      [{ redirect_uri: undefined }, ''],
      [{ redirect_uri: 'https://client.example.com/callback/' }, ''],
      [{ redirect_uri: 'https://evil.example/callback' }, ''],
      [{ redirect_uri: 'javascript:alert(1)' }, ''],
      [{}, '&redirect_uri=https://evil.example/'],
      [{ state: 'x'.repeat(8193) }, ''],
    ])('with %j%s gets a page, never a redirect', async (more, twice) => {
      const url = client.authorizeUrl(more) + twice;
      const page = await ask(url, { headers: { accept: 'text/html' } });
      expect([400, 414, 431]).toContain(page.status);
      expect(page.headers.get('location')).toBeNull();
      expect(page.headers.get('content-type')).toContain('text/html');
      expect(page.headers.get('cache-control')).toBe('no-store');
      const json = await ask(url, { headers: { accept: '*/*' } });
      expect(json.body).toMatchObject({ error: 'invalid_request' });
    });

    it.each(['', 'x', 'a'.repeat(4096), 'é<script>', 'a b&c=d'])(
      'has its state echoed byte for byte: %j',
      async (state) => {
        expect((await errorOf({ state, scope: 'openid' }))['state']).toBe(state);
      },
    );

    it('ignores parameters that nobody knows', async () => {
      for (const extra of [
        '&scope[]=x',
        '&__proto__=x',
        '&constructor=y',
        '&state[x]=1',
        '&id_token_hint=x',
      ]) {
        const answer = await ask(client.authorizeUrl() + extra);
        expect(answer.status).toBe(303);
        expect(answer.headers.get('location')).toContain(gatehouse.idp.issuer);
      }
    });

    it('may come as a form', async () => {
      const answer = await postForm(`${gatehouse.url}oauth2/authorize`, client.parameters());
      expect(answer.status).toBe(303);
      expect(answer.headers.get('location')).toContain(gatehouse.idp.issuer);
    });

    it('is bound to the browser that began it', async () => {
      const attacker = createBrowser();
      attacker.stopAt(`${gatehouse.url}upstream`);
      await attacker.open(client.authorizeUrl());
      const callback = await attacker.submit({ button: 'Sign in', fields: { login: 'alice' } });
      const victim = await ask(callback.url, { headers: { accept: 'text/html' } });
      expect(victim.status).toBe(400);
      expect(victim.headers.get('set-cookie')).toBeNull();
    });

    it('gets a fresh secret of the browser once somebody has signed in, and adopts none that was there before', async () => {
      const browser = createBrowser();
      browser.stopAt(`${gatehouse.url}upstream`);
      await browser.open(client.authorizeUrl());
      const before = Object.entries(browser.cookies(gatehouse.url));
      const callback = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      const cookie = before.map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await ask(callback.url, { headers: { cookie } });
      expect(answer.status).toBe(303);
      const consent = answer.headers.get('location') ?? '';
      const after = /^([^=]+=[^;]+)/.exec(answer.headers.get('set-cookie') ?? '')?.[1] ?? '';
      expect(after).not.toBe('');
      expect(cookie).not.toContain(after);
      expect((await ask(consent, { headers: { cookie } })).status).toBe(403);
      expect((await ask(consent, { headers: { cookie: after } })).status).toBe(200);
    });

    it('makes one account where somebody signs in for the first time twice at once', async () => {
      const login = `twin-${engine.name}`;
      gatehouse.idp.accounts.set(login, { sub: `sub-of-${login}`, preferred_username: login });
      const all = await Promise.all([client.authorize({ login }), client.authorize({ login })]);
      expect(all.map((back) => back.get('code')?.slice(0, 4))).toEqual(['gac_', 'gac_']);
    });

    it('is refused by the person: access_denied, once', async () => {
      const browser = createBrowser();
      browser.stopAt(client.redirectUri);
      await browser.open(client.authorizeUrl());
      const consent = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      expect(consent.body).toContain('client.example.com');
      expect(consent.body).toContain('TESTDEVICE');
      expect(consent.body).toContain('@alice:example.org');
      const back = await browser.submit({ button: 'Cancel' });
      expect(Object.fromEntries(new URL(back.url).searchParams)).toMatchObject({
        error: 'access_denied',
        state: 'some state/+=',
        iss: gatehouse.url,
      });
      const again = await browser.open(consent.url);
      expect(again.status).toBe(403);
    });
  });

  describe('the token endpoint', () => {
    const url = (): string => `${gatehouse.url}oauth2/token`;

    it.each([
      [{}, 400, 'invalid_request'],
      [{ grant_type: '' }, 400, 'invalid_request'],
      [{ grant_type: 'password' }, 400, 'unsupported_grant_type'],
      [{ grant_type: 'implicit' }, 400, 'unsupported_grant_type'],
      [{ grant_type: '__proto__' }, 400, 'unsupported_grant_type'],
      [{ grant_type: 'refresh_token' }, 400, 'invalid_request'],
      [{ grant_type: 'refresh_token', refresh_token: 'x' }, 400, 'invalid_grant'],
      [{ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'nobody' }, 401, 'invalid_client'],
      [{ grant_type: 'refresh_token', refresh_token: 'x', client_secret: 'no' }, 401, 'invalid_client'],
      [{ grant_type: 'authorization_code' }, 400, 'invalid_request'],
      [
        { grant_type: 'authorization_code', code: 'x', redirect_uri: 'y', code_verifier: 'z' },
        400,
        'invalid_request',
      ],
      [
        { grant_type: 'authorization_code', code: 'x', redirect_uri: 'y', code_verifier: 'z'.repeat(43) },
        400,
        'invalid_grant',
      ],
    ])('answers %j with %i %s', async (form, status, error) => {
      const answer = await client.token(form);
      expect(answer).toMatchObject({ status, body: { error, error_description: expect.any(String) } });
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('content-type')).toContain('application/json');
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    });

    it('takes forms only, and each parameter once', async () => {
      const form = `grant_type=refresh_token&refresh_token=a&client_id=${client.clientId}`;
      expect(await postForm(url(), `${form}&refresh_token=b`)).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
      });
      expect(await postJson(url(), { grant_type: 'refresh_token' })).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
      });
      expect(await postForm(url(), form, { 'content-type': 'text/plain' })).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
      });
      expect(await postForm(url(), `${form}&x=${'y'.repeat(70_000)}`)).toMatchObject({ status: 413 });
      const get = await ask(url());
      expect(get.status).toBe(405);
      expect(get.headers.get('allow')).toContain('POST');
    });

    it('challenges a client that used the header, and only then', async () => {
      const form = { grant_type: 'refresh_token', refresh_token: 'x' };
      const basic = `Basic ${Buffer.from('nobody:secret').toString('base64')}`;
      const answer = await postForm(url(), form, { authorization: basic });
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      expect(answer.headers.get('www-authenticate')).toContain('Basic');
      expect(
        (await client.token({ ...form, client_id: 'nobody' })).headers.get('www-authenticate'),
      ).toBeNull();
    });

    it('redeems a code once; a replay ends what came of it, a wrong verifier does not', async () => {
      const code = (await client.authorize()).get('code') ?? '';
      const other = await registerTestClient(gatehouse, { client_name: 'Another' });
      expect(await other.redeem(code, { code_verifier: client.verifier })).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
      expect(await client.redeem(code, { redirect_uri: 'https://client.example.com/other' })).toMatchObject({
        body: { error: 'invalid_grant' },
      });
      expect(await client.redeem(code, { code_verifier: 'w'.repeat(43) })).toMatchObject({
        body: { error: 'invalid_grant' },
      });
      const answer = await client.redeem(code);
      expect(answer.status).toBe(200);
      const token = String(answer.body['access_token']);
      await client.redeem(code, { code_verifier: 'w'.repeat(43) });
      await other.redeem(code, { code_verifier: client.verifier });
      expect(await gatehouse.introspect(token)).toMatchObject({ active: true });
      expect(await client.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(await gatehouse.introspect(token)).toEqual({ active: false });
    });

    it('burns a code at the fifth wrong verifier', async () => {
      const code = (await client.authorize()).get('code') ?? '';
      for (let miss = 0; miss < 5; miss++) await client.redeem(code, { code_verifier: 'w'.repeat(43) });
      expect(await client.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    });

    it('gives one of eight parallel redemptions a session', async () => {
      const code = (await client.authorize()).get('code') ?? '';
      const all = await Promise.all(Array.from({ length: 8 }, () => client.redeem(code)));
      expect(all.filter((answer) => answer.status === 200)).toHaveLength(1);
      expect(all.filter((answer) => answer.body['error'] === 'invalid_grant')).toHaveLength(7);
    });

    it('knows confidential clients by their secret', async () => {
      for (const method of ['client_secret_basic', 'client_secret_post']) {
        const metadata = {
          client_uri: 'https://client.example.com/',
          redirect_uris: [client.redirectUri],
          token_endpoint_auth_method: method,
        };
        const registered = await postJson(`${gatehouse.url}oauth2/registration`, metadata);
        expect(registered).toMatchObject({
          status: 201,
          body: { client_secret_expires_at: 0, token_endpoint_auth_method: method },
        });
        const again = await postJson(`${gatehouse.url}oauth2/registration`, metadata);
        expect(again.body['client_id']).not.toBe(registered.body['client_id']);
        const id = String(registered.body['client_id']);
        const secret = String(registered.body['client_secret']);
        const form = { grant_type: 'refresh_token', refresh_token: 'x' };
        const right =
          method === 'client_secret_post'
            ? await postForm(url(), { ...form, client_id: id, client_secret: secret })
            : await postForm(url(), form, {
                authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
              });
        expect(right).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
        expect(await postForm(url(), { ...form, client_id: id })).toMatchObject({
          status: 401,
          body: { error: 'invalid_client' },
        });
        expect(await postForm(url(), { ...form, client_id: id, client_secret: 'wrong' })).toMatchObject({
          status: 401,
          body: { error: 'invalid_client' },
        });
      }
    });
  });

  describe('registration', () => {
    it('gives equal metadata one client id, whatever the order and the extras', async () => {
      const a = await postJson(`${gatehouse.url}oauth2/registration`, {
        client_uri: 'https://a.example.com/',
        redirect_uris: ['https://a.example.com/1', 'https://a.example.com/2'],
        token_endpoint_auth_method: 'none',
      });
      const b = await postJson(`${gatehouse.url}oauth2/registration`, {
        token_endpoint_auth_method: 'none',
        redirect_uris: ['https://a.example.com/2', 'https://a.example.com/1'],
        client_uri: 'https://a.example.com/',
        unknown: 1,
      });
      expect(a.status).toBe(201);
      expect(b.body['client_id']).toBe(a.body['client_id']);
      expect(b.body['redirect_uris']).toEqual(a.body['redirect_uris']);
    });

    it('takes null for a text that a client does not have', async () => {
      const answer = await postJson(`${gatehouse.url}oauth2/registration`, {
        client_uri: 'https://null.example.com/',
        redirect_uris: ['https://null.example.com/cb'],
        token_endpoint_auth_method: 'none',
        client_name: null,
        logo_uri: null,
        'tos_uri#de': null,
      });
      expect(answer.status).toBe(201);
      expect(answer.body).not.toHaveProperty('logo_uri');
    });

    it.each([
      ['[]', 'invalid_request'],
      ['"x"', 'invalid_request'],
      ['{', 'invalid_request'],
      ['{"client_uri":"https://example.com","redirect_uris":"x"}', 'invalid_redirect_uri'],
      ['{"client_uri":7}', 'invalid_client_metadata'],
      ['{"client_uri":"https://example.com","grant_types":[1]}', 'invalid_client_metadata'],
    ])('refuses %s: %s', async (body, error) => {
      const answer = await ask(`${gatehouse.url}oauth2/registration`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      });
      expect(answer).toMatchObject({ status: 400, body: { error } });
      expect(answer.headers.get('cache-control')).toBe('no-store');
    });
  });
});
