/** Login tokens: one winner, seconds of life, and what voids them. */
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/protocol/clock.ts';
import { hashSecret } from '../../src/protocol/token-format.ts';
import { issueLoginToken, type LoginTokenOwner, redeemLoginToken } from '../../src/sessions/login-tokens.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { voidPending } from '../../src/storage/personal-data.ts';
import { finishSignIn, insertSignIn } from '../../src/storage/records/sign-ins.ts';
import { forEachEngine } from '../support/database.ts';
import { testClock } from '../support/clock.ts';
import { addUser } from '../storage/support.ts';

const TTL = 10_000;

forEachEngine((engine) => {
  describe('a login token', () => {
    const clock = testClock();
    const owner: LoginTokenOwner = { userId: 'alice', authenticatedAt: 5, upstreamSid: 'sid' };
    let db: Database;
    let other: Database;
    beforeAll(async () => {
      const url = await engine.newUrl();
      db = await engine.open({ url });
      other = await engine.open({ url });
      await db.write((tx) => addUser(tx, 'alice'));
      await db.write((tx) => addUser(tx, 'bob'));
    });
    const issue = (more: Partial<LoginTokenOwner> = {}): Promise<string> =>
      db.write((tx) =>
        issueLoginToken(tx, { clock, random: systemRandom, loginTokenTtl: TTL }, { ...owner, ...more }),
      );
    const redeem = (token: string, by = db): Promise<LoginTokenOwner | undefined> =>
      by.write((tx) => redeemLoginToken(tx, { hash: hashSecret(token), now: clock.now() }));

    it('tells whose it is and what the IdP said, once', async () => {
      const token = await issue();
      expect(await redeem(token)).toEqual(owner);
      expect(await redeem(token)).toBeUndefined();
      expect(await redeem('glt_unknown')).toBeUndefined();
    });

    it('has one winner among many, in two processes', async () => {
      const token = await issue();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => redeem(token, index % 2 === 0 ? db : other)),
      );
      expect(answers.filter((answer) => answer !== undefined)).toEqual([owner]);
    });

    it('is good again where the transaction that redeemed it did not hold', async () => {
      const token = await issue();
      const failed = db.write(async (tx) => {
        await redeemLoginToken(tx, { hash: hashSecret(token), now: clock.now() });
        throw new Error('the homeserver is down');
      });
      await expect(failed).rejects.toThrow('the homeserver is down');
      expect(await redeem(token)).toEqual(owner);
    });

    it('is over when its time is, to the millisecond', async () => {
      const [last, late] = [await issue(), await issue()];
      clock.advance(TTL - 1);
      expect(await redeem(last)).toEqual(owner);
      clock.advance(1);
      expect(await redeem(late)).toBeUndefined();
    });

    it('is void too where the answer and the sign-out come at the same moment', async () => {
      const now = clock.now();
      await db.write((tx) =>
        insertSignIn(tx, {
          id: 'a sign-in',
          purpose: 'legacy_login',
          browser_hash: hashSecret('browser'),
          user_id: 'alice',
          upstream_sid: 'sid',
          created_at: now,
          expires_at: now + 60_000,
        }),
      );
      const asked = Promise.withResolvers<undefined>();
      let token = '';
      const answer = db.write(async (tx) => {
        if (!(await finishSignIn(tx, { id: 'a sign-in', at: now }))) throw new Error('it was answered');
        token = await issueLoginToken(tx, { clock, random: systemRandom, loginTokenTtl: TTL }, owner);
        asked.resolve(undefined);
        // The sign-out has begun by then.
        await setTimeout(300);
      });
      await asked.promise;
      await other.write((tx) => voidPending(tx, { userId: 'alice', at: now, sid: 'sid' }));
      await answer;
      expect(await redeem(token)).toBeUndefined();
    });

    it('is void after a sign-out of its session at the IdP, or of all; not after that of another', async () => {
      const [here, elsewhere, unknown, others] = [
        await issue(),
        await issue({ upstreamSid: 'another' }),
        await issue({ upstreamSid: null }),
        await issue({ userId: 'bob' }),
      ];
      await db.write((tx) => voidPending(tx, { userId: 'alice', at: clock.now(), sid: 'sid' }));
      expect(await redeem(here)).toBeUndefined();
      expect(await redeem(unknown)).toBeUndefined();
      expect(await redeem(elsewhere)).toEqual({ ...owner, upstreamSid: 'another' });
      const token = await issue({ upstreamSid: 'another' });
      await db.write((tx) => voidPending(tx, { userId: 'alice', at: clock.now() }));
      expect(await redeem(token)).toBeUndefined();
      expect(await redeem(others)).toEqual({ ...owner, userId: 'bob' });
    });
  });
});
