import { describe, expect, it } from 'vitest';
import {
  hashUserCode,
  newUserCode,
  readUserCode,
  showUserCode,
} from '../../../src/authorization-server/device/user-code.ts';
import { seededRandom } from '../../support/clock.ts';

describe('a user code', () => {
  it('is eight letters, each of twenty about as often as any other', () => {
    const random = seededRandom('user codes');
    const counts = new Map<string, number>();
    for (let index = 0; index < 5000; index++) {
      const code = newUserCode(random);
      expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{8}$/);
      for (const letter of code.split('')) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    expect(counts.size).toBe(20);
    for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(250);
  });

  it('is read back from what is shown, and hashed under a key', () => {
    const code = newUserCode(seededRandom('one'));
    expect(readUserCode(showUserCode(code))).toBe(code);
    const hash = hashUserCode(Buffer.alloc(32, 1), code);
    expect(hash).toBe(hashUserCode(Buffer.alloc(32, 1), code));
    expect(hash).not.toBe(hashUserCode(Buffer.alloc(32, 2), code));
    expect(hash).not.toContain(code);
  });

  it.each([
    '',
    'WDJBMJH',
    'WDJBMJHTX',
    'WDJBMJHA',
    'WDJBMJH1',
    'ＷＤＪＢＭＪＨＴ',
    'ſſſſſſſſ',
    `W${' '.repeat(80)}DJBMJHT`,
  ])('is not %j', (text) => {
    expect(readUserCode(text)).toBeUndefined();
  });
});
