/** Scopes of the operator's own: who gets which, by client, user and claim, and how a session without Matrix lives. Black box, behind a real IdP. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gatehouse, signIn, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import {
  API_SCOPE,
  ask,
  DEVICE_SCOPE,
  postForm,
  registerTestClient,
  testClient,
} from '../support/oauth-client.ts';
import type { TestClient } from '../support/oauth-client.ts';

const redirectUri = 'https://webmail.example.com/cb';
const MATRIX = `${API_SCOPE} ${DEVICE_SCOPE}SCOPED`;

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    gatehouse = await startGatehouse({
      validateResponses: true,
      env: {
        ...(await databaseOf(engine)),
        GATEHOUSE__PROVIDERS__0__PRESET: 'oidc-provider',
        GATEHOUSE__PROVIDERS__0__ACCESS: '{ recheck_seconds: 2 }',
      },
      yaml: `scopes:
  - { scope: sasl_auth, description: "Using your mail and chat accounts", claims: { email: "{localpart}@mail.example.org", jid: "{localpart}@{server_name}" }, access_token_ttl_seconds: 7200, session_ttl_seconds: 86400 }
  - { scope: files, description: "Reading your files", require: [{ claim: groups, any_of: [staff] }], deny: [{ claim: groups, any_of: [suspended] }] }
  - { scope: backup, description: "Backing up", require: [{ claim: localpart, any_of: [bob] }] }
  - { scope: "chat:read", description: "Reading chats", any_client: true }
  - { scope: named, description: "Your mail", claims: { username: "{localpart}@mail.example.org" } }
  - { scope: brief, description: "For a moment", session_ttl_seconds: 2 }
clients:
  - { client_id: webmail, redirect_uris: ["${redirectUri}"], scopes: [sasl_auth, files, backup, brief, named] }
  - { client_id: own-ttl, redirect_uris: ["${redirectUri}"], scopes: [sasl_auth], access_token_ttl_seconds: 99, session_ttl_seconds: 60 }
  - { client_id: mail-server, client_secret: "the secret of the mail server", token_endpoint_auth_method: client_secret_basic, grant_types: [client_credentials], scopes: [sasl_auth, anything], introspect_all: true }
  - { client_id: tv, grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token], scopes: [sasl_auth, files] }
`,
    });
    setGroups('alice', ['staff']);
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  const webmail = (): TestClient => testClient(gatehouse, { clientId: 'webmail', redirectUri });
  const setGroups = (login: string, groups: readonly string[]): void => {
    const { idp } = gatehouse;
    const account = idp.accounts.get(login);
    if (account === undefined) throw new Error(`no ${login}`);
    idp.accounts.set(login, { ...account, groups });
  };
  const whoami = (token: string): ReturnType<typeof ask> =>
    ask(`${gatehouse.url}_matrix/client/v3/account/whoami`, {
      headers: { authorization: `Bearer ${token}` },
    });

  test.each([
    ['a session for other servers', 'named', 'alice@mail.example.org'],
    ['a session of Matrix, of which a homeserver makes the user ID', `${MATRIX} named`, 'alice'],
    ['a session of Matrix without it', MATRIX, 'alice'],
  ])('how a scope may name people: %s', async (_what, scope, username) => {
    const tokens = await webmail().tokens({ parameters: { scope: `openid ${scope}` } });
    expect(await gatehouse.introspect(tokens.access_token)).toMatchObject({ active: true, username });
  });

  describe('a sign-in for them alone', () => {
    test('has no device and is none of Matrix: the homeserver is told the scope, and Matrix routes refuse it', async () => {
      const tokens = await webmail().tokens({ parameters: { scope: 'openid sasl_auth' } });
      expect(tokens).toMatchObject({ scope: 'openid sasl_auth', expires_in: 7200 });
      const seen = await gatehouse.introspect(tokens.access_token);
      expect(seen).toMatchObject({
        active: true,
        username: 'alice',
        scope: 'openid sasl_auth',
        client_id: 'webmail',
        email: 'alice@mail.example.org',
        jid: 'alice@example.org',
      });
      expect(seen).not.toHaveProperty('device_id');
      expect(await whoami(tokens.access_token)).toMatchObject({
        status: 403,
        body: { errcode: 'M_FORBIDDEN' },
      });
      const matrix = await (await registerTestClient(gatehouse)).tokens({ parameters: { scope: MATRIX } });
      const all = await ask(`${gatehouse.url}_matrix/client/v3/logout/all`, {
        method: 'POST',
        headers: { authorization: `Bearer ${tokens.access_token}` },
      });
      expect(all.status).toBe(403);
      expect(await gatehouse.introspect(matrix.access_token)).toMatchObject({ active: true });
      const { body } = await ask(`${gatehouse.url}_matrix/client/v3/devices`, {
        headers: { authorization: `Bearer ${matrix.access_token}` },
      });
      expect(body['devices']).toHaveLength(1);
    });

    test('tells on its page what the scope means, and nothing of messages or devices', async () => {
      const browser = createBrowser();
      await browser.open(webmail().authorizeUrl({ scope: 'sasl_auth files' }));
      const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      expect(page.text).toContain('Using your mail and chat accounts');
      expect(page.text).toContain('Reading your files');
      expect(page.text).not.toContain('send messages');
      expect(page.text).not.toContain('Device');
    });

    test('refreshes, narrows, and ends by revocation as any other', async () => {
      const client = webmail();
      const tokens = await client.tokens({ parameters: { scope: 'sasl_auth files' } });
      const narrowed = await client.refresh(tokens.refresh_token, { scope: 'sasl_auth' });
      expect(narrowed).toMatchObject({ status: 200, body: { scope: 'sasl_auth', expires_in: 7200 } });
      const token = String(narrowed.body['access_token']);
      await postForm(`${gatehouse.url}oauth2/revoke`, { token });
      expect(await gatehouse.introspect(token)).toEqual({ active: false });
    });

    test('tells userinfo what the scope tells, without openid', async () => {
      const tokens = await webmail().tokens({ parameters: { scope: 'sasl_auth' } });
      const bearer = { headers: { authorization: `Bearer ${tokens.access_token}` } };
      expect((await ask(`${gatehouse.url}oauth2/userinfo`, bearer)).body).toMatchObject({
        preferred_username: 'alice',
        email: 'alice@mail.example.org',
      });
      const mute = await webmail().tokens({ parameters: { scope: 'files' } });
      const refused = await ask(`${gatehouse.url}oauth2/userinfo`, {
        headers: { authorization: `Bearer ${mute.access_token}` },
      });
      expect(refused).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } });
    });

    test('two of them live beside each other', async () => {
      const [one, two] = [
        await webmail().tokens({ parameters: { scope: 'sasl_auth' } }),
        await webmail().tokens({ parameters: { scope: 'sasl_auth' } }),
      ];
      expect(await gatehouse.introspect(one.access_token)).toMatchObject({ active: true });
      expect(await gatehouse.introspect(two.access_token)).toMatchObject({ active: true });
    });
  });

  describe('who gets what', () => {
    test.each([
      ['what the client is not given is left out', 'webmail', 'alice', 'sasl_auth chat:write', 'sasl_auth'],
      ['what is open to any client', 'own-ttl', 'alice', 'chat:read sasl_auth files', 'chat:read sasl_auth'],
      ['what the claims give', 'webmail', 'alice', 'files', 'files'],
      ['what the claims do not give is left out', 'webmail', 'bob', 'sasl_auth files', 'sasl_auth'],
      ['what is for named users', 'webmail', 'bob', 'backup', 'backup'],
      ['what is for other users is left out', 'webmail', 'alice', 'backup files', 'files'],
      ['beside Matrix', 'webmail', 'alice', `${MATRIX} sasl_auth`, `${MATRIX} sasl_auth`],
      [
        'beside Matrix what the person may not have is left out',
        'webmail',
        'carol',
        `${MATRIX} files`,
        MATRIX,
      ],
    ])('%s: %s, %s asks for %s', async (_what, clientId, login, scope, granted) => {
      const tokens = await testClient(gatehouse, { clientId, redirectUri }).tokens({
        login,
        parameters: { scope },
      });
      expect(tokens.scope).toBe(granted);
    });

    test.each([
      ['a scope of another client', 'own-ttl', 'files'],
      ['one that nobody defined', 'webmail', 'unheard-of'],
      ['openid alone', 'webmail', 'openid'],
      ["client credentials' own word", 'webmail', 'anything'],
      ['a device without Matrix', 'webmail', `${DEVICE_SCOPE}ABC sasl_auth`],
      ['nothing', 'webmail', ''],
    ])('asking for %s is invalid_scope before anybody signs in', async (_what, clientId, scope) => {
      const answer = await ask(testClient(gatehouse, { clientId, redirectUri }).authorizeUrl({ scope }));
      expect(answer.status).toBe(303);
      const back = new URL(answer.headers.get('location') ?? '');
      expect(back.searchParams.get('error')).toBe('invalid_scope');
    });

    test('who may have nothing of it is told so by the app, as access_denied', async () => {
      const page = await signIn(
        createBrowser(),
        webmail().authorizeUrl({ scope: 'backup' }),
        redirectUri,
        'alice',
      );
      expect(page.stopped).toBe(true);
      expect(new URL(page.url).searchParams.get('error')).toBe('access_denied');
    });

    test('who loses the claim loses the scope at the recheck, and a session that was for it alone', async () => {
      setGroups('carol', ['staff']);
      const only = await webmail().tokens({ login: 'carol', parameters: { scope: 'openid files' } });
      const both = await webmail().tokens({ login: 'carol', parameters: { scope: 'sasl_auth files' } });
      expect(both.scope).toBe('sasl_auth files');
      setGroups('carol', ['staff', 'suspended']);
      const until = performance.now() + 15_000;
      while ((await gatehouse.introspect(only.access_token))['active'] === true && performance.now() < until)
        await delay(100);
      expect(await gatehouse.introspect(only.access_token)).toEqual({ active: false });
      expect(await gatehouse.introspect(both.access_token)).toMatchObject({
        active: true,
        scope: 'sasl_auth',
      });
    });
  });

  describe('lifetimes', () => {
    test('of the client count before those of the scope, and no access token outlives its session', async () => {
      const client = testClient(gatehouse, { clientId: 'own-ttl', redirectUri });
      const tokens = await client.tokens({ parameters: { scope: 'sasl_auth' } });
      expect(tokens.expires_in).toBe(60);
    });

    test('a token that is for Matrix too lives no longer than others of Matrix', async () => {
      const tokens = await webmail().tokens({
        parameters: { scope: `${API_SCOPE} ${DEVICE_SCOPE}LONG sasl_auth` },
      });
      expect(tokens.expires_in).toBe(600);
    });

    test('a session whose time is over is over, for its refresh token too', async () => {
      const client = webmail();
      const tokens = await client.tokens({ parameters: { scope: 'brief' } });
      expect(tokens.expires_in).toBeLessThanOrEqual(2);
      await delay(2100);
      expect(await gatehouse.introspect(tokens.access_token)).toEqual({ active: false });
      expect(await client.refresh(tokens.refresh_token)).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
    });

    test('client credentials have that of the scope', async () => {
      const basic = Buffer.from('mail-server:the+secret+of+the+mail+server').toString('base64');
      const answer = await postForm(
        `${gatehouse.url}oauth2/token`,
        { grant_type: 'client_credentials', scope: 'sasl_auth' },
        { authorization: `Basic ${basic}` },
      );
      expect(answer).toMatchObject({ status: 200, body: { expires_in: 7200, scope: 'sasl_auth' } });
      expect(await gatehouse.introspect(String(answer.body['access_token']))).not.toHaveProperty('email');
    });
  });

  test('the device grant gives them, without a device', async () => {
    const asked = await postForm(`${gatehouse.url}oauth2/device_authorization`, {
      client_id: 'tv',
      scope: 'sasl_auth',
    });
    expect(asked.status).toBe(200);
    const browser = createBrowser();
    await browser.open(String(asked.body['verification_uri_complete']));
    await browser.submit({ button: 'Continue' });
    const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    expect(page.text).toContain('Using your mail and chat accounts');
    await browser.submit({ button: 'Allow' });
    const answer = await postForm(`${gatehouse.url}oauth2/token`, {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      client_id: 'tv',
      device_code: String(asked.body['device_code']),
    });
    expect(answer).toMatchObject({ status: 200, body: { scope: 'sasl_auth' } });
    expect(await gatehouse.introspect(String(answer.body['access_token']))).not.toHaveProperty('device_id');
  });

  test('the metadata names them', async () => {
    const { body } = await ask(`${gatehouse.url}.well-known/oauth-authorization-server`);
    expect(body['scopes_supported']).toEqual(expect.arrayContaining(['sasl_auth', 'chat:read', API_SCOPE]));
  });
});
