/** How the access tokens of a provider are verified. */
import { z } from 'zod';
import { claimText, count, described, flag, line, seconds, textRule, webUrl } from '../fields.ts';

/** Signatures that a JWT access token may have. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  ...['HS256', 'HS384', 'HS512'],
] as const;

const tokenUrl = (): z.ZodString =>
  textRule((text) => {
    if (URL.parse(text)?.protocol.startsWith('http') !== true) return 'must be an absolute URL';
    return /\?.*=$/.test(text)
      ? undefined
      : 'must end with the name of a parameter, as in `?access_token=`, because the token is appended';
  });

const claimsSection = z.strictObject({
  localpart: described(claimText().optional(), {
    description: 'Localpart of the Matrix user: a claim, a template, or a list of them.',
    fallback: '`claims.localpart` of the provider',
  }),
  device: described(line().optional(), {
    description: 'Claim with the device id.',
    fallback: 'the device that the scope names (`urn:matrix:client:device:…`)',
    example: 'device_id',
  }),
  scope: described(line().optional(), {
    description: 'Claim with the scope: a string with spaces, or a list.',
    fallback: '`scope`, else `scp`',
  }),
  client: described(line().optional(), {
    description: 'Claim with the client.',
    fallback: '`client_id`, else `azp`',
  }),
});

const jwtSection = z.strictObject({
  types: described(
    z
      .array(
        textRule((text) =>
          /^[a-z0-9+.-]+$/.test(text) ? undefined : 'must be a type in lower case without `application/`',
        ),
      )
      .min(1)
      .default(['at+jwt']),
    {
      description:
        'Accepted values of `typ` in the header. `none`: it may be missing. Providers that do not follow RFC 9068 often send `jwt`.',
      example: '[at+jwt, jwt]',
    },
  ),
  algorithms: described(z.array(z.enum(algorithms)).min(1).optional(), {
    description: 'Accepted signature algorithms. `HS…` only with a `key_directory`.',
    fallback: 'every asymmetric one',
    example: '[RS256, ES256]',
  }),
  key_directory: described(line().optional(), {
    description:
      "Folder of keys to use instead of the provider's key set, with the layout of Dovecot's local validation: `<azp>/<ALG>/<kid>`, with `default` for a part that the token does not name.",
    path: true,
    example: 'keys',
  }),
  leeway_seconds: seconds({ min: 0, max: 300, default: 30 }, 'Tolerated difference between the clocks.'),
  max_lifetime_seconds: seconds(
    { min: 60, max: 31_536_000, default: 86_400 },
    'Tokens with a longer lifetime are refused.',
  ),
});

const introspectionSection = z.strictObject({
  url: described(webUrl().optional(), {
    description: 'Where to ask; in mode `get` it must end in something like `?token=`.',
    fallback: '`introspection_endpoint` of the metadata',
  }),
  mode: described(z.enum(['post', 'get', 'auth']).default('post'), {
    description:
      '`post`: RFC 7662. `get`: the token is appended to the URL. `auth`: a GET with the token as bearer token.',
  }),
  active_attribute: described(line().optional(), {
    description: 'Member of the response that says whether the token is valid.',
    fallback: '`active`; none in mode `auth`',
  }),
  active_value: described(z.union([z.string(), z.boolean()]).default(true), {
    description: 'Value of that member if the token is valid, compared as text.',
  }),
  force: flag(
    false,
    'Also asks about JWTs that were verified here, so that a revocation takes effect at once.',
  ),
  signed: flag(false, 'Requests signed responses (RFC 9701), and accepts no others.'),
});

const cacheSection = z.strictObject({
  entries: count(
    { min: 0, max: 1_000_000, default: 10_000 },
    'verdicts',
    'How many verdicts are kept in memory.',
  ),
  seconds: seconds(
    { min: 0, max: 3600, default: 60 },
    'How long a positive verdict is cached, at most until the token expires.',
  ),
  negative_seconds: seconds({ min: 0, max: 60, default: 5 }, 'How long a negative verdict is cached.'),
});

const scopes = (description: string) => described(z.array(line()).default([]), { description });

export const tokensSection = z.strictObject({
  strategies: described(
    z
      .array(z.enum(['jwt', 'introspection', 'tokeninfo', 'userinfo']))
      .min(1)
      .default(['jwt']),
    {
      description:
        'How a token is verified, in this order: the first strategy that recognises the token decides. See [verification](verification.md).',
      example: '[jwt, introspection]',
    },
  ),
  audience: described(z.array(line()).optional(), {
    description:
      '`aud` must contain one of these. With an empty list, tokens for other services are accepted too.',
    fallback: 'the `client_id`',
    example: '[https://matrix.example.com]',
  }),
  authorized_parties: scopes(
    '`azp`, else `client_id`, must be one of these. Empty: any client of the provider.',
  ),
  required_scope: scopes("The token's scope must contain all of these."),
  claims: described(claimsSection.prefault({}), { description: 'The claims to read.' }),
  jwt: described(jwtSection.prefault({}), { description: 'JWT access tokens (RFC 9068).' }),
  introspection: described(introspectionSection.prefault({}), {
    description: 'Introspection at the provider (RFC 7662).',
  }),
  tokeninfo: described(
    z
      .strictObject({
        url: described(tokenUrl().optional(), {
          description: 'Where to ask; the token is appended to it.',
          example: 'https://idp.example.com/tokeninfo?access_token=',
        }),
      })
      .prefault({}),
    { description: 'A request with the token in the query.' },
  ),
  userinfo: described(
    z
      .strictObject({
        url: described(webUrl().optional(), {
          description: 'Where to ask.',
          fallback: '`userinfo_endpoint` of the metadata',
        }),
      })
      .prefault({}),
    { description: 'A userinfo request with the token as bearer token.' },
  ),
  cache: described(cacheSection.prefault({}), { description: 'The cache of verdicts.' }),
  concurrency: count(
    { min: 1, max: 1000, default: 32 },
    'requests',
    'Verification requests that may run at the provider at the same time; as many again wait.',
  ),
  timeout_seconds: described(z.int().min(1).max(60).optional(), {
    description: 'How long one verification request may take.',
    fallback: '`timeout_seconds` of the provider',
    unit: 'seconds',
  }),
});
