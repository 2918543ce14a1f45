/** Who is let in at an identity provider, by claim. */
import { z } from 'zod';
import { described, flag, line, seconds, textRule } from '../fields.ts';

/** One condition on one claim. */
export const accessRule = z.strictObject({
  claim: described(line(), {
    description:
      'Name of the claim. Dots lead into objects (`realm_access.roles`) where no claim has the whole name. `localpart` is no claim but the final localpart of the Matrix user.',
    example: 'groups',
  }),
  any_of: described(
    z
      .array(z.union([z.string(), z.number(), z.boolean()]))
      .min(1)
      .optional(),
    {
      description: 'One of these must be the claim, or be in it. Set this or `domain`.',
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
        'The claim must be an e-mail address in one of these domains, subdomains not included. The claim `email` counts only if `email_verified` is true, or the text `true`.',
      example: '[example.com]',
    },
  ),
});

const rules = (description: string, example: string) =>
  described(z.array(accessRule).default([]), { description, example });

export const accessSection = z.strictObject({
  require: rules(
    'Conditions that all must hold for somebody to be let in.',
    '[{ claim: groups, any_of: [matrix-users] }]',
  ),
  deny: rules(
    'Conditions of which each one keeps somebody out, whatever `require` says.',
    '[{ claim: groups, any_of: [suspended] }]',
  ),
  admin: rules(
    'Conditions that all must hold for an administrator, whose clients get the scope `urn:synapse:admin:*` if they ask for it. Without any, nobody is one.',
    '[{ claim: groups, any_of: [matrix-admins] }]',
  ),
  explain: flag(false, 'Tells a person who is kept out which condition it was.'),
  recheck_seconds: seconds(
    { min: 0, max: 2_592_000, default: 3600 },
    'While sessions live, the claims are asked for again this often, where the provider gives a refresh token; who is let in no longer loses them. 0: at sign-in only. Only where there are conditions.',
  ),
});
