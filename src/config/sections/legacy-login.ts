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

/** What a person is called at the provider: a template of `{localpart}` and `{server_name}`. */
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
    'Offers `m.login.sso`: the sign-in page of the provider. Its sessions are ours, in `mode: passthrough` too.',
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
  password: described(z.union([z.boolean(), passwordSection]).default(false), {
    description:
      'Offers `m.login.password` by the provider\'s password grant, for everybody (`true`), or with `{ allow_users, provider, username }`, of which each may be left out: `allow_users` lists the localparts of those who may use it, everybody else is answered as if the password were wrong; `provider` is the id of the one that is asked, needed where there are several; `username` is what the provider calls the person of a `{localpart}`, on the server `{server_name}` (default `"{localpart}"`). The password passes through this service, and second factors do not count: only for clients that know nothing better.',
    example: '{ allow_users: [bot], username: "{localpart}@example.com" }',
  }),
});
