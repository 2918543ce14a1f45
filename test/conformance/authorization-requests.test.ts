/** What an authorization request can ask for beyond the main path: pushed requests, form_post, fresh sign-ins, hints. Black box, behind a real IdP. */
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import {
  API_SCOPE,
  type Answer,
  ask,
  DEVICE_SCOPE,
  postForm,
  registerTestClient,
  type TestClient,
} from '../support/oauth-client.ts';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let client: TestClient;
  beforeAll(async () => {
    gatehouse = await startGatehouse({ validateResponses: true, env: await databaseOf(engine) });
    client = await registerTestClient(gatehouse);
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  const url = (path: string): string => gatehouse.url + path;
  /** Where an authorization request sends the browser. */
  const locationOf = async (more: Record<string, string | undefined>): Promise<URL> => {
    const answer = await ask(client.authorizeUrl(more));
    return new URL(answer.headers.get('location') ?? 'none:');
  };

  describe('a request that the client cannot be told about', () => {
    const shown = async (target: string): Promise<{ status: number; text: string }> => {
      const { status, text } = await createBrowser().open(target);
      return { status, text: text.replace(/\s+/g, ' ') };
    };

    it.each([
      ['an unknown client', { client_id: 'nobody' }, 'client_id is not that of a registered client'],
      ['no redirect URI', { redirect_uri: undefined }, 'redirect_uri is missing'],
      [
        'a redirect URI of somebody else',
        { redirect_uri: 'https://evil.example/' },
        'redirect_uri is not one that the client has registered',
      ],
      [
        'a pushed request that was used',
        { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
        'request_uri is not one that was pushed for this client, was used before, or has expired',
      ],
    ])('tells the person what to do, and apart whoever wrote the app: %s', async (_what, more, details) => {
      const { status, text } = await shown(client.authorizeUrl(more));
      expect(status).toBe(400);
      expect(text).toContain(
        'The app that sent you here made a request that cannot be carried out. Go back to the app and start again.',
      );
      expect(text).toContain(`Details: ${details}`);
    });

    it('says the same where the request cannot be read', async () => {
      const { status, text } = await shown(`${client.authorizeUrl()}&nonce=a%00b`);
      expect(status).toBe(400);
      expect(text).toContain('Go back to where you came from and start again.');
      expect(text).toContain('Details: the parameter nonce has a NUL character');
    });

    it('tells who goes back to a finished sign-in to return to the app', async () => {
      const browser = createBrowser();
      browser.stopAt(client.redirectUri);
      await browser.open(client.authorizeUrl());
      const consent = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      await browser.submit({ button: 'Allow' });
      const back = await browser.open(consent.url);
      expect(back.text).toContain('finished');
      expect(back.text).toContain('return to your app');
    });
  });

  describe('the key set', () => {
    it('has an ETag, by which it is not sent again', async () => {
      const { status, headers } = await ask(url('oauth2/jwks'));
      const etag = headers.get('etag') ?? '';
      expect([status, etag]).toEqual([200, expect.stringMatching(/^"[\w-]+"$/)]);
      const again = await ask(url('oauth2/jwks'), { headers: { 'if-none-match': etag } });
      expect([again.status, again.headers.get('etag')]).toEqual([304, etag]);
      expect(again.headers.get('cache-control')).toBe(headers.get('cache-control'));
    });
  });

  describe('a token with a NUL', () => {
    const token = 'gat_\0';
    it('is one that nobody has issued, as any garbage is', async () => {
      expect(await client.refresh(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(await client.redeem(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(await client.token({ client_id: token })).toMatchObject({ status: 400 });
      expect(await client.refresh(token, { client_id: token })).toMatchObject({
        status: 401,
        body: { error: 'invalid_client' },
      });
      expect(await postForm(url('oauth2/revoke'), { token })).toMatchObject({ status: 200, body: {} });
      expect(await gatehouse.introspect(token)).toEqual({ active: false });
    });
  });

  describe('a pushed request (RFC 9126)', () => {
    const push = (more: Record<string, string> = {}): Promise<Answer> =>
      postForm(url('oauth2/par'), client.parameters(more));
    const use = (requestUri: unknown, more: Record<string, string> = {}): Promise<Answer> => {
      const query = new URLSearchParams({
        client_id: client.clientId,
        request_uri: String(requestUri),
        ...more,
      });
      return ask(`${url('oauth2/authorize')}?${query.toString()}`);
    };

    it.each([
      ['a state of 9,000 bytes', { state: 'x'.repeat(9000) }, 400],
      ['a state of 3,000 characters of three bytes', { state: '元'.repeat(3000) }, 400],
      [
        'many unknown parameters',
        Object.fromEntries([...Array(90).keys()].map((n) => [`x${n}`, 'y'.repeat(90)])),
        400,
      ],
      ['a long unknown parameter', { unknown: 'x'.repeat(8200) }, 400],
      ['a long name', { ['n'.repeat(8200)]: 'x' }, 400],
      ['a state of 7,000 bytes', { state: 'x'.repeat(7000) }, 201],
      ['a short unknown parameter', { unknown: 'x' }, 201],
    ])('has at most 8 KiB in all, pushed or not: %s', async (_what, more, status) => {
      expect((await push(more)).status).toBe(status);
      const form = client.parameters(more);
      const direct = await postForm(url('oauth2/authorize'), form);
      expect(direct.status).toBe(status === 201 ? 303 : 400);
    });

    it('is advertised, kept, and used once, by its client alone', async () => {
      const { body: metadata } = await ask(url('.well-known/openid-configuration'));
      expect(metadata).toMatchObject({
        pushed_authorization_request_endpoint: url('oauth2/par'),
        require_pushed_authorization_requests: false,
      });
      const pushed = await push();
      expect(pushed).toMatchObject({
        status: 201,
        body: {
          request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:gpr_/),
          expires_in: 60,
        },
      });
      expect(pushed.headers.get('cache-control')).toBe('no-store');
      const other = await registerTestClient(gatehouse, { client_name: 'Other' });
      expect(await use(pushed.body['request_uri'], { client_id: other.clientId })).toMatchObject({
        status: 400,
        body: { error: 'invalid_request_uri' },
      });
      const used = await use(pushed.body['request_uri'], {
        scope: 'ignored',
        redirect_uri: 'https://evil.example/',
      });
      expect(used.status).toBe(303);
      expect(used.headers.get('location')).toContain(gatehouse.idp.issuer);
      expect(await use(pushed.body['request_uri'])).toMatchObject({
        status: 400,
        body: { error: 'invalid_request_uri' },
      });
    });

    it('leads to a sign-in like any other', async () => {
      const { body } = await push({ state: 'pushed' });
      const browser = createBrowser();
      browser.stopAt(client.redirectUri);
      const query = new URLSearchParams({
        client_id: client.clientId,
        request_uri: String(body['request_uri']),
      });
      await browser.open(`${url('oauth2/authorize')}?${query.toString()}`);
      await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      const back = new URL((await browser.submit({ button: 'Allow' })).url).searchParams;
      expect(back.get('state')).toBe('pushed');
      expect((await client.redeem(back.get('code') ?? '')).status).toBe(200);
    });

    it('named twice gets a page, and is not used up by it', async () => {
      const { body } = await push();
      const uri = String(body['request_uri']);
      const query = new URLSearchParams({ client_id: client.clientId, request_uri: uri });
      query.append('request_uri', uri);
      expect(await ask(`${url('oauth2/authorize')}?${query.toString()}`)).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
      });
      expect((await use(uri)).status).toBe(303);
    });

    it('of eight browsers at once is one browser’s', async () => {
      const { body } = await push();
      const all = await Promise.all(Array.from({ length: 8 }, () => use(body['request_uri'])));
      expect(all.filter(({ status }) => status === 303)).toHaveLength(1);
    });

    it.each([
      [{ redirect_uri: 'https://evil.example/' }, 'invalid_request'],
      [{ scope: 'openid' }, 'invalid_scope'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ request_uri: 'urn:x' }, 'invalid_request'],
      [{ request: 'eyJ' }, 'request_not_supported'],
      [{ prompt: 'none' }, 'login_required'],
    ])('with %j is refused at once: %s', async (more, error) => {
      expect(await push(more)).toMatchObject({ status: 400, body: { error } });
    });

    it.each([
      [{ client_id: 'unknown' }, 401, 'invalid_client'],
      [{ client_secret: 'x' }, 401, 'invalid_client'],
    ])('by who is not the client (%j) is refused', async (more, status, error) => {
      expect(await push(more)).toMatchObject({ status, body: { error } });
    });

    it.each([
      'urn:ietf:params:oauth:request_uri:guess',
      `urn:ietf:params:oauth:request_uri:gpr_${'a'.repeat(49)}`,
    ])('that never was (%s) gets a page', async (requestUri) => {
      expect(await use(requestUri)).toMatchObject({ status: 400, body: { error: 'invalid_request_uri' } });
    });
  });

  describe('response_mode=form_post', () => {
    it('answers with a form for the redirect URI, which nothing but a click sends', async () => {
      const parameters = { response_mode: 'form_post', state: '"><script>' };
      const browser = createBrowser();
      browser.stopAt(client.redirectUri);
      await browser.open(client.authorizeUrl(parameters));
      await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      const page = await browser.submit({ button: 'Allow' });
      expect(page.status).toBe(200);
      expect(page.headers.get('cache-control')).toBe('no-store');
      expect(page.headers.get('content-security-policy')).toMatch(
        /default-src 'none'.*frame-ancestors 'none'/,
      );
      expect(page.headers.get('content-security-policy')).not.toContain('form-action');
      expect(page.body).not.toContain('<script>');
      const [form] = page.forms;
      expect(form).toMatchObject({ action: client.redirectUri });
      const fields = Object.fromEntries(form?.fields ?? []);
      expect(fields).toMatchObject({ state: '"><script>', iss: gatehouse.url });
      expect((await client.redeem(fields['code'] ?? '')).status).toBe(200);
      expect((await browser.submit({ button: 'Continue' })).stopped).toBe(true);
    });

    it('answers refusals so too, before anybody signs in', async () => {
      const answer = await ask(client.authorizeUrl({ response_mode: 'form_post', scope: 'openid' }));
      expect(answer.status).toBe(200);
      expect(String(answer.body['text'])).toContain('value="invalid_scope"');
    });

    it('is refused for the scheme of an app, by the page that opens the app', async () => {
      const app = await registerTestClient(gatehouse, {
        application_type: 'native',
        redirect_uris: ['com.example.client:/cb'],
      });
      const answer = await ask(
        app.authorizeUrl({ redirect_uri: 'com.example.client:/cb', response_mode: 'form_post' }),
      );
      expect(answer.status).toBe(200);
      expect(answer.body['text']).toMatch(/com\.example\.client:\/cb\?error=invalid_request/);
    });
  });

  describe('a fresh sign-in', () => {
    const openid = `openid ${API_SCOPE} ${DEVICE_SCOPE}FRESH`;
    const signInWith = async (more: Record<string, string>) => {
      const browser = createBrowser();
      await client.authorize({ browser });
      browser.stopAt(client.redirectUri);
      return { browser, page: await browser.open(client.authorizeUrl({ scope: openid, ...more })) };
    };

    it('is asked of the IdP, and its time is told', async () => {
      const { browser, page } = await signInWith({ prompt: 'login' });
      expect(page.title).toContain('test IdP');
      await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      const back = new URL((await browser.submit({ button: 'Allow' })).url).searchParams;
      const { body } = await client.redeem(back.get('code') ?? '');
      const { auth_time: time } = decodeJwt(String(body['id_token']));
      expect(Number(time)).toBeGreaterThan(Date.now() / 1000 - 60);
    });

    it.each([{ prompt: 'login' }, { max_age: '0' }, { max_age: '3600' }])(
      'asked for by %j at an IdP that does not care and tells no time is refused, and the app can be told',
      async (asked) => {
        gatehouse.idp.faults.authorization = (query) => {
          query.delete('prompt');
          query.delete('max_age');
        };
        try {
          const { browser, page } = await signInWith({ ...asked, response_mode: 'form_post' });
          expect(page).toMatchObject({ status: 403, title: 'You are not signed in' });
          expect(page.body).toContain('did not say when you last did');
          const fields = Object.fromEntries(page.forms[0]?.fields ?? []);
          expect(fields).toMatchObject({
            error: 'access_denied',
            iss: gatehouse.url,
            state: 'some state/+=',
          });
          expect((await browser.submit({ button: 'Return to the app' })).stopped).toBe(true);
        } finally {
          gatehouse.idp.faults.authorization = undefined;
        }
      },
    );

    it('is asked for by max_age=0 and prompt=login with max_age, in words that oblige the IdP to tell the time', async () => {
      expect((await locationOf({ max_age: '0' })).searchParams.get('max_age')).toBe('0');
      const sent = (await locationOf({ prompt: 'login', max_age: '500' })).searchParams;
      expect(sent.get('max_age')).toBe('0');
      expect(sent.get('prompt')).toBe('login');
      expect((await locationOf({ max_age: '500' })).searchParams.get('max_age')).toBe('500');
      expect((await locationOf({})).searchParams.has('max_age')).toBe(false);
    });
  });

  describe('hints', () => {
    it.each([
      ['mxid:@alice:example.org', 'alice'],
      ['mxid:@alice:elsewhere.example', null],
      ['mxid:alice', null],
      ['mxid:', null],
      ['alice@example.org', 'alice@example.org'],
    ])('login_hint=%s reaches the IdP as %s', async (hint, sent) => {
      expect((await locationOf({ login_hint: hint })).searchParams.get('login_hint')).toBe(sent);
    });

    it('acr_values reach it as they are, consent does not: it is asked here', async () => {
      const sent = (await locationOf({ acr_values: 'urn:a urn:b', prompt: 'consent select_account' }))
        .searchParams;
      expect(sent.get('acr_values')).toBe('urn:a urn:b');
      expect(sent.get('prompt')).toBe('select_account');
    });

    it('prompt=create reaches an IdP that can create accounts, and only then is it advertised', async () => {
      const metadata = async (): Promise<unknown> =>
        (await ask(url('_matrix/client/v1/auth_metadata'))).body['prompt_values_supported'];
      expect(await metadata()).toBeUndefined();
      expect((await locationOf({ prompt: 'create' })).searchParams.has('prompt')).toBe(false);
      await using able = await startGatehouse({
        beforeStart: (idp) => {
          idp.faults.discovery = (document) => ({
            ...document,
            prompt_values_supported: ['login', 'create'],
          });
        },
      });
      const other = await registerTestClient(able);
      const answer = await ask(other.authorizeUrl({ prompt: 'create' }));
      expect(new URL(answer.headers.get('location') ?? 'none:').searchParams.get('prompt')).toBe('create');
      const { body } = await ask(`${able.url}_matrix/client/v1/auth_metadata`);
      expect(body['prompt_values_supported']).toEqual(['login', 'create']);
    });
  });

  describe('userinfo', () => {
    const at = (init: RequestInit = {}): Promise<Answer> => ask(url('oauth2/userinfo'), init);
    const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });
    const challenge = (answer: Answer): string => answer.headers.get('www-authenticate') ?? '';

    it('tells whom the token belongs to, as the ID token does, by GET and POST, from any origin', async () => {
      const tokens = await client.tokens({ parameters: { scope: `openid ${API_SCOPE} ${DEVICE_SCOPE}UI` } });
      const { sub } = decodeJwt(tokens.id_token ?? '');
      const claims = { sub, preferred_username: 'alice', name: 'Alice Liddell' };
      const answers = [
        await at(bearer(tokens.access_token)),
        await at({ method: 'POST', ...bearer(tokens.access_token) }),
        await postForm(url('oauth2/userinfo'), { access_token: tokens.access_token }),
      ];
      for (const answer of answers) {
        expect(answer).toMatchObject({ status: 200, body: claims });
        expect(answer.headers.get('cache-control')).toBe('no-store');
        expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      }
      const { body } = await ask(url('.well-known/openid-configuration'));
      expect(body['userinfo_endpoint']).toBe(url('oauth2/userinfo'));
    });

    it('refuses as RFC 6750 says', async () => {
      const none = await at();
      expect(none.status).toBe(401);
      expect(challenge(none)).toBe('Bearer realm="gatehouse"');
      expect(none.headers.get('access-control-allow-origin')).toBe('*');
      const bad = await at(bearer('garbage'));
      expect(bad).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
      expect(challenge(bad)).toContain('error="invalid_token"');
      const tokens = await client.tokens();
      const narrow = await at(bearer(tokens.access_token));
      expect(narrow).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } });
      expect(challenge(narrow)).toContain('scope="openid"');
      const twice = await ask(url('oauth2/userinfo'), {
        method: 'POST',
        body: new URLSearchParams({ access_token: 'x' }),
        ...bearer(tokens.access_token),
      });
      expect(twice).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      const basic = await at({ headers: { authorization: 'Basic eDp5' } });
      expect(basic).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      const refresh = await at(bearer(tokens.refresh_token));
      expect(refresh).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    });
  });
});
