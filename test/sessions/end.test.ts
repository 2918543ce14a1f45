import { beforeEach, describe, expect, it } from 'vitest';
import { endSession, findSessionOfToken } from '../../src/sessions/end.ts';
import { findAccess } from '../../src/verification/own-token.ts';
import { deliverOutbox } from '../../src/provisioning/deliver.ts';
import { rotateTokens } from '../../src/sessions/rotate.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { opaqueTokens } from '../support/opaque-tokens.ts';
import { forEachEngine } from '../support/database.ts';
import { type Core, MINUTE, sessionCore } from './support.ts';

forEachEngine((engine) => {
  let db: Database;
  let core: Core;
  beforeEach(async () => {
    db ??= await engine.open();
    core = await sessionCore(db);
    // Entries of earlier tests are none of ours.
    await db.write((tx) => tx.deleteFrom('outbox').execute());
  });
  const device = (): object => ({ localpart: `user-${core.userId}`, deviceId: 'DEVICE' });

  describe('ending a session', () => {
    it('kills both tokens and deletes the device at once', async () => {
      const { sessionId, accessToken, refreshToken } = await core.begin();
      expect(await endSession(core, { sessionId, reason: 'revoked' })).toBe(true);
      expect(await findAccess(core, accessToken)).toMatchObject({ kind: 'inactive', reason: 'ended' });
      expect(await rotateTokens(core, { refreshToken, clientId: core.clientId })).toMatchObject({
        reason: 'ended',
      });
      expect(core.homeserver.deleted).toEqual([device()]);
      expect(await endSession(core, { sessionId, reason: 'revoked' })).toBe(false);
    });

    it('finds the session of either token, expired or consumed', async () => {
      const { sessionId, accessToken, refreshToken } = await core.begin();
      await rotateTokens(core, { refreshToken, clientId: core.clientId });
      core.clock.advance(60 * MINUTE);
      expect((await findSessionOfToken(db, accessToken, opaqueTokens))?.sessionId).toBe(sessionId);
      expect((await findSessionOfToken(db, refreshToken, opaqueTokens))?.sessionId).toBe(sessionId);
      expect(await findSessionOfToken(db, 'garbage', opaqueTokens)).toBeUndefined();
    });

    it('tells a homeserver that was down as soon as it is up', async () => {
      const { sessionId } = await core.begin();
      core.homeserver.down = true;
      await endSession(core, { sessionId, reason: 'revoked' });
      expect(core.homeserver.deleted).toEqual([]);
      core.homeserver.down = false;
      expect(await deliverOutbox(core)).toBe(0);
      core.clock.advance(7_500);
      expect(await deliverOutbox(core)).toBe(1);
      expect(core.homeserver.deleted).toEqual([device()]);
      core.clock.advance(60 * MINUTE);
      expect(await deliverOutbox(core)).toBe(0);
    });

    it('leaves the device to a live session that holds it by then', async () => {
      const { sessionId } = await core.begin();
      core.homeserver.down = true;
      await endSession(core, { sessionId, reason: 'revoked' });
      await core.begin();
      core.homeserver.down = false;
      core.clock.advance(7_500);
      expect(await deliverOutbox(core)).toBe(1);
      expect(core.homeserver.deleted).toEqual([]);
    });
  });

  describe('a session on the same device', () => {
    it('replaces the one before and keeps the device', async () => {
      const before = await core.begin();
      const after = await core.begin();
      expect(await findAccess(core, before.accessToken)).toMatchObject({ kind: 'inactive', reason: 'ended' });
      expect(await findAccess(core, after.accessToken)).toMatchObject({ kind: 'active' });
      expect(core.homeserver.deleted).toEqual([]);
    });

    it('is one even when two begin at the same moment', async () => {
      const both = await Promise.all([core.begin(), core.begin()]);
      const kinds = await Promise.all(
        both.map(async (tokens) => (await findAccess(core, tokens.accessToken)).kind),
      );
      expect(kinds.sort()).toEqual(['active', 'inactive']);
    });
  });
});
