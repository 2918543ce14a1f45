/** Time limits of many things that all have the same one: a timer for each would cost more than most of them take. */
import { systemClock } from '../protocol/clock.ts';

export interface Deadlines {
  /** Calls `expire` after the limit, unless the function returned is called before. */
  start(expire: () => void): () => void;
}

/** One timer, for whatever began first. */
export function createDeadlines(limitMs: number): Deadlines {
  // In the order of their ends, as all last equally long.
  const running = new Map<() => void, number>();
  let isArmed = false;
  const arm = (milliseconds: number): void => {
    isArmed = true;
    setTimeout(expireDue, milliseconds).unref();
  };
  const expireDue = (): void => {
    isArmed = false;
    const now = systemClock.monotonic();
    for (const [expire, endsAt] of running) {
      if (endsAt > now) {
        arm(endsAt - now);
        return;
      }
      running.delete(expire);
      expire();
    }
  };
  return {
    start(expire) {
      running.set(expire, systemClock.monotonic() + limitMs);
      if (!isArmed) arm(limitMs);
      return () => {
        running.delete(expire);
      };
    },
  };
}
