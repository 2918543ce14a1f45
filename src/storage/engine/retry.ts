/** Trying again, with pauses, what failed for a passing reason. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Random } from '../../protocol/clock.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** How long to go on: no new attempt begins after it. */
  readonly patienceMs: number;
  readonly isRetryable: (error: unknown) => boolean;
  /** The first pause is at most this; each following one at most twice the one before, up to `longestPauseMs`. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

/** Resolves or rejects with what the last attempt did. */
export async function retrying<T>(attempt: () => T | Promise<T>, options: RetryOptions): Promise<T> {
  const began = options.clock.monotonic();
  let slept = 0;
  for (let limit = options.firstPauseMs; ; limit = Math.min(limit * 2, options.longestPauseMs)) {
    try {
      return await attempt();
    } catch (error) {
      // The pauses are counted as well as the clock, so that a clock that stands still cannot keep us here for ever.
      const spent = Math.max(slept, options.clock.monotonic() - began);
      if (spent >= options.patienceMs || !options.isRetryable(error)) throw error;
      const pause = jittered(limit, options.random);
      await sleep(pause);
      slept += pause;
    }
  }
}

/** Between half of `limit` and all of it, at least 1. */
function jittered(limit: number, random: Random): number {
  return Math.max(1, Math.round(limit * (0.5 + (random(1)[0] ?? 0) / 510)));
}
