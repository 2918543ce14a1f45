import { randomBytes } from 'node:crypto';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { activeKey, PREPUBLISH, publishedKeys, RETENTION } from '../../src/signing-keys/key-schedule.ts';
import {
  openSigningKeys,
  rotateOldSigningKeys,
  rotateSigningKeys,
  type SigningKeys,
} from '../../src/signing-keys/signing-keys.ts';
import { systemRandom } from '../../src/protocol/clock.ts';
import { watchChanges } from '../../src/storage/changes.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { createSealer } from '../../src/storage/sealed.ts';
import { listSigningKeys } from '../../src/storage/records/signing-keys.ts';
import { testClock } from '../support/clock.ts';
import { forEachEngine } from '../support/database.ts';

describe('the schedule of signing keys', () => {
  const old = { kid: 'old', alg: 'RS256', created_at: 0 };
  const next = { kid: 'next', alg: 'RS256', created_at: 100 * PREPUBLISH };
  const both = [old, next];

  it('publishes a new key before it signs, and an old one until its last ID token has expired', () => {
    const begins = next.created_at + PREPUBLISH;
    expect(activeKey(both, 'RS256', next.created_at)).toBe(old);
    expect(activeKey(both, 'RS256', begins - 1)).toBe(old);
    expect(activeKey(both, 'RS256', begins)).toBe(next);
    expect(publishedKeys(both, next.created_at)).toEqual([next, old]);
    expect(publishedKeys(both, begins + RETENTION - 1)).toEqual([next, old]);
    expect(publishedKeys(both, begins + RETENTION)).toEqual([next]);
  });

  it.each([
    ['a minute', 1, true],
    ['a quarter of an hour', 15, true],
    ['half an hour', 30, true],
    ['an hour, when its last ID token expires', 60, true],
    ['a day, when its last access token expires', 24 * 60, true],
    ['a day and nine minutes, for a clock that is slow', 24 * 60 + 9, true],
    ['a day and ten minutes', 24 * 60 + 10, false],
    ['two days', 2 * 24 * 60, false],
  ])('%s after it last signed, an old key is published or not: %i minutes, %s', (_, minutes, isPublished) => {
    const now = next.created_at + PREPUBLISH + minutes * 60_000;
    expect(publishedKeys(both, now).includes(old)).toBe(isPublished);
  });

  it('lets the only key sign at once', () => {
    expect(activeKey([next], 'RS256', 0)).toBe(next);
    expect(publishedKeys([next], 0)).toEqual([next]);
    expect(activeKey([], 'RS256', 0)).toBeUndefined();
  });

  it('has a line of keys for each algorithm', () => {
    const other = { kid: 'other', alg: 'ES256', created_at: 50 * PREPUBLISH };
    const all = [...both, other];
    const late = next.created_at + PREPUBLISH + RETENTION;
    expect(activeKey(all, 'RS256', late)).toBe(next);
    expect(activeKey(all, 'ES256', late)).toBe(other);
    expect(activeKey(both, 'ES256', late)).toBeUndefined();
    expect(publishedKeys(all, late)).toEqual([next, other]);
  });

  it('goes on through a clock that jumps back', () => {
    expect(activeKey(both, 'RS256', -1)).toBe(old);
    expect(publishedKeys(both, -1)).toEqual([next, old]);
  });
});

forEachEngine((engine) => {
  describe('signing keys', () => {
    let db: Database;
    beforeAll(async () => {
      db = await engine.open();
    });
    afterAll(async () => {
      await db.close();
    });

    it('rotate while several processes sign, and none ever signs with a key that is not published', async () => {
      const clock = testClock();
      const sealer = createSealer(randomBytes(32), systemRandom);
      const watchers = [watchChanges({ database: db }), watchChanges({ database: db })];
      const open = (index: number): Promise<SigningKeys> =>
        openSigningKeys({
          db,
          sealer,
          clock,
          emit: () => undefined,
          changes: watchers[index] as (typeof watchers)[number],
        });
      const [a, b] = [await open(0), await open(1)];
      const look = async (): Promise<void> => {
        for (const watcher of watchers) await watcher.look();
      };
      await look();
      const verify = async (token: string, by: SigningKeys): Promise<string | undefined> => {
        const keys = createLocalJWKSet({ keys: [...(await by.published())] });
        const currentDate = new Date(clock.now());
        const { protectedHeader } = await jwtVerify(token, keys, { currentDate }).catch(() => ({
          protectedHeader: { kid: 'refused' },
        }));
        return protectedHeader.kid;
      };
      const first = await a.sign({ sub: 'x' });
      const kid = await verify(first, b);
      expect((await a.published()).map((key) => key.kid)).toEqual([kid]);
      expect(Object.keys((await a.published())[0] ?? {})).not.toContain('d');

      clock.advance(1);
      const [second] = await rotateSigningKeys({ db, sealer, clock, emit: () => undefined });
      await look();
      for (const keys of [a, b]) {
        expect((await keys.published()).map((key) => key.kid)).toEqual([second, kid]);
        expect(await verify(await keys.sign({}), a)).toBe(kid);
      }
      clock.advance(PREPUBLISH);
      expect(await verify(await a.sign({}), b)).toBe(second);
      expect(await verify(first, b)).toBe(kid);
      clock.advance(RETENTION);
      expect(await verify(first, b)).toBe('refused');

      const sealed = { db, sealer, clock, emit: () => undefined };
      const age = 2 * RETENTION;
      expect(await rotateOldSigningKeys(sealed, age)).toEqual([]);
      clock.advance(age);
      const raced = await Promise.all([1, 2, 3].map(() => rotateOldSigningKeys(sealed, age)));
      expect(raced.flat()).toHaveLength(1);
      expect(await listSigningKeys(db.query)).toHaveLength(2);

      const [emergency] = await rotateSigningKeys(sealed, { atOnce: true });
      await look();
      expect((await b.published()).map((key) => key.kid)).toEqual([emergency]);
      expect(await verify(await b.sign({}), a)).toBe(emergency);
      expect(await listSigningKeys(db.query)).toHaveLength(1);
      for (const watcher of watchers) await watcher.close();
    });

    it('cannot be opened under another encryption key', async () => {
      const deps = {
        db,
        clock: testClock(),
        emit: () => undefined,
        sealer: createSealer(randomBytes(32), systemRandom),
      };
      await expect(openSigningKeys(deps)).rejects.toThrow();
    });
  });
});
