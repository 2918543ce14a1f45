/** `POST /login` of a client without OAuth, over a socket, on both engines: by password, by login token, and every way to get it wrong. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { noHomeserver } from '../../src/homeserver/none.ts';
import { systemRandom } from '../../src/protocol/clock.ts';
import type { SessionEndingDeps } from '../../src/sessions/end.ts';
import { issueLoginToken } from '../../src/sessions/login-tokens.ts';
import { deactivatePerson, lockPerson, unlockPerson } from '../../src/people/people.ts';
import { openDatabase } from '../../src/storage/engine/open-database.ts';
import { findUserByLocalpart } from '../../src/storage/records/users.ts';
import { type Gatehouse, type GatehouseOptions, startGatehouse } from '../peers/gatehouse.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { databaseOf, forEachEngine, type TestEngine } from '../support/database.ts';
import { type Answer, ask, postForm, registerTestClient } from '../support/oauth-client.ts';

type Json = Record<string, unknown>;

const MINUTE = 60_000;
const refused = {
  status: 403,
  body: { errcode: 'M_FORBIDDEN', error: 'Invalid username or password' },
};

interface Stage extends AsyncDisposable {
  readonly gatehouse: Gatehouse;
  readonly clock: TestClock;
  readonly operator: SessionEndingDeps;
  logIn(body: unknown, more?: { version?: string; headers?: Record<string, string> }): Promise<Answer>;
  byPassword(user: string, more?: Json): Promise<Answer>;
  loginToken(localpart: string): Promise<string>;
  idOf(localpart: string): Promise<string>;
  whoami(token: unknown): Promise<Answer>;
}

async function startStage(engine: TestEngine, options: GatehouseOptions = {}): Promise<Stage> {
  const database = await databaseOf(engine);
  const clock = testClock(Date.now());
  const gatehouse = await startGatehouse({
    clock,
    validateResponses: true,
    ...options,
    idp: { passwordGrant: true, ...options.idp },
    env: { ...database, GATEHOUSE__LEGACY_LOGIN__PASSWORD: 'true', ...options.env },
  });
  const shared = { clock, random: systemRandom };
  const db = await openDatabase({ url: database['GATEHOUSE__DATABASE__URL'] ?? '', ...shared });
  const stage: Stage = {
    gatehouse,
    clock,
    operator: {
      ...shared,
      db,
      homeserver: noHomeserver,
      log: { warn: () => undefined },
      emit: () => undefined,
    },
    logIn: (body, { version = 'v3', headers = {} } = {}) =>
      ask(`${gatehouse.url}_matrix/client/${version}/login`, {
        method: 'POST',
        headers,
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      }),
    byPassword: (user, more = {}) =>
      stage.logIn({
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user },
        password: `password of ${user}`,
        ...more,
      }),
    loginToken: async (localpart) => {
      const owner = { userId: await stage.idOf(localpart), authenticatedAt: null, upstreamSid: null };
      return db.write((tx) => issueLoginToken(tx, { ...shared, loginTokenTtl: 10_000 }, owner));
    },
    idOf: async (localpart) => (await findUserByLocalpart(db.query, localpart))?.id ?? '',
    whoami: (token) =>
      ask(`${gatehouse.url}_matrix/client/v3/account/whoami`, {
        headers: { authorization: `Bearer ${String(token)}` },
      }),
    async [Symbol.asyncDispose]() {
      await db.close();
      await gatehouse[Symbol.asyncDispose]();
    },
  };
  return stage;
}

forEachEngine((engine) => {
  describe('with everything on', () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await startStage(engine);
      for (const login of ['dora', 'erin', 'frank']) {
        stage.gatehouse.idp.accounts.set(login, { sub: `sub-${login}`, preferred_username: login });
        stage.gatehouse.idp.passwords.set(login, `password of ${login}`);
      }
    });
    afterAll(() => stage[Symbol.asyncDispose]());
    beforeEach(() => {
      stage.clock.advance(16 * MINUTE);
    });

    describe('by password', () => {
      it('a person is signed in, on a device of ours, with a token that does not expire', async () => {
        const answer = await stage.byPassword('alice');
        expect(answer).toMatchObject({
          status: 200,
          body: {
            user_id: '@alice:example.org',
            access_token: expect.stringMatching(/^gat_/),
            device_id: expect.stringMatching(/^[A-Z]{10}$/),
            home_server: 'example.org',
            well_known: { 'm.homeserver': { base_url: stage.gatehouse.url } },
          },
        });
        expect(answer.headers.get('cache-control')).toBe('no-store');
        expect(answer.headers.get('access-control-allow-origin')).toBe('*');
        expect(answer.body).not.toHaveProperty('refresh_token');
        expect(answer.body).not.toHaveProperty('expires_in_ms');
        stage.clock.advance(365 * 24 * 60 * MINUTE);
        expect(await stage.whoami(answer.body['access_token'])).toMatchObject({
          status: 200,
          body: { user_id: '@alice:example.org', device_id: answer.body['device_id'], is_guest: false },
        });
      });

      it('a client that can refresh gets a refresh token, and an access token that expires', async () => {
        const { status, body } = await stage.byPassword('alice', { refresh_token: true });
        expect(status).toBe(200);
        expect(body['refresh_token']).toMatch(/^grt_/);
        expect(body['expires_in_ms']).toBe(600_000);
        expect(await stage.gatehouse.introspect(String(body['access_token']))).toMatchObject({
          active: true,
          expires_in: 600,
          device_id: body['device_id'],
          scope: expect.stringContaining(`urn:matrix:client:device:${String(body['device_id'])}`) as unknown,
        });
        stage.clock.advance(10 * MINUTE);
        expect(await stage.whoami(body['access_token'])).toMatchObject({
          status: 401,
          body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true },
        });
        const refreshed = await ask(`${stage.gatehouse.url}_matrix/client/v3/refresh`, {
          method: 'POST',
          body: JSON.stringify({ refresh_token: body['refresh_token'] }),
        });
        expect(refreshed.status).toBe(200);
        expect((await stage.whoami(refreshed.body['access_token'])).status).toBe(200);
      });

      it.each(['v3', 'r0'])('under %s', async (version) => {
        const answer = await stage.logIn(
          {
            type: 'm.login.password',
            identifier: { type: 'm.id.user', user: 'alice' },
            password: 'password of alice',
          },
          { version },
        );
        expect(answer.status).toBe(200);
      });

      it.each([
        ['a user ID', { identifier: { type: 'm.id.user', user: '@bob:example.org' } }],
        ['capitals', { identifier: { type: 'm.id.user', user: '@BoB:Example.ORG' } }],
        ['a localpart in capitals', { identifier: { type: 'm.id.user', user: 'BOB' } }],
        ['the deprecated member', { identifier: undefined, user: 'bob' }],
        ['the deprecated member with a user ID', { identifier: undefined, user: '@bob:example.org' }],
        [
          'both, of which the deprecated one wins',
          { identifier: { type: 'm.id.user', user: 'alice' }, user: 'bob' },
        ],
        [
          'null for what is left out',
          { user: null, medium: null, token: null, device_id: null, refresh_token: null },
        ],
        ['what nobody knows', { foo: ['bar'], 'org.example.extra': 1 }],
      ])('the user is understood by %s', async (_name, more) => {
        const { status, body } = await stage.byPassword('bob', more);
        expect([status, body['user_id']]).toEqual([200, '@bob:example.org']);
      });

      it.each([
        ['a wrong password', 'alice', { password: 'wrong' }],
        ['an empty password', 'alice', { password: '' }],
        ['a password in other case', 'alice', { password: 'PASSWORD OF ALICE' }],
        ['a user that is unknown', 'nobody', {}],
        ['a user of another server', '@alice:example.com', { password: 'password of alice' }],
        ['a user ID without a server', '@alice', { password: 'password of alice' }],
        ['no name at all', '', {}],
        ['a name that cannot be one', 'al ice', {}],
        ['a letter that only looks like one', 'fran\u212a', { password: 'password of frank' }],
        [
          'a third-party identifier',
          '',
          { identifier: { type: 'm.id.thirdparty', medium: 'email', address: 'alice@example.org' } },
        ],
        ['a phone number', '', { identifier: { type: 'm.id.phone', country: 'GB', phone: '0123' } }],
        [
          'the deprecated third-party identifier',
          '',
          { identifier: undefined, medium: 'email', address: 'a@example.org' },
        ],
      ])('%s has the one answer', async (_name, user, more) => {
        const answer = await stage.byPassword(user, more);
        expect(answer).toMatchObject(refused);
        expect(Object.keys(answer.body).sort()).toEqual(['errcode', 'error']);
        expect(answer.headers.get('cache-control')).toBe('no-store');
      });

      it('the answers to an unknown user and to a wrong password have the same headers too', async () => {
        const headersOf = async (answer: Promise<Answer>): Promise<string[][]> =>
          [...(await answer).headers].filter(([name]) => name !== 'date').sort();
        expect(await headersOf(stage.byPassword('nobody'))).toEqual(
          await headersOf(stage.byPassword('alice', { password: 'wrong' })),
        );
      });

      it('nobody is signed in as one by the name of another', async () => {
        // At the IdP the name leads to somebody else: an e-mail address, an alias, a name that was given away.
        stage.gatehouse.idp.accounts.set('alias', { sub: 'sub-of-bob', preferred_username: 'bob' });
        stage.gatehouse.idp.passwords.set('alias', 'password of alias');
        expect(await stage.byPassword('alias')).toMatchObject(refused);
        stage.gatehouse.idp.accounts.set('new-alias', { sub: 'sub-new', preferred_username: 'somebody-new' });
        stage.gatehouse.idp.passwords.set('new-alias', 'password of new-alias');
        expect(await stage.byPassword('new-alias')).toMatchObject(refused);
        expect(await stage.idOf('somebody-new')).toBe('');
        expect(await stage.idOf('new-alias')).toBe('');
      });

      it('the password is the one that was typed', async () => {
        const password = ' Zoë \u{1f511}+%20&= ';
        stage.gatehouse.idp.passwords.set('dora', password);
        expect((await stage.byPassword('dora', { password })).status).toBe(200);
        expect((await stage.byPassword('dora', { password: password.trim() })).status).toBe(403);
        stage.gatehouse.idp.passwords.set('dora', 'password of dora');
      });

      it('locked and deactivated are told to who has the password, and to nobody else', async () => {
        expect((await stage.byPassword('erin')).status).toBe(200);
        await lockPerson(stage.operator, await stage.idOf('erin'));
        expect(await stage.byPassword('erin')).toMatchObject({
          status: 401,
          body: { errcode: 'M_USER_LOCKED', soft_logout: true },
        });
        expect(await stage.byPassword('erin', { password: 'wrong' })).toMatchObject(refused);
        await unlockPerson(stage.operator, await stage.idOf('erin'));
        await deactivatePerson(stage.operator, await stage.idOf('erin'));
        expect(await stage.byPassword('erin')).toMatchObject({
          status: 403,
          body: { errcode: 'M_USER_DEACTIVATED' },
        });
        expect(await stage.byPassword('erin', { password: 'wrong' })).toMatchObject(refused);
      });

      it('an identity provider that is not working is 503, and no failure of the person', async () => {
        const { faults } = stage.gatehouse.idp;
        for (let attempt = 0; attempt < 12; attempt++) {
          faults.tokenStatus = 500;
          const answer = await stage.byPassword('frank');
          expect(answer).toMatchObject({ status: 503, body: { errcode: 'M_UNKNOWN' } });
          expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        }
        faults.tokenStatus = undefined;
        expect((await stage.byPassword('frank')).status).toBe(200);
      });
    });

    describe('the device', () => {
      it.each([
        ['Latin and more', 'My Phone / 1 "quoted" \\ ü'],
        ['one character', 'x'],
        ['255 characters', '\u{1f4f1}'.repeat(255)],
      ])('may be called anything: %s', async (_name, device) => {
        const { status, body } = await stage.byPassword('alice', { device_id: device });
        expect([status, body['device_id']]).toEqual([200, device]);
        expect((await stage.whoami(body['access_token'])).body['device_id']).toBe(device);
        const introspected = await stage.gatehouse.introspect(String(body['access_token']));
        expect(introspected).toMatchObject({ active: true, username: 'alice', device_id: device });
        expect(introspected).not.toHaveProperty('exp');
        expect(introspected).not.toHaveProperty('expires_in');
        expect(introspected).not.toHaveProperty('client_id');
        const scope = String(introspected['scope']).split(' ');
        expect(scope).toContain('urn:matrix:org.matrix.msc2967.client:api:*');
        const named = scope.filter((token) => token.includes(':device:'));
        expect(named).toHaveLength(device === 'x' ? 2 : 0);
      });

      it('of 256 characters is refused, before the identity provider is asked', async () => {
        stage.gatehouse.idp.requests.clear();
        expect(await stage.byPassword('alice', { device_id: 'x'.repeat(256) })).toMatchObject({
          status: 400,
          body: { errcode: 'M_INVALID_PARAM' },
        });
        expect(stage.gatehouse.idp.requests.get('/token')).toBeUndefined();
      });

      it('gets an id of ours where the client gives an empty one', async () => {
        const { body } = await stage.byPassword('alice', { device_id: '' });
        expect(body['device_id']).toMatch(/^[A-Z]{10}$/);
      });

      it('is replaced by a login on the same one, and its name stays', async () => {
        const device = { device_id: 'SAME', initial_device_display_name: 'First name' };
        const first = await stage.byPassword('alice', device);
        const second = await stage.byPassword('alice', {
          ...device,
          initial_device_display_name: 'Second name',
        });
        expect((await stage.whoami(first.body['access_token'])).status).toBe(401);
        expect((await stage.whoami(second.body['access_token'])).status).toBe(200);
        const shown = await ask(`${stage.gatehouse.url}_matrix/client/v3/devices/SAME`, {
          headers: { authorization: `Bearer ${String(second.body['access_token'])}` },
        });
        expect(shown.body).toMatchObject({ device_id: 'SAME', display_name: 'First name' });
      });

      it('of somebody else is not touched', async () => {
        const alices = await stage.byPassword('alice', { device_id: 'SHARED' });
        const bobs = await stage.byPassword('bob', { device_id: 'SHARED' });
        expect((await stage.whoami(alices.body['access_token'])).status).toBe(200);
        expect((await stage.whoami(bobs.body['access_token'])).status).toBe(200);
      });

      it('has a name of at most 100 characters', async () => {
        const name = '\u{1f4f1}'.repeat(150);
        const { body } = await stage.byPassword('alice', {
          device_id: 'LONG',
          initial_device_display_name: name,
        });
        const shown = await ask(`${stage.gatehouse.url}_matrix/client/v3/devices/LONG`, {
          headers: { authorization: `Bearer ${String(body['access_token'])}` },
        });
        expect(shown.body['display_name']).toBe('\u{1f4f1}'.repeat(100));
      });
    });

    describe('by login token', () => {
      it('works once, for its own person', async () => {
        await stage.byPassword('bob');
        const token = await stage.loginToken('bob');
        const answer = await stage.logIn({ type: 'm.login.token', token, device_id: 'SSO' });
        expect(answer).toMatchObject({
          status: 200,
          body: { user_id: '@bob:example.org', device_id: 'SSO' },
        });
        expect(await stage.logIn({ type: 'm.login.token', token })).toMatchObject({
          status: 403,
          body: { errcode: 'M_FORBIDDEN', error: 'Invalid login token' },
        });
        expect((await stage.whoami(answer.body['access_token'])).status).toBe(200);
      });

      it('of ten at once one is signed in', async () => {
        await stage.byPassword('bob');
        const token = await stage.loginToken('bob');
        const answers = await Promise.all(
          Array.from({ length: 10 }, () => stage.logIn({ type: 'm.login.token', token })),
        );
        expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(403)]);
      });

      it('too old, malformed, unknown or of another kind: 403', async () => {
        await stage.byPassword('bob');
        const old = await stage.loginToken('bob');
        stage.clock.advance(10_000);
        const access = await stage.byPassword('bob');
        const good = await stage.loginToken('bob');
        const twisted = `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`;
        for (const token of [old, '', 'x', twisted, access.body['access_token']]) {
          expect(await stage.logIn({ type: 'm.login.token', token })).toMatchObject({
            status: 403,
            body: { errcode: 'M_FORBIDDEN' },
          });
        }
      });

      it('of somebody who is locked: 401, and good again when unlocked; one from before the lock is void', async () => {
        await stage.byPassword('dora');
        const before = await stage.loginToken('dora');
        await lockPerson(stage.operator, await stage.idOf('dora'));
        const token = await stage.loginToken('dora');
        expect(await stage.logIn({ type: 'm.login.token', token })).toMatchObject({
          status: 401,
          body: { errcode: 'M_USER_LOCKED', soft_logout: true },
        });
        await unlockPerson(stage.operator, await stage.idOf('dora'));
        expect((await stage.logIn({ type: 'm.login.token', token })).status).toBe(200);
        expect(await stage.logIn({ type: 'm.login.token', token: before })).toMatchObject({
          status: 403,
          body: { errcode: 'M_FORBIDDEN' },
        });
      });

      it('gives a session that can refresh, if the client can', async () => {
        await stage.byPassword('bob');
        const token = await stage.loginToken('bob');
        const { body } = await stage.logIn({ type: 'm.login.token', token, refresh_token: true });
        expect(body['refresh_token']).toMatch(/^grt_/);
      });
    });

    describe('a request that is wrong', () => {
      it.each([
        ['no body', '', 'M_NOT_JSON'],
        ['no JSON', '{"type":', 'M_NOT_JSON'],
        ['a word', 'password', 'M_NOT_JSON'],
        ['invalid UTF-8', Buffer.from('7b2274797065223a22ff227d', 'hex'), 'M_NOT_JSON'],
        ['an array', '[]', 'M_BAD_JSON'],
        ['a scalar', '1', 'M_BAD_JSON'],
        ['null', 'null', 'M_BAD_JSON'],
        ['nothing in it', '{}', 'M_BAD_JSON'],
        ['a type that is a number', '{"type":1}', 'M_BAD_JSON'],
        ['a type that is null', '{"type":null}', 'M_BAD_JSON'],
        ['a member twice', '{"type":"m.login.password","type":"m.login.token"}', 'M_BAD_JSON'],
        ['no identifier', '{"type":"m.login.password","password":"x"}', 'M_BAD_JSON'],
        ['no password', '{"type":"m.login.password","user":"alice"}', 'M_BAD_JSON'],
        [
          'a password that is a number',
          '{"type":"m.login.password","user":"alice","password":1}',
          'M_BAD_JSON',
        ],
        [
          'a password with NUL',
          '{"type":"m.login.password","user":"alice","password":"a\\u0000b"}',
          'M_BAD_JSON',
        ],
        [
          'half a surrogate pair',
          '{"type":"m.login.password","user":"alice","password":"\\ud800"}',
          'M_BAD_JSON',
        ],
        [
          'an identifier that is a text',
          '{"type":"m.login.password","identifier":"alice","password":"x"}',
          'M_BAD_JSON',
        ],
        [
          'an identifier without a type',
          '{"type":"m.login.password","identifier":{"user":"alice"},"password":"x"}',
          'M_BAD_JSON',
        ],
        [
          'an identifier without a user',
          '{"type":"m.login.password","identifier":{"type":"m.id.user"},"password":"x"}',
          'M_BAD_JSON',
        ],
        [
          'an address without its kind',
          '{"type":"m.login.password","identifier":{"type":"m.id.thirdparty","address":"a@b"},"password":"x"}',
          'M_BAD_JSON',
        ],
        [
          'an unknown identifier',
          '{"type":"m.login.password","identifier":{"type":"m.id.iris"},"password":"x"}',
          'M_UNKNOWN',
        ],
        ['no token', '{"type":"m.login.token"}', 'M_BAD_JSON'],
        ['a device that is a number', '{"type":"m.login.token","token":"x","device_id":1}', 'M_BAD_JSON'],
        ['an unknown type', '{"type":"m.login.iris"}', 'M_UNKNOWN'],
        ['the dummy type', '{"type":"m.login.dummy"}', 'M_UNKNOWN'],
        ['single sign-on, which is no login', '{"type":"m.login.sso"}', 'M_UNKNOWN'],
        ['a type in capitals', '{"type":"M.LOGIN.PASSWORD"}', 'M_UNKNOWN'],
        [
          'an application service',
          '{"type":"m.login.application_service"}',
          'M_APPSERVICE_LOGIN_UNSUPPORTED',
        ],
      ])('%s', async (_name, body, errcode) => {
        const answer = await stage.logIn(body);
        expect(answer).toMatchObject({ status: 400, body: { errcode, error: expect.any(String) } });
      });

      it('a password of a megabyte: 413, and fast', async () => {
        const began = performance.now();
        const answer = await stage.byPassword('alice', { password: 'x'.repeat(1_000_000) });
        expect(answer).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
        expect(performance.now() - began).toBeLessThan(2000);
      });

      it('another method or path', async () => {
        const put = await ask(`${stage.gatehouse.url}_matrix/client/v3/login`, { method: 'PUT', body: '{}' });
        expect(put).toMatchObject({ status: 405, body: { errcode: 'M_UNRECOGNIZED' } });
        const path = await ask(`${stage.gatehouse.url}_matrix/client/v9/login`, {
          method: 'POST',
          body: '{}',
        });
        expect(path).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
      });

      it('an access token that is sent along does not matter', async () => {
        const answer = await stage.logIn(
          { type: 'm.login.password', user: 'alice', password: 'password of alice' },
          { headers: { authorization: 'Bearer stale', 'content-type': 'text/plain' } },
        );
        expect(answer.status).toBe(200);
      });
    });

    it('either token can be revoked, with nothing but itself', async () => {
      const { body } = await stage.byPassword('alice', { refresh_token: true });
      const other = await stage.byPassword('alice');
      for (const token of [body['refresh_token'], other.body['access_token']]) {
        const revoked = await postForm(`${stage.gatehouse.url}oauth2/revoke`, { token: String(token) });
        expect(revoked).toMatchObject({ status: 200, body: {} });
      }
      for (const token of [body['access_token'], other.body['access_token']]) {
        expect(await stage.whoami(token)).toMatchObject({
          status: 401,
          body: { errcode: 'M_UNKNOWN_TOKEN' },
        });
      }
    });

    it('a refresh token of legacy login is none of the OAuth clients’, and the other way round', async () => {
      const { body } = await stage.byPassword('alice', { refresh_token: true });
      const client = await registerTestClient(stage.gatehouse);
      expect(await client.refresh(String(body['refresh_token']))).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
      expect((await stage.whoami(body['access_token'])).status).toBe(200);
    });
  });

  it('the device of an OAuth session is taken over', async () => {
    await using stage = await startStage(engine);
    const client = await registerTestClient(stage.gatehouse);
    const scope = 'urn:matrix:client:api:* urn:matrix:client:device:TAKEN';
    const tokens = await client.tokens({ login: 'bob', parameters: { scope } });
    const taken = await stage.byPassword('bob', { device_id: 'TAKEN' });
    expect(taken.status).toBe(200);
    expect((await stage.whoami(tokens.access_token)).status).toBe(401);
    expect((await client.refresh(tokens.refresh_token)).status).toBe(400);
  });

  describe('limits on wrong passwords', () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await startStage(engine, {
        env: { GATEHOUSE__LIMITS__PASSWORD_FAILURES_PER_ADDRESS: '30' },
        yaml: '',
      });
    });
    afterAll(() => stage[Symbol.asyncDispose]());
    beforeEach(() => {
      stage.clock.advance(16 * MINUTE);
    });
    const wrong = (user = 'alice'): Promise<Answer> => stage.byPassword(user, { password: 'wrong' });

    it('ten an account in 15 minutes, then 429 even for the right one, and nobody is signed out', async () => {
      const { body } = await stage.byPassword('alice');
      for (let attempt = 0; attempt < 10; attempt++) expect((await wrong()).status).toBe(403);
      for (const answer of [await wrong(), await stage.byPassword('alice'), await wrong('ALICE')]) {
        expect(answer).toMatchObject({
          status: 429,
          body: { errcode: 'M_LIMIT_EXCEEDED', error: expect.any(String), retry_after_ms: 900_000 },
        });
        expect(answer.headers.get('retry-after')).toBe('900');
      }
      expect((await stage.byPassword('bob')).status).toBe(200);
      expect((await stage.whoami(body['access_token'])).status).toBe(200);
      stage.clock.advance(15 * MINUTE);
      expect((await stage.byPassword('alice')).status).toBe(200);
    });

    it('an unknown user is counted the same', async () => {
      for (let attempt = 0; attempt < 10; attempt++) expect((await wrong('nobody')).status).toBe(403);
      expect((await wrong('nobody')).status).toBe(429);
    });

    it('right passwords are free', async () => {
      for (let attempt = 0; attempt < 9; attempt++) await wrong();
      for (let attempt = 0; attempt < 12; attempt++)
        expect((await stage.byPassword('alice')).status).toBe(200);
      expect((await wrong()).status).toBe(403);
      expect((await wrong()).status).toBe(429);
    });

    it('attempts at the same moment cannot all pass', async () => {
      const answers = await Promise.all(Array.from({ length: 25 }, () => wrong()));
      expect(answers.filter(({ status }) => status === 403)).toHaveLength(10);
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
    });

    it('honest attempts at the same moment are told to come back at once', async () => {
      const answers = await Promise.all(Array.from({ length: 25 }, () => stage.byPassword('alice')));
      const refused = answers.filter(({ status }) => status !== 200);
      for (const { status, headers } of refused) {
        expect([status, headers.get('retry-after')]).toEqual([429, '1']);
      }
      expect((await stage.byPassword('alice')).status).toBe(200);
    });

    it('thirty an address in a minute, whatever they name', async () => {
      for (let attempt = 0; attempt < 30; attempt++) {
        const user = attempt % 2 === 0 ? `user-${String(attempt)}` : '@a:elsewhere.example';
        expect((await wrong(user)).status).toBe(403);
      }
      const answer = await wrong('somebody-else');
      expect(answer).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } });
      expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60);
      stage.clock.advance(MINUTE);
      expect((await stage.byPassword('alice')).status).toBe(200);
    });
  });

  it('with an allow-list, others are answered as if the password were wrong, and by the same way', async () => {
    await using stage = await startStage(engine, {
      env: { GATEHOUSE__LEGACY_LOGIN__PASSWORD: '{ allow_users: [bob] }' },
    });
    expect((await stage.byPassword('bob')).status).toBe(200);
    stage.gatehouse.idp.requests.clear();
    expect(await stage.byPassword('alice')).toMatchObject(refused);
    expect(stage.gatehouse.idp.requests.get('/token')).toBe(1);
    expect(await stage.idOf('alice')).toBe('');
    for (let attempt = 0; attempt < 9; attempt++) await stage.byPassword('alice');
    expect((await stage.byPassword('alice')).status).toBe(429);
  });

  it('the provider is told the name that the template makes', async () => {
    await using stage = await startStage(engine, {
      env: { GATEHOUSE__LEGACY_LOGIN__PASSWORD: '{ username: "{localpart}@{server_name}" }' },
    });
    stage.gatehouse.idp.accounts.set('alice@example.org', {
      sub: 'sub-of-alice',
      preferred_username: 'alice',
    });
    stage.gatehouse.idp.passwords.set('alice@example.org', 'password of alice');
    stage.gatehouse.idp.passwords.delete('alice');
    const { status, body } = await stage.byPassword('alice');
    expect([status, body['user_id']]).toEqual([200, '@alice:example.org']);
  });

  it('whoever the access rules keep out is told so once the password is right', async () => {
    await using stage = await startStage(engine, {
      env: {
        GATEHOUSE__PROVIDERS__0__ACCESS: '{ require: [{ claim: groups, any_of: [staff] }] }',
      },
    });
    expect((await stage.byPassword('alice')).status).toBe(200);
    const answer = await stage.byPassword('bob');
    expect(answer).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(answer.body['error']).toContain('not allowed to use this service');
    expect(await stage.byPassword('bob', { password: 'wrong' })).toMatchObject(refused);
    expect(await stage.idOf('bob')).toBe('');
  });

  it('as many sessions as one may have: 403 that says what to do, and never for a device that is replaced', async () => {
    await using stage = await startStage(engine, {
      env: { GATEHOUSE__SESSIONS__LIMITS: '{ per_user: 2, per_client: 1 }' },
    });
    expect((await stage.byPassword('alice', { device_id: 'ONE' })).status).toBe(200);
    const second = await stage.byPassword('alice', { device_id: 'TWO' });
    expect(second.status).toBe(200);
    const token = await stage.loginToken('alice');
    for (const answer of [
      await stage.byPassword('alice', { device_id: 'THREE' }),
      await stage.logIn({ type: 'm.login.token', token }),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      expect(answer.body['error']).toContain('Sign out one of them');
    }
    expect((await stage.byPassword('alice', { device_id: 'ONE' })).status).toBe(200);
    await postForm(`${stage.gatehouse.url}oauth2/revoke`, { token: String(second.body['access_token']) });
    expect((await stage.logIn({ type: 'm.login.token', token })).status).toBe(200);
  });

  it('of two that want the last place, one gets it', async () => {
    await using stage = await startStage(engine, {
      env: { GATEHOUSE__SESSIONS__LIMITS: '{ per_user: 1 }' },
    });
    const answers = await Promise.all(Array.from({ length: 6 }, () => stage.byPassword('alice')));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403, 403, 403]);
  });

  it('where the OAuth API is off, it is the way in, and the homeserver can ask whose the token is', async () => {
    await using stage = await startStage(engine, { env: { GATEHOUSE__OAUTH_API: 'false' } });
    const { status, body } = await stage.byPassword('alice', { device_id: 'ONE' });
    expect(status).toBe(200);
    const token = String(body['access_token']);
    expect(await stage.gatehouse.introspect(token)).toMatchObject({ active: true, device_id: 'ONE' });
    expect((await stage.whoami(token)).status).toBe(200);
  });

  it('in passthrough mode there is none', async () => {
    await using stage = await startStage(engine, {
      env: {
        GATEHOUSE__MODE: 'passthrough',
        GATEHOUSE__LEGACY_LOGIN__SSO: 'false',
        GATEHOUSE__LEGACY_LOGIN__PASSWORD: 'false',
      },
    });
    const body = { type: 'm.login.password', user: 'alice', password: 'password of alice' };
    expect(await stage.logIn(body)).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
    expect(await stage.logIn({ type: 'm.login.application_service' })).toMatchObject({
      status: 400,
      body: { errcode: 'M_APPSERVICE_LOGIN_UNSUPPORTED' },
    });
  });

  it.each([
    ['password alone', { GATEHOUSE__LEGACY_LOGIN__SSO: 'false' }, 'm.login.token', 400, 'M_UNKNOWN'],
    [
      'single sign-on alone',
      { GATEHOUSE__LEGACY_LOGIN__PASSWORD: 'false' },
      'm.login.password',
      400,
      'M_UNKNOWN',
    ],
    [
      'nothing',
      { GATEHOUSE__LEGACY_LOGIN__SSO: 'false', GATEHOUSE__LEGACY_LOGIN__PASSWORD: 'false' },
      'm.login.password',
      404,
      'M_UNRECOGNIZED',
    ],
  ])(
    'with %s, another type is refused, and an application service is told so',
    async (_name, env, type, status, errcode) => {
      await using stage = await startStage(engine, { env });
      const body = { type, user: 'alice', password: 'password of alice', token: 'x' };
      expect(await stage.logIn(body)).toMatchObject({ status, body: { errcode } });
      expect(await stage.logIn({ type: 'm.login.application_service' })).toMatchObject({
        status: 400,
        body: { errcode: 'M_APPSERVICE_LOGIN_UNSUPPORTED' },
      });
    },
  );
});
