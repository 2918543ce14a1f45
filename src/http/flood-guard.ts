/** Against floods of requests that each leave a row behind: a limit for each address, and one for all of them together. */
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../protocol/clock.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { addressKey } from './client-ip.ts';
import type { ApiRequest } from './exchange.ts';
import { createRateLimiter } from './rate-limit.ts';

export interface FloodGuard {
  /** Counts one. Throws a 429 where this address had too many in the minute, and `Unavailable` where all together had. */
  take(request: Pick<ApiRequest, 'clientAddress'>): void;
}

const WINDOW_SECONDS = 60;

/** `perAddress` and `total` count a minute, in this process. */
export function createFloodGuard(options: {
  readonly name: string;
  readonly what: string;
  readonly perAddress: number;
  readonly total: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly metrics: Pick<Metrics, 'count'>;
}): FloodGuard {
  const { name, what, perAddress, total, clock, metrics } = options;
  const addresses = createRateLimiter({
    name,
    points: perAddress,
    windowSeconds: WINDOW_SECONDS,
    clock,
    metrics,
  });
  let window = { endsAt: 0, used: 0 };
  return {
    take({ clientAddress }) {
      addresses.take(addressKey(clientAddress));
      const now = clock.monotonic();
      if (window.endsAt <= now) window = { endsAt: now + WINDOW_SECONDS * 1000, used: 0 };
      if (window.used >= total) {
        metrics.count('rateLimitHits', { limit: `${name}_total` });
        throw new Unavailable(what, { retryAfterSeconds: (window.endsAt - now) / 1000 });
      }
      window.used += 1;
    },
  };
}
