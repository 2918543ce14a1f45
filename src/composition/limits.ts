/** Every limit on how often something may be asked, in one table: what the operator may set, and what is fixed. Counts are of this process. */
import type { Config } from '../config/schema.ts';
import { createFloodGuard, type FloodGuard } from '../http/flood-guard.ts';
import { createRateLimiter, type RateLimiter } from '../http/rate-limit.ts';
import type { Foundation } from './foundation.ts';

const MINUTE = 60;
const QUARTER_OF_AN_HOUR = 15 * MINUTE;

export interface Limits {
  /** Before a sign-in, or a request for one, is stored. */
  readonly signIns: FloodGuard;
  /** By address. */
  readonly registrations: RateLimiter;
  readonly deviceGrants: RateLimiter;
  /** Wrong user codes within their life: 5 of 20^8 are less than 2^-32. */
  readonly userCodeGuesses: {
    readonly perBrowser: RateLimiter;
    readonly perAddress: RateLimiter;
    readonly overall: RateLimiter;
  };
  readonly passwordFailures: { readonly perAccount: RateLimiter; readonly perAddress: RateLimiter };
}

/** The limits of one process. */
export function composeLimits(
  { limits }: Pick<Config, 'limits'>,
  { clock, metrics }: Pick<Foundation, 'clock' | 'metrics'>,
): Limits {
  const limit = (name: string, points: number, windowSeconds: number): RateLimiter =>
    createRateLimiter({ name, points, windowSeconds, clock, metrics });
  return {
    signIns: createFloodGuard({
      name: 'sign_ins_per_address',
      what: 'signing in',
      perAddress: limits.sign_ins_per_address,
      total: limits.sign_ins,
      clock,
      metrics,
    }),
    registrations: limit('registrations_per_address', limits.registrations_per_address, MINUTE),
    deviceGrants: limit('device_grants_per_address', limits.device_grants_per_address, MINUTE),
    userCodeGuesses: {
      perBrowser: limit('user_code_guesses_per_browser', 5, QUARTER_OF_AN_HOUR),
      perAddress: limit('user_code_guesses_per_address', 20, QUARTER_OF_AN_HOUR),
      overall: limit('user_code_guesses', 1000, QUARTER_OF_AN_HOUR),
    },
    passwordFailures: {
      perAccount: limit(
        'password_failures_per_account',
        limits.password_failures_per_account,
        QUARTER_OF_AN_HOUR,
      ),
      perAddress: limit('password_failures_per_address', limits.password_failures_per_address, MINUTE),
    },
  };
}
