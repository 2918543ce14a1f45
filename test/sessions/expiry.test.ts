import { beforeEach, describe, expect, it } from 'vitest';
import { endExpiredSessions } from '../../src/sessions/expiry.ts';
import { findAccess } from '../../src/verification/own-token.ts';
import { rotateTokens } from '../../src/sessions/rotate.ts';
import type { Database } from '../../src/storage/engine/database.ts';
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
  const expiring = (days: { idle?: number; absolute?: number }): Core => ({
    ...core,
    policy: {
      ...core.policy,
      // Longer than any of this, so that only the session's end is seen.
      accessTokenTtl: 1000 * DAY,
      idleExpiry: (days.idle ?? 0) * DAY,
      absoluteExpiry: (days.absolute ?? 0) * DAY,
    },
  });
  const refresh = async (by: Core, refreshToken: string): Promise<string> => {
    const rotation = await rotateTokens(by, { refreshToken, clientId: core.clientId });
    return rotation.ok ? rotation.tokens.refreshToken : rotation.reason;
  };

  describe('a session', () => {
    it('never expires by itself where nothing says so', async () => {
      const { refreshToken } = await core.begin();
      core.clock.advance(3650 * DAY);
      expect(await endExpiredSessions(core)).toBe(0);
      expect(await refresh(core, refreshToken)).toMatch(/^grt_/);
    });

    it('expires when it was not used for long: at its next use, and the device goes', async () => {
      const by = expiring({ idle: 30 });
      const { accessToken, refreshToken } = await core.begin();
      core.clock.advance(29 * DAY);
      const next = await refresh(by, refreshToken);
      core.clock.advance(29 * DAY);
      const last = await refresh(by, next);
      expect(last).toMatch(/^grt_/);
      core.clock.advance(30 * DAY);
      expect(await findAccess(by, accessToken)).toMatchObject({ kind: 'inactive' });
      expect(core.homeserver.deleted).toEqual([]);
      expect(await refresh(by, last)).toBe('expired');
      expect(core.homeserver.deleted).toHaveLength(1);
      expect(await refresh(by, last)).toBe('ended');
    });

    it('refuses an access token that would be good otherwise', async () => {
      const by = expiring({ absolute: 5 });
      const first = await core.begin();
      const rotation = await rotateTokens(by, { refreshToken: first.refreshToken, clientId: core.clientId });
      const token = rotation.ok ? rotation.tokens.accessToken : '';
      core.clock.advance(5 * DAY - 1);
      expect(await findAccess(by, token)).toMatchObject({ kind: 'active' });
      core.clock.advance(1);
      expect(await findAccess(by, token)).toMatchObject({ kind: 'inactive', reason: 'ended' });
      expect(await findAccess(core, token)).toMatchObject({ kind: 'active' });
    });

    it('expires however it is used, at its greatest age', async () => {
      const by = expiring({ absolute: 90, idle: 30 });
      let { refreshToken } = await core.begin();
      for (let age = 0; age < 80; age += 20) {
        core.clock.advance(20 * DAY);
        refreshToken = await refresh(by, refreshToken);
        expect(refreshToken).toMatch(/^grt_/);
      }
      core.clock.advance(10 * DAY);
      expect(await refresh(by, refreshToken)).toBe('expired');
    });

    it("is not ended by another client's try", async () => {
      const by = expiring({ idle: 1 });
      const { refreshToken } = await core.begin();
      core.clock.advance(DAY);
      expect(await rotateTokens(by, { refreshToken, clientId: 'somebody' })).toMatchObject({
        reason: 'other_client',
      });
    });

    it('ends by periodic work when nobody uses it, and its device with it', async () => {
      const by = expiring({ idle: 30, absolute: 365 });
      for (let device = 0; device < 120; device++) await core.begin({ deviceId: `D${String(device)}` });
      core.clock.advance(20 * DAY);
      await core.begin({ deviceId: 'LATER' });
      core.clock.advance(10 * DAY);
      expect(await endExpiredSessions(by)).toBe(120);
      const told = core.events.filter(
        ({ event, reason }) => event === 'session_ended' && reason === 'expired',
      );
      expect(new Set(told.map(({ sessionId }) => sessionId)).size).toBe(120);
      expect(await endExpiredSessions(by)).toBe(0);
      const live = await db.query.selectFrom('sessions').selectAll().where('ended_at', 'is', null).execute();
      expect(live.map((session) => session.device_id)).toEqual(['LATER']);
      const reasons = await db.query.selectFrom('sessions').select('end_reason').distinct().execute();
      expect(reasons.map((row) => row.end_reason).sort()).toEqual(['expired', null].sort());
      expect(
        await db.query.selectFrom('outbox').select('id').where('user_id', '=', core.userId).execute(),
      ).toHaveLength(120);
    });
  });
});
