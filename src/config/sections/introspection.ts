/** Further ways to ask whose a token is. */
import { z } from 'zod';
import { flag } from '../fields.ts';

export const introspectionSection = z.strictObject({
  get: flag(
    false,
    'Answers `GET /oauth2/introspect?token=…&client_id=…&client_secret=…` too, for servers that cannot post (`introspection_mode = get` of Dovecot). What stands in a URL ends up in logs.',
  ),
  tokeninfo: flag(
    false,
    'Answers `GET /oauth2/tokeninfo`, with the token in `?access_token=` or as the bearer, and without credentials of a client (`tokeninfo_url` and `introspection_mode = auth` of Dovecot).',
  ),
});
