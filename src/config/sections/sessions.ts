/** Lifetimes of sessions and tokens. */
import { z } from 'zod';
import { count, described, seconds } from '../fields.ts';

export const sessionsSection = z.strictObject({
  access_token_ttl_seconds: seconds(
    { min: 1, max: 86_400, default: 600 },
    'Lifetime of an access token. Clients refresh automatically, so a short lifetime is fine.',
  ),
  refresh_reuse_grace_seconds: seconds(
    { min: 0, max: 3600, default: 30 },
    'How long a refresh token still yields its successor after the successor was used: an app that was suspended may send it again. `0`: any such reuse ends the session.',
  ),
  idle_expiry_days: count(
    { min: 0, max: 3650, default: 0 },
    'days',
    'A session that was not used for this long ends, and its device is deleted with its keys. `0`: never.',
  ),
  absolute_expiry_days: count(
    { min: 0, max: 3650, default: 0 },
    'days',
    'A session ends this long after it started, whether or not it is used. `0`: never.',
  ),
  limits: described(
    z
      .strictObject({
        per_user: count(
          { min: 0, max: 500, default: 0 },
          'sessions',
          'Maximum number of sessions of a person. Above, the person chooses on the consent page which session to sign out. `0`: no limit.',
        ),
        per_client: count(
          { min: 0, max: 500, default: 0 },
          'sessions',
          'Maximum number of sessions of a person with one client. `0`: no limit.',
        ),
      })
      .prefault({}),
    { description: 'Limits on the number of sessions.' },
  ),
});
