/** Sessions without a client: what they are issued, what becomes of the device, and when they end. */
import { beforeEach, describe, expect, it } from 'vitest';
import { endSession, findSessionOfToken } from '../../src/sessions/end.ts';
import { endExpiredSessions } from '../../src/sessions/expiry.ts';
import { findAccess } from '../../src/verification/own-token.ts';
import { deactivatePerson } from '../../src/people/people.ts';
import { rotateTokens } from '../../src/sessions/rotate.ts';
import { newSessionId } from '../../src/sessions/start.ts';
import { type LegacyTokens, startLegacySession } from '../../src/sessions/start-legacy.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { listSessionRows } from '../../src/storage/records/session-list.ts';
import { opaqueTokens } from '../support/opaque-tokens.ts';
import { forEachEngine } from '../support/database.ts';
import { type Core, MINUTE, sessionCore } from './support.ts';

const DAY = 24 * 60 * MINUTE;

forEachEngine((engine) => {
  let db: Database;
  let core: Core;
  beforeEach(async () => {
    db ??= await engine.open();
    await db.write((tx) => tx.deleteFrom('sessions').execute());
    core = await sessionCore(db);
  });
  const tryToBegin = (
    more: { deviceId?: string; deviceName?: string | null; refreshable?: boolean } = {},
  ): Promise<LegacyTokens | undefined> =>
    db.write((tx) => {
      const now = core.clock.now();
      return startLegacySession(
        tx,
        { ...core, now },
        {
          id: newSessionId(now, core.random),
          userId: core.userId,
          deviceId: 'OLD PHONE',
          refreshable: false,
          authenticatedAt: null,
          ...more,
        },
      );
    });
  const begin = async (more: Parameters<typeof tryToBegin>[0] = {}): Promise<LegacyTokens> => {
    const tokens = await tryToBegin(more);
    if (tokens === undefined) throw new Error('no session was started');
    return tokens;
  };
  const live = (): ReturnType<typeof listSessionRows> =>
    listSessionRows(db.query, { userId: core.userId, limit: 10 });
  const kindOf = async (by: Core, token: string): Promise<string> => (await findAccess(by, token)).kind;
  const expiring = (days: { idle?: number; absolute?: number }): Core => ({
    ...core,
    policy: {
      ...core.policy,
      idleExpiry: (days.idle ?? 0) * DAY,
      absoluteExpiry: (days.absolute ?? 0) * DAY,
    },
  });

  it('has one access token, which does not expire', async () => {
    const tokens = await begin();
    expect(tokens.refresh).toBeUndefined();
    core.clock.advance(3650 * DAY);
    expect(await findAccess(core, tokens.accessToken)).toMatchObject({
      kind: 'active',
      access: { deviceId: 'OLD PHONE', scope: 'urn:matrix:client:api:*', clientId: null, expiresAt: null },
    });
  });

  it('has a pair where the client can refresh, for legacy refresh alone', async () => {
    const { accessToken, refresh } = await begin({ refreshable: true });
    expect(refresh?.expiresInSeconds).toBe(600);
    const refreshToken = refresh?.token ?? '';
    expect(await rotateTokens(core, { refreshToken, clientId: core.clientId })).toMatchObject({
      ok: false,
      reason: 'other_client',
    });
    core.clock.advance(10 * MINUTE);
    expect(await findAccess(core, accessToken)).toMatchObject({ kind: 'inactive', reason: 'expired' });
    expect(await rotateTokens(core, { refreshToken, clientId: null })).toMatchObject({ ok: true });
  });

  it('is found by its token, and ended by it', async () => {
    const { accessToken, sessionId } = await begin();
    expect((await findSessionOfToken(db, accessToken, opaqueTokens))?.sessionId).toBe(sessionId);
    await endSession(core, { sessionId, reason: 'revoked' });
    expect(await kindOf(core, accessToken)).toBe('inactive');
    expect(core.homeserver.deleted.map(({ deviceId }) => deviceId)).toEqual(['OLD PHONE']);
  });

  describe('the device', () => {
    it('of an earlier session is kept, with its name; the session is not', async () => {
      const first = await begin({ deviceName: 'First' });
      const second = await begin({ deviceName: 'Second' });
      expect(await kindOf(core, first.accessToken)).toBe('inactive');
      expect(await kindOf(core, second.accessToken)).toBe('active');
      expect((await live()).map(({ device_name: name }) => name)).toEqual(['First']);
      expect(core.homeserver.deleted).toEqual([]);
    });

    it('of an OAuth session has no name of its own, and gets none', async () => {
      await core.begin({ deviceId: 'OLD PHONE' });
      await begin({ deviceName: 'Second' });
      expect((await live()).map(({ device_name: name }) => name)).toEqual([null]);
    });

    it('that an OAuth session takes over keeps the name that it had', async () => {
      await begin({ deviceId: 'DEVICE', deviceName: 'First' });
      await core.begin({ deviceId: 'DEVICE' });
      expect((await live()).map(({ device_name: name }) => name)).toEqual(['First']);
    });

    it('that was signed out is a new one', async () => {
      const { sessionId } = await begin({ deviceName: 'First' });
      await endSession(core, { sessionId, reason: 'logged_out' });
      await begin({ deviceName: 'Second' });
      expect((await live()).map(({ device_name: name }) => name)).toEqual(['Second']);
    });

    it.each([
      ['DEVICE', 'urn:matrix:client:api:* urn:matrix:client:device:DEVICE'],
      ['a/b+c=', 'urn:matrix:client:api:* urn:matrix:client:device:a/b+c='],
      ['my phone', 'urn:matrix:client:api:*'],
      ['"quoted"', 'urn:matrix:client:api:*'],
      ['back\\slash', 'urn:matrix:client:api:*'],
      ['é', 'urn:matrix:client:api:*'],
    ])('%s is in the scope, if a scope can carry it', async (deviceId, scope) => {
      await begin({ deviceId });
      expect((await live()).map((session) => [session.device_id, session.scope])).toEqual([
        [deviceId, scope],
      ]);
    });
  });

  it('is not started for who is deactivated', async () => {
    await deactivatePerson(core, core.userId);
    expect(await tryToBegin()).toBeUndefined();
    expect(await live()).toEqual([]);
  });

  describe('where sessions expire', () => {
    it('lives as long as it is used, though nothing is ever refreshed', async () => {
      const by = expiring({ idle: 30 });
      const { accessToken } = await begin();
      for (let use = 0; use < 4; use++) {
        core.clock.advance(29 * DAY);
        expect(await kindOf(by, accessToken)).toBe('active');
        expect(await endExpiredSessions(by)).toBe(0);
      }
      core.clock.advance(30 * DAY);
      expect(await kindOf(by, accessToken)).toBe('inactive');
      expect(await endExpiredSessions(by)).toBe(1);
      expect((await live()).length).toBe(0);
    });

    it('is over after its time, however it is used', async () => {
      const by = expiring({ absolute: 5 });
      const { accessToken } = await begin();
      core.clock.advance(4 * DAY);
      expect(await kindOf(by, accessToken)).toBe('active');
      core.clock.advance(DAY);
      expect(await kindOf(by, accessToken)).toBe('inactive');
      expect(await endExpiredSessions(by)).toBe(1);
    });

    it('its last activity is written every ten minutes at most', async () => {
      const { accessToken } = await begin();
      const lastActive = async (): Promise<number> =>
        ((await live())[0]?.last_active_at ?? 0) - core.clock.now();
      await findAccess(core, accessToken);
      core.clock.advance(9 * MINUTE);
      await findAccess(core, accessToken);
      expect(await lastActive()).toBe(-9 * MINUTE);
      core.clock.advance(MINUTE);
      await findAccess(core, accessToken);
      expect(await lastActive()).toBe(0);
    });
  });
});
