/**
 * A circuit breaker: a peer that has failed several times in a row is left alone for a while, so that people get their answer at once instead
 * of after a time-out, and the peer is not hit by everybody the moment it comes back.
 */
import type { Clock } from '../protocol/clock.ts';

export interface Circuit {
  /** Milliseconds until the peer is tried again; 0 if it may be called now. While one trial is under way, others wait. */
  rest(): number;
  succeeded(): void;
  failed(): void;
}

/** Failures in a row that open it. */
const FAILURES = 5;
/** First and longest rest, in milliseconds; it doubles with each failed trial. */
const FIRST_REST = 1_000;
const LONGEST_REST = 30_000;

/** A closed circuit. */
export function createCircuit(clock: Clock): Circuit {
  let failures = 0;
  let restMs = 0;
  let openUntil = 0;

  return {
    rest() {
      const now = clock.monotonic();
      if (failures < FAILURES || now < openUntil) return Math.max(0, openUntil - now);
      // This call is the trial: the next ones wait until its outcome is known, or as long again.
      openUntil = now + restMs;
      return 0;
    },
    succeeded() {
      failures = 0;
      restMs = 0;
      openUntil = 0;
    },
    failed() {
      failures++;
      if (failures < FAILURES) return;
      restMs = Math.min(Math.max(FIRST_REST, restMs * 2), LONGEST_REST);
      openUntil = clock.monotonic() + restMs;
    },
  };
}
