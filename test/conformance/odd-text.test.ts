/** Text that an engine may be unable to store (NUL, half a surrogate pair), from providers and clients, through the routes: one answer on every engine. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser, type Page } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { findUserByLocalpart } from '../../src/storage/records/users.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import {
  API_SCOPE,
  ask,
  DEVICE_SCOPE,
  postForm,
  registerTestClient,
  type TestClient,
} from '../support/oauth-client.ts';
import { startTokenService } from '../verification/service.ts';

const NUL = 'a\0b';
const HALF = 'a\ud83d';
const OTHER_HALF = '\ude00b';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let client: TestClient;
  let token: string;
  let db: Database;
  beforeAll(async () => {
    const env = await databaseOf(engine);
    gatehouse = await startGatehouse({
      idp: { passwordGrant: true },
      env: { ...env, GATEHOUSE__LEGACY_LOGIN__PASSWORD: 'true' },
    });
    client = await registerTestClient(gatehouse);
    token = (await client.tokens({ login: 'bob' })).access_token;
    db = await engine.open({ url: env['GATEHOUSE__DATABASE__URL'] ?? '' });
  });
  afterEach(() => {
    gatehouse.idp.faults.userinfo = undefined;
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  const at = (path: string): string => gatehouse.url + path;
  const bearer = () => ({ authorization: `Bearer ${token}` });
  const json = async (method: string, path: string, body: unknown, headers = {}): Promise<number> =>
    (
      await ask(at(path), {
        method,
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      })
    ).status;
  const form = async (path: string, fields: Record<string, string>, headers = {}): Promise<number> =>
    (await postForm(at(path), fields, headers)).status;
  const get = async (path: string, query: Record<string, string>, headers = {}): Promise<number> =>
    (await ask(`${at(path)}?${new URLSearchParams(query).toString()}`, { headers })).status;

  const registration = (more: object): Promise<number> =>
    json('POST', 'oauth2/registration', {
      client_name: 'Test',
      client_uri: 'https://client.example.com/',
      redirect_uris: ['https://client.example.com/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      ...more,
    });

  /** Where a client can put text; what a NUL is answered there, and half a pair. */
  test.each<[string, (odd: string) => Promise<number>, nul: number, half: number]>([
    ['as state', (state) => get('oauth2/authorize', client.parameters({ state })), 400, 303],
    ['as nonce', (nonce) => get('oauth2/authorize', client.parameters({ nonce })), 400, 303],
    ['as login_hint', (hint) => get('oauth2/authorize', client.parameters({ login_hint: hint })), 400, 303],
    ['as acr_values', (acr) => get('oauth2/authorize', client.parameters({ acr_values: acr })), 400, 303],
    [
      'in its scope',
      (scope) =>
        get('oauth2/authorize', client.parameters({ scope: `${API_SCOPE} ${DEVICE_SCOPE}${scope}` })),
      400,
      303,
    ],
    ['as client_id', (id) => get('oauth2/authorize', client.parameters({ client_id: id })), 400, 400],
    [
      'as redirect_uri',
      (uri) =>
        get('oauth2/authorize', client.parameters({ redirect_uri: `https://client.example.com/${uri}` })),
      400,
      400,
    ],
    [
      'in a pushed request',
      (state) => form('oauth2/par', client.parameters({ state, nonce: state })),
      201,
      201,
    ],
    ['as client_name', (name) => registration({ client_name: name }), 400, 400],
    ['as a localised name', (name) => registration({ 'client_name#de': name }), 400, 400],
    ['as logo_uri', (uri) => registration({ logo_uri: `https://client.example.com/${uri}` }), 400, 400],
    ['as software_id', (id) => registration({ software_id: id }), 400, 400],
    ['as contacts', (contact) => registration({ contacts: [contact] }), 400, 400],
    [
      'as code',
      (code) =>
        form('oauth2/token', {
          grant_type: 'authorization_code',
          client_id: client.clientId,
          redirect_uri: client.redirectUri,
          code,
          code_verifier: client.verifier,
        }),
      400,
      400,
    ],
    [
      'as code_verifier',
      (verifier) =>
        form('oauth2/token', {
          grant_type: 'authorization_code',
          client_id: client.clientId,
          redirect_uri: client.redirectUri,
          code: 'x',
          code_verifier: verifier,
        }),
      400,
      400,
    ],
    [
      'as refresh_token',
      (refresh) =>
        form('oauth2/token', {
          grant_type: 'refresh_token',
          client_id: client.clientId,
          refresh_token: refresh,
        }),
      400,
      400,
    ],
    [
      'as client_id at the token endpoint',
      (id) => form('oauth2/token', { grant_type: 'refresh_token', client_id: id, refresh_token: 'x' }),
      401,
      401,
    ],
    [
      'as device scope of another device',
      (id) =>
        form('oauth2/device_authorization', {
          client_id: client.clientId,
          scope: `${API_SCOPE} ${DEVICE_SCOPE}${id}`,
        }),
      400,
      400,
    ],
    [
      'as a token to revoke',
      (revoked) => form('oauth2/revoke', { client_id: client.clientId, token: revoked }),
      200,
      200,
    ],
    [
      'as a token to introspect',
      (asked) =>
        form(
          'oauth2/introspect',
          { token: asked },
          { authorization: `Bearer ${gatehouse.homeserverSecret}` },
        ),
      200,
      200,
    ],
    [
      'as the name of a device',
      async (name) => json('PUT', '_matrix/client/v3/devices/TESTDEVICE', { display_name: name }, bearer()),
      400,
      400,
    ],
    [
      'as device id',
      (id) =>
        json(
          'PUT',
          `_matrix/client/v3/devices/${encodeURIComponent(id.toWellFormed())}`,
          { display_name: 'x' },
          bearer(),
        ),
      400,
      404,
    ],
    [
      'as devices to delete',
      (id) => json('POST', '_matrix/client/v3/delete_devices', { devices: [id] }, bearer()),
      400,
      400,
    ],
    [
      'as user of a login',
      (user) =>
        json('POST', '_matrix/client/v3/login', {
          type: 'm.login.password',
          identifier: { type: 'm.id.user', user },
          password: 'x',
        }),
      400,
      400,
    ],
    [
      'as password',
      (password) =>
        json('POST', '_matrix/client/v3/login', {
          type: 'm.login.password',
          identifier: { type: 'm.id.user', user: 'bob' },
          password,
        }),
      400,
      400,
    ],
    [
      'as login token',
      (login) => json('POST', '_matrix/client/v3/login', { type: 'm.login.token', token: login }),
      400,
      400,
    ],
    [
      'as refresh token of a login',
      (refresh) => json('POST', '_matrix/client/v3/refresh', { refresh_token: refresh }),
      400,
      400,
    ],
    [
      'as redirectUrl',
      (url) => get('_matrix/client/v3/login/sso/redirect', { redirectUrl: `https://app.example.com/${url}` }),
      400,
      302,
    ],
    [
      'as provider',
      (id) =>
        get(`_matrix/client/v3/login/sso/redirect/${encodeURIComponent(id.toWellFormed())}`, {
          redirectUrl: 'https://app.example.com/',
        }),
      400,
      404,
    ],
    ['as user code', (code) => get('device', { user_code: code }), 400, 200],
    ['as account action', (action) => get('account', { action, device_id: action }), 400, 303],
    ['as state of the provider', (state) => get('upstream/main/callback', { state, code: 'x' }), 400, 400],
    [
      'as logout token',
      (logout) => form('upstream/main/backchannel-logout', { logout_token: logout }),
      400,
      400,
    ],
  ])('a client that sends it %s gets the same answer', async (_where, send, nul, half) => {
    const answers = [];
    for (const odd of [NUL, HALF, OTHER_HALF]) answers.push(await send(odd));
    expect(answers).toEqual([nul, half, half]);
  });

  describe('a provider that says it of a person', () => {
    const oddTexts = [NUL, HALF, OTHER_HALF, `${NUL}${HALF}`];
    const signIn = async (claims: object): Promise<Page> => {
      gatehouse.idp.faults.userinfo = (body) => ({ ...body, ...claims });
      const browser = createBrowser();
      await browser.open(client.authorizeUrl());
      return browser.submit({ button: 'Sign in', fields: { login: 'carol' } });
    };

    test.each<[string, (odd: string) => object, number, RegExp]>([
      ['as name', (name) => ({ name }), 200, /wants to sign in to your account/],
      ['as email', (email) => ({ email }), 200, /wants to sign in to your account/],
      ['in a list of groups', (group) => ({ groups: [group] }), 200, /wants to sign in to your account/],
      ['as the name of a claim', (name) => ({ [name]: name }), 200, /wants to sign in to your account/],
      ['as a picture', (picture) => ({ picture }), 200, /wants to sign in to your account/],
      ['as the subject', (sub) => ({ sub }), 403, /./],
    ])('%s', async (_where, claims, status, words) => {
      for (const odd of oddTexts) {
        const page = await signIn(claims(odd));
        expect(page.status).toBe(status);
        expect(page.text).toMatch(words);
      }
    });

    test('as the name of a new user: that is refused, in words', async () => {
      gatehouse.idp.accounts.set('odd', { sub: 'sub-of-odd' });
      for (const preferred_username of oddTexts) {
        gatehouse.idp.faults.userinfo = (body) => ({ ...body, preferred_username });
        const browser = createBrowser();
        await browser.open(client.authorizeUrl());
        const page = await browser.submit({ button: 'Sign in', fields: { login: 'odd' } });
        expect([page.status, page.title]).toEqual([403, 'You are not signed in']);
      }
    });

    test('in a name that is cut at its limit: no character is halved', async () => {
      gatehouse.idp.accounts.set('long', { sub: 'sub-of-long', preferred_username: 'long' });
      gatehouse.idp.faults.userinfo = (body) => ({ ...body, name: `${'n'.repeat(99)}😀😀` });
      await client.tokens({ login: 'long' });
      expect((await findUserByLocalpart(db.query, 'long'))?.displayname).toBe(`${'n'.repeat(99)}😀`);
    });

    test('in a token of its own, as session and client', async () => {
      const env = await databaseOf(engine);
      await using service = await startTokenService(
        {
          mode: 'passthrough',
          database: { url: env['GATEHOUSE__DATABASE__URL'] },
          encryption_key: env['GATEHOUSE__ENCRYPTION_KEY'],
        },
        { tokens: { strategies: ['jwt'] } },
      );
      for (const [index, sid] of oddTexts.entries()) {
        const own = await service.tokenFor('alice', `D${String(index)}`, {
          sid,
          client_id: sid,
          name: sid,
          jti: sid,
        });
        expect((await service.introspect(own)).body['active']).toBe(true);
        expect((await service.as(own, '_matrix/client/v3/devices')).status).toBe(200);
        expect((await service.signOut('alice', sid)).status).toBe(200);
        expect((await service.introspect(own)).body['active']).toBe(false);
      }
      for (const sub of oddTexts) {
        const own = await service.tokenFor('mallory', 'PHONE', { sub });
        expect((await service.introspect(own)).body['active']).toBe(false);
      }
    });
  });
});
