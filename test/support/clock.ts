/** Time and randomness that a test holds in its hand: the only doubles. */
import { createHash } from 'node:crypto';
import type { Clock, Random } from '../../src/protocol/clock.ts';

export interface TestClock extends Clock {
  /** Moves both clocks forward. */
  advance(milliseconds: number): void;
  /** Makes the wall clock jump; the monotonic one does not notice. */
  jump(milliseconds: number): void;
}

/** A clock that stands still until it is moved. Starts on 2026-01-01. */
export function testClock(start = Date.UTC(2026, 0, 1)): TestClock {
  let wall = start;
  let steady = 1000;
  return {
    now: () => wall,
    monotonic: () => steady,
    advance(milliseconds) {
      wall += milliseconds;
      steady += milliseconds;
    },
    jump(milliseconds) {
      wall += milliseconds;
    },
  };
}

/** Bytes that look random and are the same in every run with the same seed. */
export function seededRandom(seed: string): Random {
  let counter = 0;
  return (size) => {
    const blocks: Buffer[] = [];
    for (let length = 0; length < size; length += 32) {
      blocks.push(
        createHash('sha256')
          .update(`${seed}:${String(counter++)}`)
          .digest(),
      );
    }
    return Buffer.concat(blocks).subarray(0, size);
  };
}
