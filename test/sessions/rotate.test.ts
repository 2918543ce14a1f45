import { beforeEach, describe, expect, it } from 'vitest';
import { hashSecret } from '../../src/protocol/token-format.ts';
import { findAccess } from '../../src/verification/own-token.ts';
import type { IssuedTokens } from '../../src/sessions/issued-tokens.ts';
import { type Rotation, rotateTokens } from '../../src/sessions/rotate.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { forEachEngine } from '../support/database.ts';
import { type Core, MINUTE, sessionCore } from './support.ts';

forEachEngine((engine) => {
  let db: Database;
  let core: Core;
  beforeEach(async () => {
    db ??= await engine.open();
    core = await sessionCore(db);
  });

  const rotate = (
    refreshToken: string,
    more: { scope?: string[]; clientId?: string } = {},
  ): Promise<Rotation> => rotateTokens(core, { refreshToken, clientId: core.clientId, ...more });
  const rotated = async (refreshToken: string): Promise<IssuedTokens & { how: string }> => {
    const rotation = await rotate(refreshToken);
    if (!rotation.ok) throw new Error(`refused: ${rotation.reason}`);
    return { ...rotation.tokens, how: rotation.how };
  };
  const use = async (accessToken: string): Promise<string> => (await findAccess(core, accessToken)).kind;

  describe('refresh', () => {
    it('issues a new pair and leaves the old access token its life', async () => {
      const first = await core.begin();
      const second = await rotated(first.refreshToken);
      expect(second.how).toBe('rotated');
      expect(second.refreshToken).not.toBe(first.refreshToken);
      expect(await use(second.accessToken)).toBe('active');
      expect(await use(first.accessToken)).toBe('active');
      core.clock.advance(10 * MINUTE);
      expect(await use(first.accessToken)).toBe('inactive');
    });

    it.each([1_000, 5 * MINUTE])(
      'yields the identical pair again %d ms later while it is unused',
      async (later) => {
        const first = await core.begin();
        const lost = await rotated(first.refreshToken);
        core.clock.advance(later);
        const again = await rotated(first.refreshToken);
        expect(again).toMatchObject({
          how: 'retried',
          accessToken: lost.accessToken,
          refreshToken: lost.refreshToken,
        });
        expect(again.expiresInSeconds).toBe((10 * MINUTE - later) / 1000);
        expect(await use(again.accessToken)).toBe('active');
      },
    );

    it.each([60 * MINUTE, 30 * 24 * 60 * MINUTE])(
      'yields a fresh pair %d ms later, when the identical one has expired unused',
      async (later) => {
        const first = await core.begin();
        const lost = await rotated(first.refreshToken);
        core.clock.advance(later);
        const again = await rotated(first.refreshToken);
        expect(again.how).toBe('renewed');
        expect(again.refreshToken).not.toBe(lost.refreshToken);
        expect(await use(again.accessToken)).toBe('active');
        expect((await rotated(again.refreshToken)).how).toBe('rotated');
      },
    );

    it('ends the session when the pair that lost is presented after the other was used', async () => {
      const first = await core.begin();
      const lost = await rotated(first.refreshToken);
      core.clock.advance(60 * MINUTE);
      const winner = await rotated(first.refreshToken);
      expect(await use(winner.accessToken)).toBe('active');
      expect(await rotate(lost.refreshToken)).toMatchObject({ ok: false, reason: 'replayed' });
      expect(await use(winner.accessToken)).toBe('inactive');
    });

    it('lets the earlier of two unused pairs win, if it is used first', async () => {
      const first = await core.begin();
      const earlier = await rotated(first.refreshToken);
      core.clock.advance(60 * MINUTE);
      const later = await rotated(first.refreshToken);
      expect((await rotated(earlier.refreshToken)).how).toBe('rotated');
      expect(await use(later.accessToken)).toBe('inactive');
      expect(await rotate(later.refreshToken)).toMatchObject({ ok: false, reason: 'replayed' });
    });

    it('gives eight parallel callers the same working pair', async () => {
      const first = await core.begin();
      const pairs = await Promise.all(Array.from({ length: 8 }, () => rotated(first.refreshToken)));
      expect(new Set(pairs.map((pair) => pair.refreshToken)).size).toBe(1);
      expect(new Set(pairs.map((pair) => pair.accessToken)).size).toBe(1);
      expect(pairs.filter((pair) => pair.how === 'rotated')).toHaveLength(1);
      expect(await use(pairs[0]?.accessToken ?? '')).toBe('active');
    });

    it('still yields the same pair within the grace after the successor was used', async () => {
      const first = await core.begin();
      const second = await rotated(first.refreshToken);
      expect(await use(second.accessToken)).toBe('active');
      core.clock.advance(30_000);
      const again = await rotated(first.refreshToken);
      expect(again).toMatchObject({
        how: 'graced',
        refreshToken: second.refreshToken,
        accessToken: second.accessToken,
      });
      core.clock.advance(1);
      expect(await rotate(first.refreshToken)).toMatchObject({ ok: false, reason: 'replayed' });
      expect(await use(second.accessToken)).toBe('inactive');
    });

    it('counts the presentation of the successor as its use', async () => {
      const first = await core.begin();
      const second = await rotated(first.refreshToken);
      const third = await rotated(second.refreshToken);
      expect((await rotated(first.refreshToken)).refreshToken).toBe(second.refreshToken);
      expect((await rotated(second.refreshToken)).refreshToken).toBe(third.refreshToken);
      expect(await use(third.accessToken)).toBe('active');
      expect(await rotate(first.refreshToken)).toMatchObject({ ok: false, reason: 'replayed' });
    });

    it('ends the session on any replay where the grace is 0', async () => {
      core = await sessionCore(db, 0);
      const first = await core.begin();
      const second = await rotated(first.refreshToken);
      expect((await rotated(first.refreshToken)).how).toBe('retried');
      await use(second.accessToken);
      expect(await rotate(first.refreshToken)).toMatchObject({ ok: false, reason: 'replayed' });
      expect(await rotate(second.refreshToken)).toMatchObject({ ok: false, reason: 'ended' });
    });

    it.each([2, 50])('ends the session on a token that is %d generations old', async (age) => {
      const first = await core.begin();
      let last = first;
      for (let generation = 0; generation < age; generation++) last = await rotated(last.refreshToken);
      await use(last.accessToken);
      expect(await rotate(first.refreshToken)).toMatchObject({ ok: false, reason: 'replayed' });
      expect(await use(last.accessToken)).toBe('inactive');
    });

    it('tells the homeserver of a session that a replay ended', async () => {
      const first = await core.begin();
      const second = await rotated(first.refreshToken);
      await rotated(second.refreshToken);
      core.clock.advance(31_000);
      await rotate(first.refreshToken);
      expect(core.homeserver.deleted).toEqual([{ localpart: `user-${core.userId}`, deviceId: 'DEVICE' }]);
    });

    it("refuses another client's token and leaves its session alone", async () => {
      const first = await core.begin();
      expect(await rotate(first.refreshToken, { clientId: 'somebody' })).toMatchObject({
        reason: 'other_client',
      });
      expect((await rotated(first.refreshToken)).how).toBe('rotated');
    });

    it('narrows the scope of one access token only, and never drops API and device', async () => {
      const full = 'openid urn:matrix:client:api:* urn:matrix:client:device:DEVICE';
      const first = await core.begin({ scope: full });
      const narrow = await rotate(first.refreshToken, { scope: ['urn:matrix:client:api:*'] });
      expect(narrow).toMatchObject({
        tokens: { scope: 'urn:matrix:client:api:* urn:matrix:client:device:DEVICE' },
      });
      if (narrow.ok) expect((await rotated(narrow.tokens.refreshToken)).scope).toBe(full);
    });

    it('refuses a wider scope without consuming the token', async () => {
      const first = await core.begin();
      expect(await rotate(first.refreshToken, { scope: ['openid'] })).toMatchObject({
        reason: 'wider_scope',
      });
      expect((await rotated(first.refreshToken)).how).toBe('rotated');
    });

    it.each([
      '',
      'x',
      'grt_',
      `grt_${'A'.repeat(49)}`,
      `gat_${'A'.repeat(49)}`,
      '\0'.repeat(53),
      'é'.repeat(53),
      'x'.repeat(10_000),
    ])('refuses a malformed token', async (token) => {
      expect(await rotate(token)).toEqual({ ok: false, reason: 'malformed' });
    });

    it('goes on when the wall clock jumps two hours either way', async () => {
      const first = await core.begin();
      core.clock.jump(-120 * MINUTE);
      const second = await rotated(first.refreshToken);
      expect(await use(second.accessToken)).toBe('active');
      core.clock.jump(240 * MINUTE);
      expect((await rotated(second.refreshToken)).how).toBe('rotated');
    });

    it('goes on for a locked user, and stops for a deactivated one', async () => {
      const first = await core.begin();
      const set = (values: { locked_at?: number; deactivated_at?: number }): Promise<unknown> =>
        db.write((tx) => tx.updateTable('users').set(values).where('id', '=', core.userId).execute());
      await set({ locked_at: core.clock.now() });
      const second = await rotated(first.refreshToken);
      expect(await use(second.accessToken)).toBe('locked');
      await set({ deactivated_at: core.clock.now() });
      expect(await rotate(second.refreshToken)).toMatchObject({ ok: false, reason: 'deactivated' });
      expect(await use(second.accessToken)).toBe('inactive');
    });

    it('keeps the access tokens of the last hour, and few that were spent before, however long it goes on', async () => {
      const first = await core.begin();
      const issued = [first];
      for (let count = 0; count < 40; count++) {
        core.clock.advance(10 * MINUTE);
        issued.push(await rotated(issued.at(-1)?.refreshToken ?? ''));
      }
      const rows = await db.query
        .selectFrom('access_tokens')
        .select('hash')
        .where('session_id', '=', first.sessionId)
        .execute();
      const kept = new Set(rows.map(({ hash }) => hash));
      expect(issued.slice(-7).every(({ accessToken }) => kept.has(hashSecret(accessToken)))).toBe(true);
      expect(rows.length).toBeLessThanOrEqual(7 + 8);
    });

    it('stores nothing from which a token could be read', async () => {
      const first = await core.begin();
      const second = await rotated(first.refreshToken);
      const rows = JSON.stringify([
        await db.query.selectFrom('access_tokens').selectAll().execute(),
        await db.query.selectFrom('refresh_tokens').selectAll().execute(),
      ]);
      for (const token of [first.accessToken, first.refreshToken, second.accessToken, second.refreshToken]) {
        expect(rows).not.toContain(token);
        expect(rows).not.toContain(token.slice(4, 47));
      }
    });
  });
});
