/** The keys that sign ID tokens. */
import { z } from 'zod';
import { count } from '../fields.ts';

export const signingKeysSection = z.strictObject({
  rotate_after_days: count(
    { min: 0, max: 3650, default: 90 },
    'days',
    'Age at which the key that signs ID tokens gets a successor, without a restart; `0`: only with `gatehouse keys rotate`. The old one stays published until its last ID token has expired.',
  ),
});
