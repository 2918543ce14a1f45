/** Devices by the routes of the client-server API. What proves a person is in user-interactive.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noHomeserver } from '../../src/homeserver/none.ts';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { endSession } from '../../src/sessions/end.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { findSession } from '../../src/storage/records/session-list.ts';
import type { Gatehouse } from '../peers/gatehouse.ts';
import { type BesideDatabase, startBesideDatabase } from '../support/beside-database.ts';
import { forEachEngine } from '../support/database.ts';
import { askMatrix, startLegacy } from '../support/legacy-session.ts';
import { type Answer, type TestClient } from '../support/oauth-client.ts';

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

  const start = (
    localpart: string,
    more: Parameters<typeof startLegacy>[1] = {},
  ): ReturnType<typeof startLegacy> => startLegacy(db, { localpart, ...more });
  const get = (token: string, path = 'v3/devices'): Promise<Answer> =>
    askMatrix(gatehouse, `GET ${path}`, { token });
  const rename = (token: string, deviceId: string, json: unknown, version = 'v3'): Promise<Answer> =>
    askMatrix(gatehouse, `PUT ${version}/devices/${encodeURIComponent(deviceId)}`, { token, json });
  const oauthTokens = async (login: string, deviceId: string): Promise<string> => {
    const scope = `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`;
    return (await client.tokens({ login, parameters: { scope } })).access_token;
  };
  const noDevice = { status: 404, body: { errcode: 'M_NOT_FOUND', error: expect.any(String) } };
  const UGLY = ['a/b+c=', 'ü ✓', 'a%2Fb', '"><svg/onload=alert(1)>', 'x'.repeat(255), 'a?b#c', 'a;b:c@d'];

  describe('the list of devices', () => {
    it.each(['r0/devices', 'v3/devices'])(
      'at %s has each device of the user, whichever way it came, and no other',
      async (path) => {
        const before = systemClock.now();
        const oauth = await oauthTokens('bob', 'PHONE');
        const legacy = await start('bob', { deviceId: 'OLD', deviceName: 'Bob’s laptop' });
        const nameless = await start('bob', { deviceId: 'NAMELESS' });
        await start('mallory', { deviceId: 'MALLORYS' });
        const answer = await get(legacy.accessToken, path);
        expect(answer.status).toBe(200);
        const always = { user_id: '@bob:example.org', last_seen_ip: null, last_seen_ts: expect.any(Number) };
        expect(answer.body).toEqual({
          devices: [
            { device_id: 'PHONE', display_name: 'Test client', ...always },
            { device_id: 'OLD', display_name: 'Bob’s laptop', ...always },
            { device_id: 'NAMELESS', display_name: null, ...always },
          ],
        });
        const [first] = answer.body['devices'] as { last_seen_ts: number }[];
        expect(first?.last_seen_ts).toBeGreaterThanOrEqual(before - 1000);
        for (const token of [oauth, nameless.accessToken])
          expect((await get(token, path)).body['devices']).toHaveLength(3);
      },
    );

    it('has a device once, however often somebody signs in on it, and not after its session has ended', async () => {
      await start('trent', { deviceId: 'SAME', deviceName: 'First name' });
      const again = await start('trent', { deviceId: 'SAME', deviceName: 'Second name' });
      const other = await start('trent', { deviceId: 'OTHER' });
      expect((await get(again.accessToken)).body['devices']).toEqual([
        expect.objectContaining({ device_id: 'SAME', display_name: 'First name' }),
        expect.objectContaining({ device_id: 'OTHER' }),
      ]);
      const deps = { db, clock: systemClock, random: systemRandom, homeserver: noHomeserver };
      const ended = { sessionId: other.sessionId, reason: 'ended_by_admin' } as const;
      await endSession({ ...deps, log: { warn: () => undefined }, emit: () => undefined }, ended);
      expect((await get(again.accessToken)).body['devices']).toHaveLength(1);
      expect(await get(again.accessToken, 'v3/devices/OTHER')).toMatchObject(noDevice);
    });

    it('needs an access token', async () => {
      for (const request of [
        'GET v3/devices',
        'GET v3/devices/X',
        'PUT v3/devices/X',
        'DELETE v3/devices/X',
      ]) {
        const json = request.startsWith('PUT') ? { json: {} } : {};
        expect(await askMatrix(gatehouse, request, json)).toMatchObject({
          status: 401,
          body: { errcode: 'M_MISSING_TOKEN', error: expect.any(String) },
        });
        expect(await askMatrix(gatehouse, request, { token: 'nonsense', ...json })).toMatchObject({
          status: 401,
          body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false },
        });
      }
    });
  });

  describe('one device', () => {
    it.each(UGLY)('is found by its id, percent-encoded: %s', async (deviceId) => {
      const { accessToken } = await start('victor', { deviceId });
      const answer = await get(accessToken, `v3/devices/${encodeURIComponent(deviceId)}`);
      expect(answer).toMatchObject({ status: 200, body: { device_id: deviceId } });
      expect((await rename(accessToken, deviceId, { display_name: deviceId.slice(0, 100) })).status).toBe(
        200,
      );
      expect((await get(accessToken, `r0/devices/${encodeURIComponent(deviceId)}`)).body).toMatchObject({
        device_id: deviceId,
        display_name: deviceId.slice(0, 100),
      });
    });

    it('is 404 until somebody is signed in on it, then 200: a QR code login waits for that', async () => {
      const { accessToken } = await start('walter');
      const path = 'v3/devices/QR%2F%2B%3D';
      expect(await get(accessToken, path)).toMatchObject(noDevice);
      await oauthTokens('bob', 'QR/+=');
      expect(await get(accessToken, path)).toMatchObject(noDevice);
      await start('walter', { deviceId: 'QR/+=' });
      expect((await get(accessToken, path)).status).toBe(200);
    });

    it('of somebody else is not there: not to be seen, named or signed out', async () => {
      const theirs = await start('peggy', { deviceId: 'PEGGYS' });
      const mine = await start('mallory');
      expect(await get(mine.accessToken, 'v3/devices/PEGGYS')).toMatchObject(noDevice);
      expect(await rename(mine.accessToken, 'PEGGYS', { display_name: 'mine' })).toMatchObject(noDevice);
      expect((await get(theirs.accessToken, 'v3/devices/PEGGYS')).body['display_name']).toBeNull();
    });

    it('whose id is not percent-encoded UTF-8, or has a NUL, is 400', async () => {
      const { accessToken } = await start('walter');
      for (const id of ['%ff', '%', 'a%00b']) {
        expect(await get(accessToken, `v3/devices/${id}`)).toMatchObject({
          status: 400,
          body: { errcode: 'M_INVALID_PARAM', error: expect.any(String) },
        });
      }
    });
  });

  describe('naming a device', () => {
    it.each(['r0', 'v3'])('works by PUT below %s, from any session of the user', async (version) => {
      const one = await start('wendy', { deviceId: 'ONE' });
      const oauth = await oauthTokens('bob', 'NAMED');
      expect(await rename(one.accessToken, 'ONE', { display_name: 'My phone' }, version)).toMatchObject({
        status: 200,
        body: {},
      });
      expect((await get(one.accessToken, 'v3/devices/ONE')).body['display_name']).toBe('My phone');
      // A device of an OAuth client is called like its client until somebody names it.
      expect((await get(oauth, 'v3/devices/NAMED')).body['display_name']).toBe('Test client');
      await rename(oauth, 'NAMED', { display_name: 'Bob’s' }, version);
      expect((await get(oauth, 'v3/devices/NAMED')).body['display_name']).toBe('Bob’s');
      await rename(oauth, 'NAMED', { display_name: '' }, version);
      expect((await get(oauth, 'v3/devices/NAMED')).body['display_name']).toBe('Test client');
    });

    it('without a name changes nothing', async () => {
      const { accessToken } = await start('xavier', { deviceId: 'X', deviceName: 'Kept' });
      for (const json of [{}, { display_name: null }, { something: 'else' }]) {
        expect((await rename(accessToken, 'X', json)).status).toBe(200);
      }
      expect((await get(accessToken, 'v3/devices/X')).body['display_name']).toBe('Kept');
    });

    it('is refused with what cannot be a name, and for a device that is not there', async () => {
      const { accessToken } = await start('xavier', { deviceId: 'X', deviceName: 'Kept' });
      expect(await rename(accessToken, 'NOT THERE', { display_name: 'x' })).toMatchObject(noDevice);
      expect(await rename(accessToken, 'NOT THERE', {})).toMatchObject(noDevice);
      expect(await rename(accessToken, 'X', { display_name: 'ü'.repeat(100) })).toMatchObject({
        status: 200,
      });
      expect(await rename(accessToken, 'X', { display_name: 'x'.repeat(101) })).toMatchObject({
        status: 400,
        body: { errcode: 'M_TOO_LARGE', error: expect.any(String) },
      });
      for (const json of [{ display_name: 1 }, { display_name: ['x'] }, []]) {
        expect(await rename(accessToken, 'X', json)).toMatchObject({
          status: 400,
          body: { errcode: 'M_BAD_JSON', error: expect.any(String) },
        });
      }
      expect(await askMatrix(gatehouse, 'PUT v3/devices/X', { token: accessToken, body: '{' })).toMatchObject(
        { status: 400, body: { errcode: 'M_NOT_JSON' } },
      );
      expect((await get(accessToken, 'v3/devices/X')).body['display_name']).toBe('ü'.repeat(100));
    });
  });

  describe('an OAuth client', () => {
    it('cannot delete devices: it sends people to the account page', async () => {
      const token = await oauthTokens('bob', 'KEPT');
      const refused = { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: expect.any(String) } };
      for (const json of [undefined, {}, { auth: { session: 'x' } }]) {
        expect(await askMatrix(gatehouse, 'DELETE v3/devices/KEPT', { token, json })).toMatchObject(refused);
      }
      expect(
        await askMatrix(gatehouse, 'POST v3/delete_devices', { token, json: { devices: ['KEPT'] } }),
      ).toMatchObject(refused);
      expect((await get(token, 'v3/devices/KEPT')).status).toBe(200);
      expect(await findSession(db.query, 'x')).toBeUndefined();
    });
  });
});
