/**
 * Time and randomness as arguments. Nothing outside this file reads the global clock or the global
 * random source (a lint rule), so a test can replay any moment.
 */
import { randomBytes } from 'node:crypto';
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

export const systemRandom: Random = (size) => randomBytes(size);
