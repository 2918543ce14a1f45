/** Matrix's own login routes, for clients without OAuth. */
import { z } from 'zod';
import { described, flag, line } from '../fields.ts';
import { isBuilt } from '../not-built.ts';

export const legacyLoginSection = z.strictObject({
  sso: flag(isBuilt('legacy_login.sso'), 'Offers `m.login.sso`: the sign-in page of the provider.'),
  password: described(
    z.union([z.boolean(), z.strictObject({ allow_users: z.array(line()) })]).default(false),
    {
      description:
        "Offers `m.login.password` by the provider's password grant, for everybody or for the listed localparts only (`{ allow_users: [...] }`). The password passes through this service: only for clients that know nothing better.",
    },
  ),
});
