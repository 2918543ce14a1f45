/**
 * Limits on what an address may ask for. Whoever has one IPv6 address has a prefix of them, and some have a whole network, so an address is counted by each of
 * its prefixes; a wider one is allowed more, as more people are behind it. A limit on all addresses together never refuses everybody: above it, those
 * who have asked for little are still served.
 */
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../protocol/clock.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { addressPrefixes } from './client-ip.ts';
import { createRateLimiter, type RateLimiter, type Reservation, reserveAll } from './rate-limit.ts';

export interface AddressLimitOptions {
  /** Label of `gatehouse_rate_limit_hits_total`, and for the log. */
  readonly name: string;
  /** How many a window allows for one address. */
  readonly points: number;
  readonly windowSeconds: number;
  /** How many a window has for all addresses before only quiet ones are served, and what then is unavailable to the others. */
  readonly total?: { readonly points: number; readonly what: string };
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly metrics: Pick<Metrics, 'count'>;
}

/**
 * Throws a 429 if an address, or a network around it, had too many, and `Unavailable` if all together had. With `of`, each address counts anew for each
 * such text, for instance a client.
 */
export interface AddressLimit {
  /** Throws the 429 that `take` would, and counts nothing. */
  check(address: string, of?: string): void;
  take(address: string, of?: string): void;
  /** See `RateLimiter`. */
  reserve(address: string): Reservation;
  /** Whether the address and the networks around it have taken little in this window, what was taken just now included. */
  isQuiet(address: string): boolean;
}

/** The most hosts that are remembered; of networks proportionally fewer. */
const HOSTS = 100_000;
/** One part of so many of what an address is allowed is little. */
const LITTLE = 10;

/** Counts in fixed windows, in this process. The total is a window's too, and has no prefixes. */
export function createAddressLimit(options: AddressLimitOptions): AddressLimit {
  const { name, points, windowSeconds, total, clock, metrics } = options;
  const limitOf = (hosts: number): RateLimiter =>
    createRateLimiter({ ...options, points: points * hosts, keys: Math.ceil(HOSTS / hosts) });
  const limits = { 1: limitOf(1), 4: limitOf(4), 16: limitOf(16) };
  const little = Math.max(1, Math.floor(points / LITTLE));
  const isQuiet = (address: string): boolean =>
    addressPrefixes(address).every(({ key, hosts }) => limits[hosts].used(key) <= little * hosts);
  if (total !== undefined) metrics.count('rateLimitHits', { limit: `${name}_total` }, 0);
  let window = { endsAt: 0, used: 0 };
  const countInTotal = (address: string): typeof window => {
    const now = clock.monotonic();
    if (window.endsAt <= now) window = { endsAt: now + windowSeconds * 1000, used: 0 };
    if (total !== undefined && window.used >= total.points && !isQuiet(address)) {
      metrics.count('rateLimitHits', { limit: `${name}_total` });
      throw new Unavailable(total.what, { retryAfterSeconds: (window.endsAt - now) / 1000 });
    }
    window.used += 1;
    return window;
  };
  const reserve = (address: string, of = ''): Reservation => {
    const reservation = reserveAll(
      addressPrefixes(address).map(({ key, hosts }) => [limits[hosts], of + key] as const),
    );
    try {
      const counted = countInTotal(address);
      return {
        keep: () => {
          reservation.keep();
        },
        giveBack: () => {
          reservation.giveBack();
          counted.used -= 1;
        },
      };
    } catch (error) {
      reservation.giveBack();
      throw error;
    }
  };
  return {
    check(address, of = '') {
      for (const { key, hosts } of addressPrefixes(address)) limits[hosts].check(of + key);
    },
    take(address, of) {
      reserve(address, of).keep();
    },
    reserve,
    isQuiet,
  };
}
