/** `POST /refresh`: sessions without an OAuth client, by the refresh rule and by "unavailable is 503" (docs/session-model.md). */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noHomeserver } from '../../src/homeserver/none.ts';
import { createLog } from '../../src/observability/log.ts';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { issueSecret } from '../../src/protocol/token-format.ts';
import { deactivatePerson, lockPerson, unlockPerson } from '../../src/people/people.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { openDatabase } from '../../src/storage/engine/open-database.ts';
import { findSession } from '../../src/storage/records/session-list.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { testClock } from '../support/clock.ts';
import { type BesideDatabase, startBesideDatabase } from '../support/beside-database.ts';
import { forEachEngine } from '../support/database.ts';
import { askMatrix, startLegacy } from '../support/legacy-session.ts';
import { type Answer, type TestClient } from '../support/oauth-client.ts';

const MINUTE = 60_000;

forEachEngine((engine) => {
  const clock = testClock(systemClock.now());
  let gatehouse: Gatehouse;
  let client: TestClient;
  let db: Database;
  let started: BesideDatabase;
  beforeAll(async () => {
    started = await startBesideDatabase(engine, clock);
    ({ gatehouse, client, db } = started);
  });
  afterAll(() => started.close());

  const start = (localpart = 'rita'): ReturnType<typeof startLegacy> => startLegacy(db, { localpart, clock });
  const refresh = (token: string, path = 'v3/refresh'): Promise<Answer> =>
    askMatrix(gatehouse, `POST ${path}`, { json: { refresh_token: token } });
  const whoami = (token: unknown): Promise<Answer> =>
    askMatrix(gatehouse, 'GET v3/account/whoami', { token: String(token) });
  const people = {
    clock,
    random: systemRandom,
    homeserver: noHomeserver,
    log: { warn: () => undefined },
    emit: () => undefined,
  };
  const refused = {
    status: 401,
    body: { errcode: 'M_UNKNOWN_TOKEN', error: expect.any(String), soft_logout: false },
  };

  describe('a refresh token', () => {
    it.each(['r0/refresh', 'v1/refresh', 'v3/refresh'])('yields a new pair at %s', async (path) => {
      const session = await start();
      const answer = await refresh(session.refreshToken, path);
      expect(answer).toMatchObject({
        status: 200,
        body: {
          access_token: expect.stringMatching(/^gat_/),
          refresh_token: expect.stringMatching(/^grt_/),
          expires_in_ms: 600_000,
        },
      });
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.body['refresh_token']).not.toBe(session.refreshToken);
      expect(await whoami(answer.body['access_token'])).toMatchObject({
        status: 200,
        body: { user_id: '@rita:example.org', device_id: session.deviceId },
      });
      // A refresh never shortens the life of a token that was issued.
      expect((await whoami(session.accessToken)).status).toBe(200);
      expect((await refresh(String(answer.body['refresh_token']))).status).toBe(200);
    });

    it('yields the identical pair again while none of it was used: answers get lost', async () => {
      const session = await start();
      const first = await refresh(session.refreshToken);
      clock.advance(5 * MINUTE);
      const second = await refresh(session.refreshToken);
      expect(second.body).toEqual({ ...first.body, expires_in_ms: 5 * MINUTE });
      expect((await whoami(second.body['access_token'])).status).toBe(200);
    });

    it('yields a fresh pair where the lost one has expired meanwhile, and the first one used wins', async () => {
      const session = await start();
      const lost = (await refresh(session.refreshToken)).body;
      clock.advance(11 * MINUTE);
      const fresh = await refresh(session.refreshToken);
      expect(fresh.status).toBe(200);
      expect(fresh.body['access_token']).not.toBe(lost['access_token']);
      expect((await whoami(fresh.body['access_token'])).status).toBe(200);
      expect(await refresh(String(lost['refresh_token']))).toMatchObject(refused);
    });

    it('presented eight times at once is one lineage, and nobody is refused', async () => {
      const session = await start();
      const all = await Promise.all(Array.from({ length: 8 }, () => refresh(session.refreshToken)));
      expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
      expect(new Set(all.map(({ body }) => body['refresh_token'])).size).toBe(1);
      expect(new Set(all.map(({ body }) => body['access_token'])).size).toBe(1);
    });

    it('is good for a moment after its successor was used, then its replay ends the session', async () => {
      const session = await start();
      const next = (await refresh(session.refreshToken)).body;
      expect((await whoami(next['access_token'])).status).toBe(200);
      clock.advance(29_000);
      const graced = await refresh(session.refreshToken);
      expect(graced).toMatchObject({ status: 200, body: { refresh_token: next['refresh_token'] } });
      clock.advance(2_000);
      expect(await refresh(session.refreshToken)).toMatchObject(refused);
      expect(await whoami(next['access_token'])).toMatchObject({
        status: 401,
        body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false },
      });
      expect(await refresh(String(next['refresh_token']))).toMatchObject(refused);
      expect(await findSession(db.query, session.sessionId)).toMatchObject({
        end_reason: 'refresh_replayed',
      });
    });

    it('that was not issued here, or is something else, is refused', async () => {
      const session = await start();
      for (const token of [
        'garbage',
        '',
        issueSecret('refreshToken', systemRandom),
        session.accessToken,
        `${session.refreshToken}x`,
      ]) {
        expect(await refresh(token)).toMatchObject(refused);
      }
      expect((await refresh(session.refreshToken)).status).toBe(200);
    });

    it('of an OAuth client is refused here, and its session lives on', async () => {
      const tokens = await client.tokens();
      expect(await refresh(tokens.refresh_token)).toMatchObject({
        status: 401,
        body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true },
      });
      expect((await whoami(tokens.access_token)).status).toBe(200);
      expect((await client.refresh(tokens.refresh_token)).status).toBe(200);
    });

    it('of a session without a client is refused at the token endpoint, and its session lives on', async () => {
      const session = await start();
      expect(await client.refresh(session.refreshToken)).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
      expect((await refresh(session.refreshToken)).status).toBe(200);
    });

    it('works for a locked user, whose session is not lost, and not for a deactivated one', async () => {
      const session = await start('sybil');
      await lockPerson({ ...people, db }, session.userId);
      const answer = await refresh(session.refreshToken);
      expect(answer.status).toBe(200);
      expect((await whoami(answer.body['access_token'])).body).toMatchObject({
        errcode: 'M_USER_LOCKED',
        soft_logout: true,
      });
      await unlockPerson({ ...people, db }, session.userId);
      expect((await whoami(answer.body['access_token'])).status).toBe(200);
      await deactivatePerson({ ...people, db }, session.userId);
      expect(await refresh(String(answer.body['refresh_token']))).toMatchObject(refused);
    });
  });

  describe('the request', () => {
    it('needs no access token, and takes no notice of one that is stale or no token at all', async () => {
      for (const authorization of [
        `Bearer ${issueSecret('accessToken', systemRandom)}`,
        'Bearer',
        'Basic x',
        '',
      ]) {
        const { refreshToken } = await start();
        const answer = await askMatrix(gatehouse, 'POST v3/refresh', {
          json: { refresh_token: refreshToken },
          headers: { authorization },
        });
        expect(answer.status).toBe(200);
      }
      const { refreshToken, accessToken } = await start();
      const path = `POST v3/refresh?access_token=${accessToken}`;
      const both = await askMatrix(gatehouse, path, {
        token: accessToken,
        json: { refresh_token: refreshToken },
      });
      expect(both.status).toBe(200);
    });

    it('may have any content type', async () => {
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'application/json; charset=utf-8',
      ]) {
        const { refreshToken } = await start();
        const answer = await askMatrix(gatehouse, 'POST v3/refresh', {
          body: JSON.stringify({ refresh_token: refreshToken, more: { is: 'allowed' } }),
          headers: { 'content-type': type },
        });
        expect(answer.status).toBe(200);
      }
    });

    it.each([
      ['', 'M_NOT_JSON'],
      ['{', 'M_NOT_JSON'],
      ['refresh_token=x', 'M_NOT_JSON'],
      ['[]', 'M_BAD_JSON'],
      ['"text"', 'M_BAD_JSON'],
      ['null', 'M_BAD_JSON'],
      ['{}', 'M_BAD_JSON'],
      ['{"refresh_token":1}', 'M_BAD_JSON'],
      ['{"refresh_token":null}', 'M_BAD_JSON'],
      ['{"refresh_token":["x"]}', 'M_BAD_JSON'],
      ['{"refresh_token":"a","refresh_token":"b"}', 'M_BAD_JSON'],
      ['{"refresh_token":"\\u0000"}', 'M_BAD_JSON'],
    ])('with the body %j is 400 %s', async (body, errcode) => {
      expect(await askMatrix(gatehouse, 'POST v3/refresh', { body })).toMatchObject({
        status: 400,
        body: { errcode, error: expect.any(String) },
      });
    });

    it('with bytes that are not UTF-8 is 400, with another method 405', async () => {
      const answer = await fetch(`${gatehouse.url}_matrix/client/v3/refresh`, {
        method: 'POST',
        body: Buffer.from('7b22ff227d', 'hex'),
      });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ errcode: 'M_NOT_JSON' });
      expect(await askMatrix(gatehouse, 'GET v3/refresh')).toMatchObject({
        status: 405,
        body: { errcode: 'M_UNRECOGNIZED' },
      });
    });

    it('is never answered 429, however many come', async () => {
      const answers = await Promise.all(Array.from({ length: 300 }, () => refresh('garbage')));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    });
  });
});

it('while the database is locked by somebody else a refresh is 503 without JSON, a sign-out 503, reads go on, and all is well afterwards', async () => {
  await using gatehouse = await startGatehouse({ validateResponses: true });
  const file = join(gatehouse.folder, 'gatehouse.db');
  const db = await openDatabase({ url: `sqlite:${file}`, clock: systemClock, random: systemRandom });
  const session = await startLegacy(db);
  await db.close();
  const other = new DatabaseSync(file);
  other.exec('begin immediate');
  const answer = await fetch(`${gatehouse.url}_matrix/client/v3/refresh`, {
    method: 'POST',
    body: JSON.stringify({ refresh_token: session.refreshToken }),
  });
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
  expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  const text = await answer.text();
  expect(() => JSON.parse(text) as unknown).toThrow();
  const logout = await askMatrix(gatehouse, 'POST v3/logout', { token: session.accessToken });
  expect(logout).toMatchObject({ status: 503, body: { errcode: 'M_UNKNOWN', error: expect.any(String) } });
  expect(logout.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  const devices = await askMatrix(gatehouse, 'GET v3/devices', { token: session.accessToken });
  expect(devices.status).toBe(200);
  other.exec('rollback');
  other.close();
  const again = await askMatrix(gatehouse, 'POST v3/refresh', {
    json: { refresh_token: session.refreshToken },
  });
  expect(again.status).toBe(200);
}, 40_000);

it('no token of these routes reaches the log, wherever a client puts it', async () => {
  const lines: string[] = [];
  const log = createLog({ level: 'trace', destination: { write: (line) => void lines.push(line) } });
  await using gatehouse = await startGatehouse({ log });
  const file = join(gatehouse.folder, 'gatehouse.db');
  const db = await openDatabase({ url: `sqlite:${file}`, clock: systemClock, random: systemRandom });
  const session = await startLegacy(db);
  const { accessToken, refreshToken } = session;
  await askMatrix(gatehouse, `GET v3/account/whoami?access_token=${accessToken}`);
  await askMatrix(gatehouse, `GET v3/account/whoami?access_token=${accessToken}`, { token: accessToken });
  await askMatrix(gatehouse, `GET v3/nothing/${accessToken}?access_token=${accessToken}`);
  await askMatrix(gatehouse, `POST v3/logout?access_token=${accessToken}&x=%zz`);
  await askMatrix(gatehouse, 'POST v3/refresh', { body: `{"refresh_token":"${refreshToken}` });
  await askMatrix(gatehouse, 'POST v3/refresh', {
    json: { refresh_token: { [refreshToken]: refreshToken } },
  });
  const pair = (await askMatrix(gatehouse, 'POST v3/refresh', { json: { refresh_token: refreshToken } }))
    .body;
  const asked = await askMatrix(gatehouse, `DELETE v3/devices/${session.deviceId}`, { token: accessToken });
  await askMatrix(gatehouse, `GET v3/auth/m.login.sso/fallback/web?session=${String(asked.body['session'])}`);
  await db.close();
  await delay(50);
  const secrets = [
    accessToken,
    refreshToken,
    pair['access_token'],
    pair['refresh_token'],
    asked.body['session'],
  ];
  const text = lines.join('');
  expect(text).toContain('"operation":"refreshTokens"');
  for (const secret of secrets.map(String)) {
    expect(secret).toMatch(/^g[a-z]{2}_/);
    expect(text).not.toContain(secret.slice(4, 40));
  }
});

it('in passthrough mode the routes are here too, and know no token that the provider did not issue', async () => {
  await using gatehouse = await startGatehouse({
    env: { GATEHOUSE__MODE: 'passthrough' },
    beforeStart: (idp) => {
      idp.faults.discovery = (document) => ({ ...document, code_challenge_methods_supported: ['S256'] });
    },
  });
  for (const request of [
    'GET v3/account/whoami',
    'POST v3/refresh',
    'POST v3/logout',
    'POST v3/logout/all',
    'GET v3/devices',
    'GET v3/devices/X',
    'PUT v3/devices/X',
    'DELETE v3/devices/X',
    'POST v3/delete_devices',
  ]) {
    const json = request.startsWith('GET') ? {} : { json: { refresh_token: 'x', devices: [] } };
    const answer = await askMatrix(gatehouse, request, { token: 'x', ...json });
    expect({ request, status: answer.status, body: answer.body }).toMatchObject({
      request,
      status: 401,
      body: { errcode: 'M_UNKNOWN_TOKEN' },
    });
  }
});
