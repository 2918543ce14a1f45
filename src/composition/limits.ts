/** Every limit on how often something may be asked, in one table: what the operator may set, and what is fixed. Counts are of this process. */
import type { Config } from '../config/schema.ts';
import { type AddressLimit, type AddressLimitOptions, createAddressLimit } from '../http/address-limit.ts';
import { createRateLimiter, type RateLimiter } from '../http/rate-limit.ts';
import type { Foundation } from './foundation.ts';

const MINUTE = 60;
const QUARTER_OF_AN_HOUR = 15 * MINUTE;

export interface Limits {
  /** Before a sign-in, or a request for one, is stored. */
  readonly signIns: AddressLimit;
  readonly registrations: AddressLimit;
  readonly deviceGrants: AddressLimit;
  /** Wrong user codes within their life: 5 of 20^8 are less than 2^-32. */
  readonly userCodeGuesses: {
    readonly perBrowser: RateLimiter;
    readonly perAddress: AddressLimit;
  };
  /** Of clients and of servers: few, as secrets need not be random. */
  readonly secretGuesses: AddressLimit;
  readonly passwordFailures: { readonly perAccount: RateLimiter; readonly perAddress: AddressLimit };
}

/** The limits of one process. */
export function composeLimits(
  { limits }: Pick<Config, 'limits'>,
  { clock, metrics }: Pick<Foundation, 'clock' | 'metrics'>,
): Limits {
  const limit = (name: string, points: number, windowSeconds: number): RateLimiter =>
    createRateLimiter({ name, points, windowSeconds, clock, metrics });
  const addresses = (
    name: string,
    points: number,
    windowSeconds: number,
    total?: AddressLimitOptions['total'],
  ): AddressLimit =>
    createAddressLimit({ name, points, windowSeconds, ...(total && { total }), clock, metrics });
  return {
    signIns: addresses('sign_ins_per_address', limits.sign_ins_per_address, MINUTE, {
      points: limits.sign_ins,
      what: 'signing in',
    }),
    registrations: addresses('registrations_per_address', limits.registrations_per_address, MINUTE),
    deviceGrants: addresses('device_grants_per_address', limits.device_grants_per_address, MINUTE),
    userCodeGuesses: {
      perBrowser: limit('user_code_guesses_per_browser', 5, QUARTER_OF_AN_HOUR),
      perAddress: addresses('user_code_guesses_per_address', 20, QUARTER_OF_AN_HOUR, {
        points: 1000,
        what: 'typing a code',
      }),
    },
    secretGuesses: addresses('client_secret_failures_per_address', 30, QUARTER_OF_AN_HOUR),
    passwordFailures: {
      perAccount: limit(
        'password_failures_per_account',
        limits.password_failures_per_account,
        QUARTER_OF_AN_HOUR,
      ),
      perAddress: addresses('password_failures_per_address', limits.password_failures_per_address, MINUTE),
    },
  };
}
