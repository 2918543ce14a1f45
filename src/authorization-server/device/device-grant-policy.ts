import type { RateLimiter } from '../../http/rate-limit.ts';

/** What the operator decided about device grants. */
export interface DeviceGrantPolicy {
  /** Requests, by `addressKey`. */
  readonly limit: RateLimiter;
  /** Wrong user codes: of one browser, by its secret's hash; of one address, by `addressKey`; of all. */
  readonly guesses: {
    readonly perBrowser: RateLimiter;
    readonly perAddress: RateLimiter;
    readonly overall: RateLimiter;
  };
  /** How many may wait for a person at once, of all clients; one client may have half of them. */
  readonly waitingCap: number;
  /** Subkey under which user codes are hashed. */
  readonly userCodeKey: Buffer;
}
