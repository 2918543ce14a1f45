/** Sign-out by the routes of the client-server API: every kind of session, locked or not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noHomeserver } from '../../src/homeserver/none.ts';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { hashSecret, issueSecret } from '../../src/protocol/token-format.ts';
import { issueLoginToken } from '../../src/sessions/login-tokens.ts';
import { startClientSession } from '../../src/sessions/start-client-session.ts';
import { deactivatePerson, lockPerson, unlockPerson } from '../../src/people/people.ts';
import { insertClient } from '../../src/storage/records/clients.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { listSessionRows } from '../../src/storage/records/session-list.ts';
import { findUserByLocalpart } from '../../src/storage/records/users.ts';
import type { Gatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { type BesideDatabase, startBesideDatabase } from '../support/beside-database.ts';
import { forEachEngine } from '../support/database.ts';
import { askMatrix, startLegacy } from '../support/legacy-session.ts';
import { type Answer, ask, type TestClient } from '../support/oauth-client.ts';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let client: TestClient;
  let db: Database;
  let started: BesideDatabase;
  beforeAll(async () => {
    started = await startBesideDatabase(engine);
    ({ gatehouse, client, db } = started);
  });
  afterAll(() => started.close());

  const whoami = (token: string): Promise<Answer> => askMatrix(gatehouse, 'GET v3/account/whoami', { token });
  const refresh = (refreshToken: string): Promise<Answer> =>
    askMatrix(gatehouse, 'POST v3/refresh', { json: { refresh_token: refreshToken } });
  const logout = (token: string, path = 'v3/logout'): Promise<Answer> =>
    askMatrix(gatehouse, `POST ${path}`, { token });
  const people = {
    clock: systemClock,
    random: systemRandom,
    homeserver: noHomeserver,
    log: { warn: () => undefined },
    emit: () => undefined,
  };
  const revoked = {
    status: 401,
    body: { errcode: 'M_UNKNOWN_TOKEN', error: expect.any(String), soft_logout: false },
  };
  const done = { status: 200, body: {} };

  describe('logout', () => {
    it.each(['r0/logout', 'v3/logout'])(
      '%s ends the session of the token, both its tokens and its device',
      async (path) => {
        const other = await startLegacy(db, { localpart: 'olga' });
        const session = await startLegacy(db, { localpart: 'olga' });
        const answer = await logout(session.accessToken, path);
        expect(answer).toMatchObject(done);
        expect(answer.headers.get('content-type')).toBe('application/json');
        expect(answer.headers.get('access-control-allow-origin')).toBe('*');
        expect(await whoami(session.accessToken)).toMatchObject(revoked);
        expect(await refresh(session.refreshToken)).toMatchObject(revoked);
        const devices = await askMatrix(gatehouse, 'GET v3/devices', { token: other.accessToken });
        expect(devices.body['devices']).toEqual([expect.objectContaining({ device_id: other.deviceId })]);
        expect(await logout(session.accessToken)).toMatchObject(revoked);
        expect(await logout(other.accessToken)).toMatchObject(done);
      },
    );

    it('ends a session that does not expire', async () => {
      const session = await startLegacy(db, { refreshable: false });
      expect(await logout(session.accessToken)).toMatchObject(done);
      expect(await whoami(session.accessToken)).toMatchObject(revoked);
    });

    it('ends the session of an OAuth client too', async () => {
      const tokens = await client.tokens({ login: 'bob' });
      expect(await logout(tokens.access_token)).toMatchObject(done);
      expect(await gatehouse.introspect(tokens.access_token)).toEqual({ active: false });
      expect(await client.refresh(tokens.refresh_token)).toMatchObject({ body: { error: 'invalid_grant' } });
    });

    it.each([undefined, '', '{}', '{"anything":[1]}', 'not JSON', '[]'])(
      'takes no notice of the body %j',
      async (body) => {
        const { accessToken: token } = await startLegacy(db);
        expect(
          await askMatrix(gatehouse, 'POST v3/logout', { token, ...(body === undefined ? {} : { body }) }),
        ).toMatchObject(done);
        expect(await whoami(token)).toMatchObject(revoked);
      },
    );

    it('works with a token that has merely expired, and then the session is gone', async () => {
      const session = await startLegacy(db, { ttl: -1 });
      expect(await whoami(session.accessToken)).toMatchObject({
        status: 401,
        body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true },
      });
      expect(await logout(session.accessToken)).toMatchObject(done);
      expect(await refresh(session.refreshToken)).toMatchObject(revoked);
      expect(await whoami(session.accessToken)).toMatchObject(revoked);
    });

    it('needs a token that was issued here', async () => {
      expect(await askMatrix(gatehouse, 'POST v3/logout')).toMatchObject({
        status: 401,
        body: { errcode: 'M_MISSING_TOKEN', error: expect.any(String) },
      });
      const { refreshToken } = await startLegacy(db);
      for (const token of ['garbage', issueSecret('accessToken', systemRandom), refreshToken]) {
        expect(await logout(token)).toMatchObject(revoked);
      }
      expect((await refresh(refreshToken)).status).toBe(200);
    });

    it('has no other method', async () => {
      expect(await askMatrix(gatehouse, 'GET v3/logout')).toMatchObject({
        status: 405,
        body: { errcode: 'M_UNRECOGNIZED', error: expect.any(String) },
      });
    });

    it('and a refresh at the same moment leave nothing alive, whoever comes first', async () => {
      for (let round = 0; round < 10; round++) {
        const session = await startLegacy(db);
        const [, refreshed] = await Promise.all([
          logout(session.accessToken),
          refresh(session.refreshToken),
          refresh(session.refreshToken),
        ]);
        if (refreshed.status === 200) {
          expect(await whoami(String(refreshed.body['access_token']))).toMatchObject(revoked);
          expect(await refresh(String(refreshed.body['refresh_token']))).toMatchObject(revoked);
        } else expect(refreshed).toMatchObject(revoked);
        expect(await refresh(session.refreshToken)).toMatchObject(revoked);
      }
    });

    it('twice at the same moment is answered as once', async () => {
      const session = await startLegacy(db);
      const both = await Promise.all([logout(session.accessToken), logout(session.accessToken)]);
      for (const answer of both) expect([200, 401]).toContain(answer.status);
      expect(both.map(({ status }) => status)).toContain(200);
      expect(await whoami(session.accessToken)).toMatchObject(revoked);
    });
  });

  describe('logout/all', () => {
    it.each(['r0/logout/all', 'v3/logout/all'])(
      '%s ends every session of the user, those of OAuth clients too, and nobody else’s',
      async (path) => {
        const oauth = await client.tokens({ login: 'carol' });
        const mine = [
          await startLegacy(db, { localpart: 'carol' }),
          await startLegacy(db, { localpart: 'carol', refreshable: false }),
        ];
        const others = await startLegacy(db, { localpart: 'dave' });
        expect(await logout(mine[0]?.accessToken ?? '', path)).toMatchObject(done);
        for (const { accessToken } of mine) expect(await whoami(accessToken)).toMatchObject(revoked);
        expect(await refresh(mine[0]?.refreshToken ?? '')).toMatchObject(revoked);
        expect(await gatehouse.introspect(oauth.access_token)).toEqual({ active: false });
        expect((await client.refresh(oauth.refresh_token)).status).toBe(400);
        expect((await whoami(others.accessToken)).status).toBe(200);
        const rows = await listSessionRows(db.query, { userId: mine[0]?.userId ?? '', limit: 10 });
        expect(rows).toEqual([]);
      },
    );

    it('may be asked for by an OAuth client', async () => {
      const oauth = await client.tokens({ login: 'carol' });
      const legacy = await startLegacy(db, { localpart: 'carol' });
      expect(await logout(oauth.access_token, 'v3/logout/all')).toMatchObject(done);
      expect(await whoami(legacy.accessToken)).toMatchObject(revoked);
    });

    it('ends more sessions than one transaction takes', async () => {
      const all = [];
      for (let index = 0; index < 120; index++) all.push(await startLegacy(db, { localpart: 'many' }));
      expect(await logout(all[60]?.accessToken ?? '', 'v3/logout/all')).toMatchObject(done);
      expect(await listSessionRows(db.query, { userId: all[0]?.userId ?? '', limit: 1 })).toEqual([]);
    });

    it('ends what would become a session: codes, login tokens, the account page', async () => {
      const back = await client.authorize({ login: 'carol' });
      const session = await startLegacy(db, { localpart: 'carol' });
      const browser = createBrowser();
      await browser.open(`${gatehouse.url}account`);
      await browser.submit({ button: 'Sign in', fields: { login: 'carol' } });
      expect(browser.page.title).toBe('Your account');
      const shared = { clock: systemClock, random: systemRandom, loginTokenTtl: 60_000 };
      const loginToken = await db.write((tx) =>
        issueLoginToken(tx, shared, {
          userId: session.userId,
          authenticatedAt: null,
          upstreamSid: null,
        }),
      );
      expect(await logout(session.accessToken, 'v3/logout/all')).toMatchObject(done);
      expect(await client.redeem(back.get('code') ?? '')).toMatchObject({ body: { error: 'invalid_grant' } });
      const left = await db.query
        .selectFrom('login_tokens')
        .select('hash')
        .where('hash', '=', hashSecret(loginToken))
        .where('consumed_at', 'is', null)
        .execute();
      expect(left).toEqual([]);
      expect((await browser.open(`${gatehouse.url}account`)).visited.length).toBeGreaterThan(1);
    });

    it('works with a token that has merely expired, as the client that was softly logged out holds it', async () => {
      const other = await startLegacy(db, { localpart: 'erin' });
      const expired = await startLegacy(db, { localpart: 'erin', ttl: -1 });
      expect(await logout(expired.accessToken, 'v3/logout/all')).toMatchObject(done);
      expect(await whoami(other.accessToken)).toMatchObject(revoked);
      expect(await refresh(expired.refreshToken)).toMatchObject(revoked);
      expect(await logout(expired.accessToken, 'v3/logout/all')).toMatchObject(revoked);
    });

    it('is refused with an expired token that a refresh has replaced: it has no power over other sessions', async () => {
      const other = await startLegacy(db, { localpart: 'erin' });
      const expired = await startLegacy(db, { localpart: 'erin', ttl: -1 });
      expect((await refresh(expired.refreshToken)).status).toBe(200);
      expect(await logout(expired.accessToken, 'v3/logout/all')).toMatchObject({
        status: 401,
        body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true },
      });
      expect((await whoami(other.accessToken)).status).toBe(200);
    });

    it('leaves no session alive that refreshes at the same moment', async () => {
      const sessions = [];
      for (let index = 0; index < 8; index++) sessions.push(await startLegacy(db, { localpart: 'frank' }));
      const [all, ...refreshed] = await Promise.all([
        logout(sessions[0]?.accessToken ?? '', 'v3/logout/all'),
        ...sessions.map(({ refreshToken }) => refresh(refreshToken)),
      ]);
      expect(all).toMatchObject(done);
      for (const answer of refreshed) {
        if (answer.status !== 200) expect(answer).toMatchObject(revoked);
        else expect(await whoami(String(answer.body['access_token']))).toMatchObject(revoked);
      }
    });
  });

  it('a locked user can sign out, here and everywhere, and do nothing else', async () => {
    const one = await startLegacy(db, { localpart: 'grace' });
    const two = await startLegacy(db, { localpart: 'grace' });
    const three = await startLegacy(db, { localpart: 'grace' });
    await lockPerson({ ...people, db }, one.userId);
    const locked = {
      status: 401,
      body: { errcode: 'M_USER_LOCKED', error: expect.any(String), soft_logout: true },
    };
    expect(await whoami(one.accessToken)).toMatchObject(locked);
    expect(await askMatrix(gatehouse, 'GET v3/devices', { token: one.accessToken })).toMatchObject(locked);
    expect(await logout(one.accessToken)).toMatchObject(done);
    expect(await whoami(one.accessToken)).toMatchObject(revoked);
    expect(await whoami(two.accessToken)).toMatchObject(locked);
    expect(await logout(two.accessToken, 'v3/logout/all')).toMatchObject(done);
    await unlockPerson({ ...people, db }, one.userId);
    expect(await whoami(three.accessToken)).toMatchObject(revoked);
  });

  it('a deactivated user has nothing left to sign out of', async () => {
    const session = await startLegacy(db, { localpart: 'heidi' });
    const { id } = (await findUserByLocalpart(db.query, 'heidi')) ?? { id: '' };
    await deactivatePerson({ ...people, db }, id);
    for (const path of ['v3/logout', 'v3/logout/all']) {
      expect(await logout(session.accessToken, path)).toMatchObject(revoked);
    }
  });

  it('a client without a user can end its own session, and no user’s', async () => {
    const { accessToken } = await clientToken(db);
    expect(await logout(accessToken, 'v3/logout/all')).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN', error: expect.any(String) },
    });
    expect(await logout(accessToken)).toMatchObject(done);
    expect(await logout(accessToken)).toMatchObject(revoked);
  });

  describe('the access token', () => {
    const url = (query = ''): string => `${gatehouse.url}_matrix/client/v3/account/whoami${query}`;

    it('may stand in the query, for old clients', async () => {
      const { accessToken } = await startLegacy(db);
      expect((await ask(url(`?access_token=${accessToken}`))).status).toBe(200);
      expect(await ask(`${gatehouse.url}oauth2/userinfo?access_token=${accessToken}`)).toMatchObject({
        status: 401,
      });
      expect(
        (
          await ask(url(`?access_token=${accessToken}`).replace('account/whoami', 'logout'), {
            method: 'POST',
          })
        ).status,
      ).toBe(200);
      expect(await whoami(accessToken)).toMatchObject(revoked);
    });

    it('is refused where it stands in both places, or twice, or is empty', async () => {
      const { accessToken } = await startLegacy(db);
      const authorization = `Bearer ${accessToken}`;
      const missing = { status: 401, body: { errcode: 'M_MISSING_TOKEN', error: expect.any(String) } };
      expect(await ask(url(`?access_token=${accessToken}`), { headers: { authorization } })).toMatchObject(
        missing,
      );
      expect(await ask(url(`?access_token=${accessToken}&access_token=${accessToken}`))).toMatchObject(
        missing,
      );
      expect(await ask(url('?access_token='))).toMatchObject(missing);
      expect(await ask(url('?access_token='), { headers: { authorization } })).toMatchObject(missing);
      expect(await ask(url(), { headers: { authorization: 'Bearer' } })).toMatchObject(missing);
      expect(await ask(url(), { headers: { authorization: `Basic ${accessToken}` } })).toMatchObject(missing);
      expect(await ask(url('?access_token=nonsense'))).toMatchObject(revoked);
    });

    it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('may have the scheme %s', async (scheme) => {
      const { accessToken } = await startLegacy(db);
      expect((await ask(url(), { headers: { authorization: `${scheme} ${accessToken}` } })).status).toBe(200);
    });
  });
});

/** A session of a client alone. */
async function clientToken(db: Database): Promise<{ accessToken: string }> {
  const now = systemClock.now();
  await db.write((tx) =>
    insertClient(tx, {
      id: 'machine',
      metadata_json: '{"client_name":"Machine"}',
      metadata_hash: null,
      secret_hash: null,
      created_at: now,
      last_used_at: now,
    }),
  );
  return startClientSession(
    {
      db,
      clock: systemClock,
      random: systemRandom,
      policy: { accessTokenTtl: 60_000 },
      emit: () => undefined,
    },
    { clientId: 'machine', scope: 'urn:matrix:client:api:*' },
  );
}
