/**
 * Time and randomness as arguments. Nothing outside this file reads the global clock or the global
 * random source (a lint rule), so a test can replay any moment.
 */
import { randomBytes, randomFillSync } from 'node:crypto';
// The global of that name is a getter, at several times the cost.
import { performance } from 'node:perf_hooks';

/** The two clocks that the service reads. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch: for what is stored or sent. May jump. */
  now(): number;
  /** Milliseconds since an arbitrary start, never going back: for ages and time-outs within the process. */
  monotonic(): number;
}

/** Returns `size` bytes from a cryptographically secure source. */
export type Random = (size: number) => Buffer;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** Bytes that are drawn ahead, since the way into the source costs more than the bytes; each is given out once, and not kept. */
const ahead = Buffer.alloc(4096);
let given = ahead.length;

export const systemRandom: Random = (size) => {
  if (size > 64) return randomBytes(size);
  if (given + size > ahead.length) {
    randomFillSync(ahead);
    given = 0;
  }
  const bytes = Buffer.from(ahead.subarray(given, given + size));
  ahead.fill(0, given, given + size);
  given += size;
  return bytes;
};
