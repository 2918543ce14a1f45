/** How long things live. */
import { z } from 'zod';
import { count, described, seconds } from '../fields.ts';

export const sessionsSection = z.strictObject({
  access_token_ttl_seconds: seconds(
    { min: 1, max: 86_400, default: 600 },
    'Life of an access token. Clients refresh on their own; short is good.',
  ),
  refresh_reuse_grace_seconds: seconds(
    { min: 0, max: 3600, default: 30 },
    'How long after its successor was used a refresh token still yields that same successor: a suspended phone app resends it honestly. `0` is strict: any such reuse ends the session.',
  ),
  idle_expiry_days: count(
    { min: 0, max: 3650, default: 0 },
    'days',
    'A session that was not used for so long ends, and its device with its keys is deleted. `0`: never.',
  ),
  absolute_expiry_days: count(
    { min: 0, max: 3650, default: 0 },
    'days',
    'A session ends so long after it began, however it is used. `0`: never.',
  ),
  limits: described(
    z
      .strictObject({
        per_user: count(
          { min: 0, max: 500, default: 0 },
          'sessions',
          'Sessions that a person may have. Above, they choose on the consent page which to sign out for a new one. `0`: no limit.',
        ),
        per_client: count(
          { min: 0, max: 500, default: 0 },
          'sessions',
          'Sessions that a person may have with one client. `0`: no limit.',
        ),
      })
      .prefault({}),
    { description: 'How many sessions a person may have.' },
  ),
});
