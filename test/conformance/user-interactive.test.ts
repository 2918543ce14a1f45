/**
 * User-interactive authentication by single sign-on, as legacy clients go through it to delete devices, behind a real IdP (client-server
 * API, "User-Interactive Authentication API").
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/protocol/clock.ts';
import { systemClock } from '../../src/protocol/clock.ts';
import { issueSecret } from '../../src/protocol/token-format.ts';
import { cleanUp } from '../../src/storage/cleanup.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { openDatabase } from '../../src/storage/engine/open-database.ts';
import { findSession } from '../../src/storage/records/session-list.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { testClock } from '../support/clock.ts';
import { type BesideDatabase, startBesideDatabase } from '../support/beside-database.ts';
import { forEachEngine } from '../support/database.ts';
import { askMatrix, type LegacySession, startLegacy } from '../support/legacy-session.ts';
import { type Answer, ask, registerTestClient, type TestClient } from '../support/oauth-client.ts';

const MINUTE = 60_000;
const NASTY = '"><svg/onload=alert(1)>';

forEachEngine((engine) => {
  const clock = testClock(systemClock.now());
  let gatehouse: Gatehouse;
  let client: TestClient;
  let db: Database;
  let started: BesideDatabase;
  beforeAll(async () => {
    started = await startBesideDatabase(engine, clock);
    ({ gatehouse, client, db } = started);
    // Both are known to the IdP.
    await client.tokens({ login: 'alice' });
    await client.tokens({ login: 'bob' });
  });
  afterAll(() => started.close());

  let mine: LegacySession;
  let doomed: LegacySession;
  beforeEach(async () => {
    mine = await startLegacy(db, { clock, refreshable: false });
    doomed = await startLegacy(db, { clock, deviceName: `Old phone ${NASTY}` });
  });

  const remove = (
    auth?: unknown,
    options: { token?: string; deviceId?: string; version?: string } = {},
  ): Promise<Answer> => {
    const { token = mine.accessToken, deviceId = doomed.deviceId, version = 'v3' } = options;
    return askMatrix(gatehouse, `DELETE ${version}/devices/${deviceId}`, {
      token,
      ...(auth === undefined ? {} : { json: { auth } }),
    });
  };
  const removeMany = (devices: unknown, auth?: unknown): Promise<Answer> =>
    askMatrix(gatehouse, 'POST v3/delete_devices', {
      token: mine.accessToken,
      json: { devices, ...(auth === undefined ? {} : { auth }) },
    });
  const fallback = (session: unknown, version = 'v3'): string =>
    `${gatehouse.url}_matrix/client/${version}/auth/m.login.sso/fallback/web?session=${String(session)}`;
  const isAlive = async (session: LegacySession): Promise<boolean> =>
    (await findSession(db.query, session.sessionId))?.ended_at === null;
  const challenge = {
    flows: [{ stages: ['m.login.sso'] }],
    params: {},
    session: expect.stringMatching(/^gui_/),
    completed: [],
  };
  const done = { status: 200, body: {} };
  /** What a person does on the fallback page. */
  async function prove(session: unknown, login = 'alice', browser = createBrowser()): Promise<Page> {
    await browser.open(fallback(session));
    await browser.submit({ button: 'Continue' });
    return browser.submit({ button: 'Sign in', fields: { login } });
  }

  it.each(['r0', 'v3'])('a device is deleted after its person has signed in again (%s)', async (version) => {
    const asked = await remove(undefined, { version });
    // Nothing in it may look like a failure: clients would show it as one.
    expect(asked).toMatchObject({ status: 401 });
    expect(asked.body).toEqual(challenge);
    const { session } = asked.body;
    expect(await isAlive(doomed)).toBe(true);

    const browser = createBrowser();
    const question = await browser.open(fallback(session, version));
    expect(question).toMatchObject({ status: 200, title: 'Confirm that it is you' });
    expect(question.url).toBe(`${gatehouse.url}user-interactive?session=${String(session)}`);
    expect(question.text).toContain('wants to sign out this device');
    expect(question.text).toContain(`Old phone ${NASTY} (${doomed.deviceId})`);
    expect(question.body).not.toContain('<svg');
    expect(question.text).toContain('@alice:example.org');
    expect(question.text).toContain(mine.deviceId);
    expect((await remove({ session })).body).toEqual({ ...challenge, session });

    const login = await browser.submit({ button: 'Continue' });
    expect(login.title).toContain('Sign in to the test IdP');
    const toIdp = new URL(login.visited.find((url) => url.startsWith(gatehouse.idp.issuer)) ?? '');
    expect(Object.fromEntries(toIdp.searchParams)).toMatchObject({ prompt: 'login', max_age: '0' });
    const end = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    expect(end).toMatchObject({ status: 200, title: 'Confirmed' });
    expect(new URL(end.url).pathname).toBe('/_matrix/client/v3/auth/m.login.sso/fallback/web');
    expect(end.body).toContain('window.onAuthDone');
    expect(end.body).toContain("window.opener.postMessage('authDone', '*')");
    expect(end.headers.get('content-security-policy')).toMatch(/script-src 'sha256-[^']+'/);
    expect(end.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(end.headers.get('cross-origin-opener-policy')).toBeNull();
    expect(await isAlive(doomed)).toBe(true);

    expect(await remove({ session }, { version })).toMatchObject(done);
    expect(await isAlive(doomed)).toBe(false);
    expect(await isAlive(mine)).toBe(true);
    expect((await findSession(db.query, doomed.sessionId))?.end_reason).toBe('ended_by_user');
    // The answer was lost: the same request is answered the same, and nothing more is done.
    const successor = await startLegacy(db, { clock, deviceId: doomed.deviceId });
    expect(await remove({ session })).toMatchObject(done);
    expect(await isAlive(successor)).toBe(true);
    // Whoever opens the page again is told that it is done.
    expect((await browser.open(fallback(session))).title).toBe('Confirmed');
  });

  it('several devices are deleted at once, the own one and an OAuth client’s included, the unknown ignored', async () => {
    const scope = 'urn:matrix:client:api:* urn:matrix:client:device:OAUTH/1';
    const oauth = await client.tokens({ parameters: { scope } });
    const theirs = await startLegacy(db, { clock, localpart: 'bob' });
    const devices = [doomed.deviceId, 'OAUTH/1', 'GONE', mine.deviceId, theirs.deviceId, doomed.deviceId];
    const asked = await removeMany(devices);
    expect(asked).toMatchObject({ status: 401, body: challenge });
    const browser = createBrowser();
    const question = await browser.open(fallback(asked.body['session']));
    expect(question.text).toContain('wants to sign out these devices');
    expect(question.text).toContain('Test client (OAUTH/1)');
    expect(question.text).not.toContain('GONE');
    expect(question.text).not.toContain(theirs.deviceId);
    await browser.submit({ button: 'Continue' });
    await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    expect(await removeMany(devices, { session: asked.body['session'] })).toMatchObject(done);
    expect(await isAlive(doomed)).toBe(false);
    expect(await isAlive(mine)).toBe(false);
    expect(await isAlive(theirs)).toBe(true);
    expect(await gatehouse.introspect(oauth.access_token)).toEqual({ active: false });
    expect(await removeMany(devices, { session: asked.body['session'] })).toMatchObject({
      status: 401,
      body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false },
    });
  });

  it('a device that is gone already is deleted all the same, after the same proof', async () => {
    const asked = await remove(undefined, { deviceId: 'NEVER' });
    expect(asked).toMatchObject({ status: 401, body: challenge });
    expect((await prove(asked.body['session'])).title).toBe('Confirmed');
    expect(await remove({ session: asked.body['session'] }, { deviceId: 'NEVER' })).toMatchObject(done);
  });

  it.each([undefined, null, {}])('`auth` of %j begins, without a failure', async (auth) => {
    expect((await remove(auth)).body).toEqual(challenge);
  });

  it('a session that is unknown, or too old, is a failed attempt with a new session', async () => {
    const asked = await remove();
    const failed = { errcode: 'M_UNKNOWN', error: expect.any(String) };
    for (const session of ['nonsense', '', issueSecret('userInteractive', systemRandom), mine.accessToken]) {
      const answer = await remove({ session });
      expect(answer).toMatchObject({ status: 401, body: { ...challenge, ...failed } });
      expect(answer.body['session']).not.toBe(session);
    }
    clock.jump(16 * MINUTE);
    const late = await remove({ session: asked.body['session'] });
    expect(late).toMatchObject({ status: 401, body: { ...challenge, ...failed } });
    expect(late.body['session']).not.toBe(asked.body['session']);
    expect(await createBrowser().open(fallback(asked.body['session']))).toMatchObject({ status: 404 });
    clock.jump(-16 * MINUTE);
    expect(await isAlive(doomed)).toBe(true);
  });

  it('a proof that comes too late counts for nothing', async () => {
    const { session } = (await remove()).body;
    const browser = createBrowser();
    await browser.open(fallback(session));
    await browser.submit({ button: 'Continue' });
    browser.stopAt(`${gatehouse.url}user-interactive/`);
    const last = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    browser.stopAt();
    clock.jump(16 * MINUTE);
    expect(await browser.open(last.url)).toMatchObject({ status: 404 });
    expect((await remove({ session })).body['session']).not.toBe(session);
    clock.jump(-16 * MINUTE);
    expect((await remove({ session })).body).toEqual({ ...challenge, session });
  });

  it('a proof that nobody used in time is worth nothing', async () => {
    const { session } = (await remove()).body;
    expect((await prove(session)).title).toBe('Confirmed');
    clock.jump(16 * MINUTE);
    expect(await remove({ session })).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN' } });
    clock.jump(-16 * MINUTE);
    expect(await isAlive(doomed)).toBe(true);
  });

  it.each(['m.login.password', 'm.login.dummy', 'm.oauth', 'nonsense'])(
    'the stage %s is not offered: a failed attempt',
    async (type) => {
      const failed = { errcode: 'M_UNRECOGNIZED', error: expect.any(String) };
      const { session } = (await remove()).body;
      expect((await remove({ type, session, password: 'x' })).body).toEqual({
        ...challenge,
        session,
        ...failed,
      });
      expect((await remove({ type, password: 'x' })).body).toEqual({ ...challenge, ...failed });
      expect((await remove({ type: 'm.login.sso', session })).body).toEqual({ ...challenge, session });
      expect(await isAlive(doomed)).toBe(true);
    },
  );

  it.each([[{ session: 1 }], [{ type: [] }], ['text'], [[]], [7]])(
    '`auth` of %j is 400 M_BAD_JSON',
    async (auth) => {
      expect(await remove(auth)).toMatchObject({
        status: 400,
        body: { errcode: 'M_BAD_JSON', error: expect.any(String) },
      });
      expect(await removeMany(['x'], auth)).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    },
  );

  it.each([[undefined], ['x'], [[1]], [{}], [null]])('`devices` of %j is 400 M_BAD_JSON', async (devices) => {
    expect(await removeMany(devices)).toMatchObject({
      status: 400,
      body: { errcode: 'M_BAD_JSON', error: expect.any(String) },
    });
  });

  it('a proof counts for its own request alone: another device, route, body or session is 403', async () => {
    const other = await startLegacy(db, { clock });
    const { session } = (await remove()).body;
    expect((await prove(session)).title).toBe('Confirmed');
    const changed = { status: 403, body: { errcode: 'M_FORBIDDEN', error: expect.any(String) } };
    expect(await remove({ session }, { deviceId: other.deviceId })).toMatchObject(changed);
    expect(await removeMany([doomed.deviceId], { session })).toMatchObject(changed);
    expect(await remove({ session }, { token: other.accessToken })).toMatchObject(changed);
    const more = await askMatrix(gatehouse, `DELETE v3/devices/${doomed.deviceId}`, {
      token: mine.accessToken,
      json: { auth: { session }, more: 1 },
    });
    expect(more).toMatchObject(changed);
    const stranger = await startLegacy(db, { clock, localpart: 'bob' });
    expect(await remove({ session }, { token: stranger.accessToken })).toMatchObject(changed);
    expect(await isAlive(doomed)).toBe(true);
    expect(await isAlive(other)).toBe(true);
    // The other version of the path is the same request.
    expect(await remove({ session }, { version: 'r0' })).toMatchObject(done);
  });

  it('members of the body may come in another order', async () => {
    const post = (body: string): Promise<Answer> =>
      askMatrix(gatehouse, 'POST v3/delete_devices', { token: mine.accessToken, body });
    const { session } = (await post(`{"devices":["${doomed.deviceId}"],"x":{"a":1,"b":2}}`)).body;
    await prove(session);
    const again = `{"x":{"b":2,"a":1},"auth":{"session":"${String(session)}"},"devices":["${doomed.deviceId}"]}`;
    expect(await post(again)).toMatchObject(done);
    expect(await isAlive(doomed)).toBe(false);
  });

  it('somebody else who signs in proves nothing, and can use the right account', async () => {
    const { session } = (await remove()).body;
    const browser = createBrowser();
    await browser.open(fallback(session));
    await browser.submit({ button: 'Continue' });
    const refused = await browser.submit({ button: 'Sign in', fields: { login: 'bob' } });
    expect(refused).toMatchObject({ status: 403, title: 'This is another account' });
    expect(refused.text).toContain('@alice:example.org');
    expect(refused.text).not.toContain('@bob');
    expect(await remove({ session })).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN', error: 'Somebody else than the user of this session signed in' },
    });
    expect((await remove()).status).toBe(401);
    await browser.follow('Use another account');
    const end = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    expect(end.title).toBe('Confirmed');
    expect(await remove({ session })).toMatchObject(done);
  });

  it('an IdP that lets the person in by an earlier sign-in is not believed', async () => {
    const browser = createBrowser();
    browser.stopAt(client.redirectUri);
    await browser.open(client.authorizeUrl());
    await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    clock.jump(MINUTE);
    const { session } = (await remove()).body;
    await browser.open(fallback(session));
    gatehouse.idp.faults.authorization = (query) => {
      query.delete('prompt');
      query.delete('max_age');
    };
    const page = await browser.submit({ button: 'Continue' });
    gatehouse.idp.faults.authorization = undefined;
    clock.jump(-MINUTE);
    expect(page).toMatchObject({ status: 403, title: 'You are not signed in' });
    expect((await remove({ session })).body).toEqual({ ...challenge, session });
  });

  it('GET proves nothing: the form does, with its token, from its own page, in the browser that it was shown to', async () => {
    const { session } = (await remove()).body;
    const browser = createBrowser();
    const page = await browser.open(fallback(session));
    const csrf = new Map(page.forms[0]?.fields).get('csrf') ?? '';
    const cookie = Object.entries(browser.cookies(gatehouse.url))
      .map(([name, value]) => `${name}=${value}`)
      .join('; ');
    const post = (
      form: Record<string, string>,
      headers: Record<string, string> = { cookie },
    ): Promise<Answer> =>
      ask(`${gatehouse.url}user-interactive`, { method: 'POST', body: new URLSearchParams(form), headers });
    const whole = { session: String(session), csrf };
    expect((await post({ session: String(session) })).status).toBe(403);
    expect((await post({ ...whole, csrf: 'x' })).status).toBe(403);
    expect((await post(whole, {})).status).toBe(403);
    expect((await post(whole, { cookie, origin: 'https://evil.example' })).status).toBe(403);
    expect((await post(whole, { cookie, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    const other = (await remove()).body['session'];
    expect((await post({ session: String(other), csrf })).status).toBe(403);
    expect((await post(whole)).status).toBe(303);
  });

  it('the last step works once, in the browser that began', async () => {
    const { session } = (await remove()).body;
    const browser = createBrowser();
    await browser.open(fallback(session));
    await browser.submit({ button: 'Continue' });
    // The IdP sends it back here; another browser has nothing of it.
    const end = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    const step = end.visited.find((url) => /\/user-interactive\/[0-9a-z]{26}\/done$/.test(url)) ?? '';
    expect(step).not.toBe('');
    expect((await createBrowser().open(step)).status).toBe(403);
    expect((await browser.open(step)).status).toBeGreaterThanOrEqual(400);
    expect((await browser.open(step.replace(/[0-9a-z]{26}/, '0'.repeat(26)))).status).toBe(404);
  });

  it('two requests with one proof at the same moment do it once', async () => {
    const { session } = (await remove()).body;
    await prove(session);
    const both = await Promise.all([remove({ session }), remove({ session })]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(await isAlive(doomed)).toBe(false);
  });

  it('a session that has ended asks for nothing any more', async () => {
    const { session } = (await remove()).body;
    await prove(session);
    await askMatrix(gatehouse, 'POST v3/logout', { token: mine.accessToken });
    expect(await remove({ session })).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
    expect(await isAlive(doomed)).toBe(true);
  });

  it('one client cannot fill the table: the oldest questions give way, and clean-up takes the rest', async () => {
    const first = (await remove()).body['session'];
    const rest = [];
    for (let index = 0; index < 10; index++) {
      clock.advance(1);
      rest.push((await remove()).body['session']);
    }
    expect((await remove({ session: first })).body).toMatchObject({ errcode: 'M_UNKNOWN' });
    expect((await remove({ session: rest.at(-1) })).body).toEqual({ ...challenge, session: rest.at(-1) });
    const count = async (): Promise<number> => {
      const of = db.query.selectFrom('ui_auth_sessions').where('session_id', '=', mine.sessionId);
      return (await of.select('hash').execute()).length;
    };
    expect(await count()).toBe(10);
    await cleanUp({ database: db, now: clock.now() + 2 * 60 * MINUTE });
    expect(await count()).toBe(0);
  });

  describe('the fallback page', () => {
    const at = (path: string, accept = '*/*'): Promise<Answer> =>
      ask(`${gatehouse.url}_matrix/client/${path}`, { headers: { accept } });

    it('knows one stage, and needs the session', async () => {
      for (const stage of ['m.login.password', 'm.login.terms', 'nonsense', 'm.login.sso%2F']) {
        expect(await at(`v3/auth/${stage}/fallback/web?session=x`)).toMatchObject({
          status: 404,
          body: { errcode: 'M_UNRECOGNIZED', error: expect.any(String) },
        });
      }
      for (const query of ['', '?', '?session=', '?other=1']) {
        expect(await at(`r0/auth/m.login.sso/fallback/web${query}`)).toMatchObject({
          status: 400,
          body: { errcode: 'M_MISSING_PARAM', error: expect.any(String) },
        });
      }
      const unknown = { status: 404, body: { errcode: 'M_NOT_FOUND', error: expect.any(String) } };
      expect(await at('v3/auth/m.login.sso/fallback/web?session=x')).toMatchObject(unknown);
      expect(await at('v3/auth/m.login.sso/fallback/web?done=x')).toMatchObject(unknown);
      expect(await at(`v3/auth/m.login.sso/fallback/web?done=${'0'.repeat(26)}`)).toMatchObject(unknown);
      const page = await at('v3/auth/m.login.sso/fallback/web?session=x', 'text/html');
      expect(page.status).toBe(404);
      expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    });

    it('does not say done before it is', async () => {
      const { session } = (await remove()).body;
      const browser = createBrowser();
      browser.stopAt(gatehouse.idp.issuer);
      await browser.open(fallback(session));
      await browser.submit({ button: 'Continue' });
      const [signIn] = Object.keys(browser.cookies(gatehouse.url)).flatMap((name) =>
        name.split('tx_').slice(1),
      );
      expect(signIn).toMatch(/^[0-9a-z]{26}$/);
      expect((await at(`v3/auth/m.login.sso/fallback/web?done=${signIn ?? ''}`)).status).toBe(404);
    });

    it.each(['m.oauth', 'org.matrix.cross_signing_reset'])('of %s is the account page', async (stage) => {
      for (const version of ['r0', 'v3']) {
        const answer = await at(`${version}/auth/${stage}/fallback/web?session=of-the-homeserver`);
        expect(answer.status).toBe(302);
        expect(answer.headers.get('location')).toBe(
          `${gatehouse.url}account?action=org.matrix.cross_signing_reset`,
        );
        expect((await at(`${version}/auth/${stage}/fallback/web`)).status).toBe(400);
      }
    });
  });
});

it('the way ends on the homeserver’s origin, where apps expect it, or on our own if it is not known', async () => {
  for (const homeserver of ['https://matrix.example.org/', 'https://matrix.example.org/base', undefined]) {
    await using gatehouse = await startGatehouse({
      path: '/auth/',
      ...(homeserver === undefined ? {} : { env: { GATEHOUSE__HOMESERVER__PUBLIC_URL: homeserver } }),
    });
    const client = await registerTestClient(gatehouse);
    await client.tokens();
    const db: Database = await openDatabase({
      url: `sqlite:${gatehouse.folder}/gatehouse.db`,
      clock: systemClock,
      random: systemRandom,
    });
    const { accessToken: token } = await startLegacy(db);
    await db.close();
    const asked = await askMatrix(gatehouse, 'DELETE v3/devices/X', { token });
    const browser: Browser = createBrowser();
    if (homeserver !== undefined) browser.stopAt(homeserver);
    // At the root too, because clients know no path of ours.
    const path = `/_matrix/client/v3/auth/m.login.sso/fallback/web?session=${String(asked.body['session'])}`;
    const page = await browser.open(new URL(path, gatehouse.url).href);
    expect(page.url.startsWith(`${gatehouse.url}user-interactive?`)).toBe(true);
    await browser.submit({ button: 'Continue' });
    const end = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    const base = homeserver ?? gatehouse.url;
    const expected = `${base.endsWith('/') ? base : `${base}/`}_matrix/client/v3/auth/m.login.sso/fallback/web?done=`;
    expect(end.url.startsWith(expected)).toBe(true);
    if (homeserver === undefined) expect(end.title).toBe('Confirmed');
  }
});

it('works where the OAuth API is switched off', async () => {
  await using gatehouse = await startGatehouse({ env: { GATEHOUSE__OAUTH_API: 'false' } });
  const first = createBrowser();
  await first.open(`${gatehouse.url}account`);
  expect((await first.submit({ button: 'Sign in', fields: { login: 'alice' } })).title).toBe('Your account');
  const url = `sqlite:${gatehouse.folder}/gatehouse.db`;
  const db = await openDatabase({ url, clock: systemClock, random: systemRandom });
  const { accessToken: token, deviceId } = await startLegacy(db);
  await db.close();
  const request = `DELETE v3/devices/${deviceId}`;
  const { session } = (await askMatrix(gatehouse, request, { token })).body;
  const browser = createBrowser();
  await browser.open(
    `${gatehouse.url}_matrix/client/v3/auth/m.login.sso/fallback/web?session=${String(session)}`,
  );
  await browser.submit({ button: 'Continue' });
  const end = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
  expect(end.title).toBe('Confirmed');
  // Its own device: the session is over with it.
  expect(await askMatrix(gatehouse, request, { token, json: { auth: { session } } })).toMatchObject({
    status: 200,
  });
  expect(await askMatrix(gatehouse, 'GET v3/devices', { token })).toMatchObject({ status: 401 });
});
