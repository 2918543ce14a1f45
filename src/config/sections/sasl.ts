/** SASL for servers of other protocols: they hand on the initial response, and are told whose it is. */
import { z } from 'zod';
import { claimsOf, claimTemplateFault } from '../../protocol/claim-template.ts';
import { described, flag, line, secret, secretFile, textRule, webUrl } from '../fields.ts';

/** What somebody is called: a template of `{localpart}` and `{server_name}`. */
const nameTemplate = (): z.ZodString =>
  textRule((template) => {
    const fault = claimTemplateFault(template);
    if (fault !== undefined) return fault;
    const names = claimsOf(template);
    const unknown = names.find((name) => name !== 'localpart' && name !== 'server_name');
    if (unknown !== undefined) return 'may have no other braces than `{localpart}` and `{server_name}`';
    return names.includes('localpart') ? undefined : 'must have `{localpart}` in it';
  });

export const saslSection = z.strictObject({
  enabled: flag(false, 'Answers at `/verify/sasl`. See [SASL](sasl.md).'),
  secret: secret('What the servers that ask prove themselves with, as a bearer token.'),
  secret_file: secretFile('secret'),
  mechanisms: described(
    z
      .array(z.enum(['OAUTHBEARER', 'XOAUTH2', 'X-OAUTH2', 'PLAIN']))
      .min(1)
      .default(['OAUTHBEARER', 'XOAUTH2', 'X-OAUTH2']),
    { description: 'Mechanisms that are judged. With `PLAIN` the token is in place of the password.' },
  ),
  username: described(nameTemplate().default('{localpart}'), {
    description: 'What the servers that ask call a person of a `{localpart}`, on the server `{server_name}`.',
    example: '"{localpart}@example.com"',
  }),
  required_scope: described(z.array(line()).default([]), {
    description: "All of these must be in the token's scope.",
    example: '[mail]',
  }),
  openid_configuration_url: described(webUrl().optional(), {
    description: 'Where clients that are refused are told to get a token.',
    fallback: '`.well-known/openid-configuration` of the issuer',
  }),
  password: described(
    z
      .union([
        z.literal(false),
        z.strictObject({ provider: line(), username: nameTemplate().default('{localpart}') }),
      ])
      .default(false),
    {
      description:
        'Takes passwords with `PLAIN` too, by the password grant of a provider that has `tokens`: `{ provider, username }`, where `username` is what the provider calls the person of a `{localpart}` (default `"{localpart}"`). The password passes through this service, and second factors do not count. Limits are those of legacy login.',
      example: '{ provider: main, username: "{localpart}@example.com" }',
    },
  ),
});
