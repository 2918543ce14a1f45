/** What every answer to clients and browsers says. */
import { z } from 'zod';
import { described, flag, seconds } from '../fields.ts';

const hstsSection = z.strictObject({
  max_age_seconds: seconds(
    { min: 0, max: 63_072_000, default: 0 },
    'How long a browser that has been here over https refuses plain http for this host. 0: the header is not sent, for a reverse proxy that sends its own.',
  ),
  include_subdomains: flag(false, 'The same for every host below this one.'),
});

export const httpSection = z.strictObject({
  hsts: described(hstsSection.prefault({}), {
    description: '`Strict-Transport-Security` (RFC 6797). It is sent only if `public_url` is https.',
  }),
});
