import type { AddressLimit } from '../../http/address-limit.ts';
import type { RateLimiter } from '../../http/rate-limit.ts';

/** What the operator decided about device grants. */
export interface DeviceGrantPolicy {
  /** Requests. */
  readonly limit: AddressLimit;
  /** Wrong user codes: of one browser, by its secret's hash; of addresses. */
  readonly guesses: {
    readonly perBrowser: RateLimiter;
    readonly perAddress: AddressLimit;
  };
  /** How many may wait for a person at once, of all clients; one client may have half of them. */
  readonly waitingCap: number;
  /** Subkey under which user codes are hashed. */
  readonly userCodeKey: Buffer;
}
