/** Matrix's own login routes, for clients without OAuth. */
import { z } from 'zod';
import { trustedRedirectFault } from '../../protocol/login-redirect.ts';
import { described, flag, line, seconds, textRule } from '../fields.ts';

export const legacyLoginSection = z.strictObject({
  sso: flag(
    true,
    'Offers `m.login.sso`: the sign-in page of the provider. With `mode: passthrough` it is off, as there are no sessions of ours.',
  ),
  login_token_ttl_seconds: seconds(
    { min: 1, max: 600, default: 10 },
    'How long the login token lives that an app gets after a single sign-on; it works once. The specification suggests about 5 seconds; an app that takes longer to start needs more.',
  ),
  trusted_redirects: described(z.array(textRule(trustedRedirectFault)).default([]), {
    description:
      'Apps that get their login token without a question to the person: URLs without query and fragment. Scheme, host and port have to be the same, and the path is that of the entry or one below it. Only what you run yourself belongs here.',
    example: '["https://element.example.com/", "im.fluffychat://login"]',
  }),
  password: described(
    z.union([z.boolean(), z.strictObject({ allow_users: z.array(line()) })]).default(false),
    {
      description:
        "Offers `m.login.password` by the provider's password grant, for everybody or for the listed localparts only (`{ allow_users: [...] }`). The password passes through this service: only for clients that know nothing better.",
    },
  ),
});
