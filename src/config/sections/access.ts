/** Who may sign in through an identity provider, by claim. */
import { z } from 'zod';
import { described, flag, line, seconds, textRule } from '../fields.ts';

/** One condition on one claim. */
export const accessRule = z.strictObject({
  claim: described(line(), {
    description:
      'Name of the claim. Dots lead into objects (`realm_access.roles`), unless a claim has the whole text as its name. `localpart` is not a claim: it means the final localpart of the Matrix user.',
    example: 'groups',
  }),
  any_of: described(
    z
      .array(z.union([z.string(), z.number(), z.boolean()]))
      .min(1)
      .optional(),
    {
      description:
        'The claim must be one of these values, or a list that contains one. Set this or `domain`.',
      example: '[matrix-users]',
    },
  ),
  domain: described(
    z
      .array(
        textRule((text) =>
          /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(text) ? undefined : 'must be a domain such as `example.com`',
        ),
      )
      .min(1)
      .optional(),
    {
      description:
        'The claim must be an e-mail address in one of these domains, without their subdomains. The claim `email` is accepted only if `email_verified` is true or the string `true`.',
      example: '[example.com]',
    },
  ),
});

const rules = (description: string, example: string) =>
  described(z.array(accessRule).default([]), { description, example });

export const accessSection = z.strictObject({
  require: rules(
    'Conditions that a person must all meet to sign in.',
    '[{ claim: groups, any_of: [matrix-users] }]',
  ),
  deny: rules(
    'Conditions of which any one refuses a person, whatever `require` says.',
    '[{ claim: groups, any_of: [suspended] }]',
  ),
  admin: rules(
    'Conditions that an administrator must all meet. Clients of an administrator get the scope `urn:synapse:admin:*` if they request it. Without conditions, nobody is an administrator.',
    '[{ claim: groups, any_of: [matrix-admins] }]',
  ),
  explain: flag(false, 'Shows a person who is refused which condition was not met.'),
  recheck_seconds: seconds(
    { min: 0, max: 2_592_000, default: 3600 },
    'How often the claims of people with sessions are fetched and checked again, if there are conditions and the provider issues a refresh token. A person who no longer meets the conditions loses all sessions. `0`: checked at sign-in only.',
  ),
});
