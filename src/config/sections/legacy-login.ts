/** Matrix's own login routes, for clients without OAuth. */
import { z } from 'zod';
import { isLocalpart } from '../../protocol/identifiers.ts';
import { trustedRedirectFault } from '../../protocol/login-redirect.ts';
import { claimsOf, claimTemplateFault } from '../../protocol/claim-template.ts';
import { described, flag, line, seconds, textRule } from '../fields.ts';

const localpart = () =>
  textRule((text) =>
    isLocalpart(text) ? undefined : 'must be the localpart of a user ID: `alice` for @alice:example.com',
  );

/** A person’s user name at the provider: a template of `{localpart}` and `{server_name}`. */
function usernameFault(template: string): string | undefined {
  const fault = claimTemplateFault(template);
  if (fault !== undefined) return fault;
  const names = claimsOf(template);
  const unknown = names.find((name) => name !== 'localpart' && name !== 'server_name');
  if (unknown !== undefined) return 'may have no other braces than `{localpart}` and `{server_name}`';
  return names.includes('localpart') ? undefined : 'must have `{localpart}` in it';
}

const passwordSection = z.strictObject({
  allow_users: z.array(localpart()).min(1).optional(),
  provider: line().optional(),
  username: textRule(usernameFault).default('{localpart}'),
});

export const legacyLoginSection = z.strictObject({
  sso: flag(
    true,
    'Offers `m.login.sso`: sign-in on the page of the provider. The sessions have tokens of this service, also in `mode: passthrough`.',
  ),
  login_token_ttl_seconds: seconds(
    { min: 1, max: 600, default: 10 },
    'Lifetime of the login token that an app gets after single sign-on; it works once. The specification recommends about 5 seconds; an app that starts slowly needs more.',
  ),
  trusted_redirects: described(z.array(textRule(trustedRedirectFault)).default([]), {
    description:
      'Apps that get their login token without asking the person first: URLs without query and fragment. Scheme, host and port must be the same, and the path must be that of the entry or one below it. List only apps that you run yourself.',
    example: '["https://element.example.com/", "im.fluffychat://login"]',
  }),
  password: described(z.union([z.boolean(), passwordSection]).default(false), {
    description:
      'Offers `m.login.password` through the password grant of the provider: `true` for everybody, or a mapping with the optional keys `allow_users`, `provider` and `username`. `allow_users` lists the localparts that may use it; everybody else gets the response to a wrong password. `provider` is the id of the provider to use, required if there are several. `username` is a template for the user name at the provider (default `"{localpart}"`; `{server_name}` is available too). The password passes through this service, and second factors do not apply: enable it only for clients that support nothing else.',
    example: '{ allow_users: [bot], username: "{localpart}@example.com" }',
  }),
});
