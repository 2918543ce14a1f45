/** The keys that sign ID tokens and access tokens. */
import { z } from 'zod';
import { count } from '../fields.ts';

export const signingKeysSection = z.strictObject({
  rotate_after_days: count(
    { min: 0, max: 3650, default: 90 },
    'days',
    'Age at which a key that signs ID tokens and access tokens is replaced, without a restart. `0`: only with `gatehouse keys rotate`. The old key stays published until its last token has expired.',
  ),
});
