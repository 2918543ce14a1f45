/** SASL for servers of other protocols: they forward the initial response, and learn whose it is. */
import { z } from 'zod';
import { claimsOf, claimTemplateFault } from '../../protocol/claim-template.ts';
import { described, flag, line, secret, secretFile, textRule, webUrl } from '../fields.ts';

/** A person's name: a template of `{localpart}` and `{server_name}`. */
export const nameTemplate = (): z.ZodString =>
  textRule((template) => {
    const fault = claimTemplateFault(template);
    if (fault !== undefined) return fault;
    const names = claimsOf(template);
    const unknown = names.find((name) => name !== 'localpart' && name !== 'server_name');
    if (unknown !== undefined) return 'may have no other braces than `{localpart}` and `{server_name}`';
    return names.includes('localpart') ? undefined : 'must have `{localpart}` in it';
  });

export const saslSection = z.strictObject({
  enabled: flag(false, 'Enables `/verify/sasl`. See [SASL](sasl.md).'),
  secret: secret('Secret with which the calling servers authenticate, as a bearer token.'),
  secret_file: secretFile('secret'),
  mechanisms: described(
    z
      .array(z.enum(['OAUTHBEARER', 'XOAUTH2', 'X-OAUTH2', 'PLAIN']))
      .min(1)
      .default(['OAUTHBEARER', 'XOAUTH2', 'X-OAUTH2']),
    { description: 'Accepted mechanisms. With `PLAIN`, the token takes the place of the password.' },
  ),
  username: described(nameTemplate().default('{localpart}'), {
    description:
      'The name of a person at the calling servers: a template of `{localpart}` and `{server_name}`.',
    example: '"{localpart}@example.com"',
  }),
  required_scope: described(z.array(line()).default([]), {
    description: "The token's scope must contain all of these.",
    example: '[mail]',
  }),
  openid_configuration_url: described(webUrl().optional(), {
    description: 'The address that refused clients get, to learn where to get a token.',
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
        'Accepts passwords with `PLAIN` too, through the password grant of a provider that has `tokens`: `{ provider, username }`, where `username` is a template for the user name at the provider (default `"{localpart}"`). The password passes through this service, and second factors do not apply. The limits of legacy login apply.',
      example: '{ provider: main, username: "{localpart}@example.com" }',
    },
  ),
});
