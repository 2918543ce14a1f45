import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/protocol/clock.ts';

describe('the random source', () => {
  it('gives as many bytes as were asked for, and never the same ones twice', () => {
    const seen = new Set<string>();
    const sizes = [1, 4, 16, 32, 64, 65, 5000];
    for (let round = 0; round < 300; round++) {
      for (const size of sizes) {
        const bytes = systemRandom(size);
        expect(bytes).toHaveLength(size);
        if (size >= 16) seen.add(bytes.toString('hex', 0, 16));
      }
    }
    expect(seen.size).toBe(300 * 5);
  });

  it('gives bytes that stay as they are', () => {
    const first = systemRandom(32);
    const copy = Buffer.from(first);
    for (let round = 0; round < 500; round++) systemRandom(64);
    expect(first.equals(copy)).toBe(true);
  });
});
