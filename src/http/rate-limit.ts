/**
 * Limits per address or account, in memory, in fixed windows. Bounded: under a flood of distinct keys the ones that were quiet longest are
 * forgotten first. Time is the service's clock, so tests need not wait.
 */
import { LRUCache } from 'lru-cache';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../protocol/clock.ts';
import { RequestFault } from './fault.ts';

export interface RateLimitOptions {
  /** Label of `gatehouse_rate_limit_hits_total`, and for the log. */
  readonly name: string;
  /** How many a window allows for one key. */
  readonly points: number;
  readonly windowSeconds: number;
  /** The most keys that are remembered. Default 100,000 (some 20 MB). */
  readonly keys?: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly metrics: Pick<Metrics, 'count'>;
}

export interface RateLimiter {
  /** Throws as `take` would, and counts nothing. */
  check(key: string): void;
  /** How many are counted for the key in its window. */
  used(key: string): number;
  /** Counts one, or throws a 429 with `Retry-After` if the window has no more. */
  take(key: string): void;
  /**
   * As {@link take}, for limits on failures: counted beforehand, so that attempts at the same time cannot all pass. If only attempts without an
   * outcome fill the window, `Retry-After` is a second: they may come to nothing.
   */
  reserve(key: string): Reservation;
}

/** An attempt whose outcome is not known yet; one of the two is called, once. */
export interface Reservation {
  /** It was a failure. */
  keep(): void;
  /** It was none. */
  giveBack(): void;
}

/** Reserves at all of these limits, in this order, or at none. */
export function reserveAll(
  limits: readonly (readonly [Pick<RateLimiter, 'reserve'>, string])[],
): Reservation {
  const reservations: Reservation[] = [];
  const all = (settle: keyof Reservation) => () => {
    for (const reservation of reservations) reservation[settle]();
  };
  try {
    for (const [limit, key] of limits) reservations.push(limit.reserve(key));
  } catch (error) {
    all('giveBack')();
    throw error;
  }
  return { keep: all('keep'), giveBack: all('giveBack') };
}

interface Window {
  readonly endsAt: number;
  /** Those that are pending included. */
  used: number;
  pending: number;
}

/** For addresses there is `createAddressLimit`. */
export function createRateLimiter(options: RateLimitOptions): RateLimiter {
  const { name, points, windowSeconds, clock, metrics } = options;
  metrics.count('rateLimitHits', { limit: name }, 0);
  // Made at the first count: it takes the memory for all its keys at once.
  let windows: LRUCache<string, Window> | undefined;
  const windowOf = (key: string): Window | undefined => {
    const window = windows?.get(key);
    return window !== undefined && window.endsAt > clock.monotonic() ? window : undefined;
  };
  const check = (key: string): void => {
    const window = windowOf(key);
    if (window === undefined || window.used < points) return;
    metrics.count('rateLimitHits', { limit: name });
    const left = window.used - window.pending < points ? 0 : window.endsAt - clock.monotonic();
    const seconds = Math.max(1, Math.ceil(left / 1000));
    throw new RequestFault('rate', 429, 'M_LIMIT_EXCEEDED', 'too many requests, try again later', {
      headers: { 'retry-after': String(seconds) },
      reason: `limit ${name}: more than ${points} in ${windowSeconds} s`,
    });
  };
  const count = (key: string): Window => {
    const window = windowOf(key) ?? { endsAt: clock.monotonic() + windowSeconds * 1000, used: 0, pending: 0 };
    if (window.used === 0) {
      windows ??= new LRUCache({ max: options.keys ?? 100_000 });
      windows.set(key, window);
    }
    window.used += 1;
    return window;
  };
  return {
    check,
    used: (key) => windowOf(key)?.used ?? 0,
    take(key) {
      check(key);
      count(key);
    },
    reserve(key) {
      check(key);
      const window = count(key);
      window.pending += 1;
      return {
        keep: () => void (window.pending -= 1),
        giveBack: () => {
          window.pending -= 1;
          window.used -= 1;
        },
      };
    },
  };
}
