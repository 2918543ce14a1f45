/** How much a caller may ask for. */
import { z } from 'zod';
import { count } from '../fields.ts';

/** What "one address" means. */
const NETWORKS =
  'One IPv6 address is a /64; a /56 is allowed 4 times as much, a /48 and an IPv4 /24 are allowed 16 times.';

export const limitsSection = z.strictObject({
  registrations_per_address: count(
    { min: 1, max: 1_000_000, default: 100 },
    'registrations a minute',
    `Client registrations that one address may make. Above: 429 with \`Retry-After\`. ${NETWORKS}`,
  ),
  sign_ins_per_address: count(
    { min: 1, max: 1_000_000, default: 600 },
    'sign-ins a minute',
    `Sign-ins that browsers or clients of one address may begin. Above: 429 with \`Retry-After\`. ${NETWORKS}`,
  ),
  sign_ins: count(
    { min: 1, max: 10_000_000, default: 6000 },
    'sign-ins a minute',
    'Sign-ins that all together may begin in one process. Above, addresses that have begun more than a tenth of what one address may are refused: 503 with `Retry-After`. The others are still served.',
  ),
  device_grants_per_address: count(
    { min: 1, max: 1_000_000, default: 60 },
    'device sign-ins a minute',
    `Sign-ins of devices without a browser that one address may begin. Above: 429 with \`Retry-After\`. ${NETWORKS}`,
  ),
  device_grants: count(
    { min: 2, max: 1_000_000, default: 10_000 },
    'device sign-ins',
    'Sign-ins of devices without a browser that may wait for a person at once; one client may have half of them. Above: 503, or 429 for the one client, but for addresses that begin at most a tenth of what one address may.',
  ),
  password_failures_per_account: count(
    { min: 1, max: 1000, default: 10 },
    'failures in 15 minutes',
    'Wrong passwords for one account. Right ones do not count.',
  ),
  password_failures_per_address: count(
    { min: 1, max: 100_000, default: 100 },
    'failures a minute',
    `Wrong passwords from one address. ${NETWORKS}`,
  ),
  requests_in_flight: count(
    { min: 64, max: 100_000, default: 2048 },
    'requests',
    'Requests that one process works on at once. Above: 503 with `Retry-After`; refreshes and sign-outs are refused only from twice as many on.',
  ),
  body_bytes: count(
    { min: 1024, max: 1_048_576, default: 65_536 },
    'bytes',
    'Longest request body. Above: 413.',
  ),
});
