/** Limits on requests. */
import { z } from 'zod';
import { count } from '../fields.ts';

/** The meaning of "one address". */
const NETWORKS =
  'One IPv6 address is a /64; a /56 is allowed 4 times as much, a /48 and an IPv4 /24 are allowed 16 times.';

export const limitsSection = z.strictObject({
  registrations_per_address: count(
    { min: 1, max: 1_000_000, default: 100 },
    'registrations a minute',
    `Client registrations from one address. Above: 429 with \`Retry-After\`. ${NETWORKS}`,
  ),
  sign_ins_per_address: count(
    { min: 1, max: 1_000_000, default: 600 },
    'sign-ins a minute',
    `Sign-ins that browsers or clients of one address may start. Above: 429 with \`Retry-After\`. ${NETWORKS}`,
  ),
  sign_ins: count(
    { min: 1, max: 10_000_000, default: 6000 },
    'sign-ins a minute',
    'Sign-ins that may start in one process in total. Above, addresses that have used more than a tenth of the limit for one address are refused: 503 with `Retry-After`. Others are still served.',
  ),
  device_grants_per_address: count(
    { min: 1, max: 1_000_000, default: 60 },
    'device sign-ins a minute',
    `Sign-ins of devices without a browser that one address may start. Above: 429 with \`Retry-After\`. ${NETWORKS}`,
  ),
  device_grants: count(
    { min: 2, max: 1_000_000, default: 10_000 },
    'device sign-ins',
    'Sign-ins of devices without a browser that may wait for a person at the same time; one client may have half of them. Above: 503, or 429 for that client. Addresses that start at most a tenth of the limit for one address are still served.',
  ),
  password_failures_per_account: count(
    { min: 1, max: 1000, default: 10 },
    'failures in 15 minutes',
    'Wrong passwords for one account. Successful logins are not counted.',
  ),
  password_failures_per_address: count(
    { min: 1, max: 100_000, default: 100 },
    'failures a minute',
    `Wrong passwords from one address. ${NETWORKS}`,
  ),
  requests_in_flight: count(
    { min: 64, max: 100_000, default: 2048 },
    'requests',
    'Requests that one process handles at the same time, at most. While it is fully busy, it takes only as many as it can answer in 150 ms, but at least 64. Above: 503 with `Retry-After`; refreshes and sign-outs are refused only above twice the number.',
  ),
  body_bytes: count(
    { min: 1024, max: 1_048_576, default: 65_536 },
    'bytes',
    'Longest request body. Above: 413.',
  ),
});
