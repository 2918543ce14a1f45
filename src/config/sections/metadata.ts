/** How long others may cache the published metadata. */
import { z } from 'zod';
import { seconds } from '../fields.ts';

export const metadataSection = z.strictObject({
  max_age_seconds: seconds(
    { min: 0, max: 86_400, default: 600 },
    '`max-age` of the published metadata and keys: how long clients and the homeserver may use them without fetching them again.',
  ),
  stale_while_revalidate_seconds: seconds(
    { min: 0, max: 604_800, default: 3600 },
    '`stale-while-revalidate` (RFC 5861): how much longer they may be used while a fresh copy is fetched.',
  ),
  stale_if_error_seconds: seconds(
    { min: 0, max: 2_592_000, default: 86_400 },
    '`stale-if-error` (RFC 5861): how much longer they may be used while this service does not answer.',
  ),
});
