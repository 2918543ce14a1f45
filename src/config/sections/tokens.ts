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
      : 'must end with the name of a parameter, as in `?access_token=`, to which the token is added';
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
    description: 'Claim with the scope: a text with spaces or a list.',
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
        'What `typ` in the header may be. `none`: it may be missing. Providers that do not follow RFC 9068 write `jwt`.',
      example: '[at+jwt, jwt]',
    },
  ),
  algorithms: described(z.array(z.enum(algorithms)).min(1).optional(), {
    description: 'Signatures that count. `HS…` only with a `key_directory`.',
    fallback: 'every asymmetric one',
    example: '[RS256, ES256]',
  }),
  key_directory: described(line().optional(), {
    description:
      "Folder of keys instead of the provider's key set, laid out as Dovecot's local validation has it: `<azp>/<ALG>/<kid>`, `default` for what a token does not name.",
    path: true,
    example: 'keys',
  }),
  leeway_seconds: seconds({ min: 0, max: 300, default: 30 }, 'How far the clocks may be apart.'),
  max_lifetime_seconds: seconds(
    { min: 60, max: 31_536_000, default: 86_400 },
    'Tokens that live longer are refused.',
  ),
});

const introspectionSection = z.strictObject({
  url: described(webUrl().optional(), {
    description: 'Where to ask; in mode `get` it ends like `?token=`.',
    fallback: '`introspection_endpoint` of the metadata',
  }),
  mode: described(z.enum(['post', 'get', 'auth']).default('post'), {
    description:
      '`post`: RFC 7662. `get`: the token is added to the URL. `auth`: a GET with the token as the bearer.',
  }),
  active_attribute: described(line().optional(), {
    description: 'Member of the answer that says whether the token is good.',
    fallback: '`active`; none in mode `auth`',
  }),
  active_value: described(z.union([z.string(), z.boolean()]).default(true), {
    description: 'Its value if the token is good, compared as text.',
  }),
  force: flag(false, 'Asks about a JWT too that was verified here, so that a revocation counts at once.'),
  signed: flag(false, 'Asks for signed answers (RFC 9701), and takes no others.'),
});

const cacheSection = z.strictObject({
  entries: count(
    { min: 0, max: 1_000_000, default: 10_000 },
    'verdicts',
    'How many verdicts are held in memory.',
  ),
  seconds: seconds(
    { min: 0, max: 3600, default: 60 },
    "How long a good verdict counts, never past the token's expiry.",
  ),
  negative_seconds: seconds({ min: 0, max: 60, default: 5 }, 'How long a bad one counts.'),
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
        'How a token is verified, in this order: the first one that knows the token decides. See [verification](verification.md).',
      example: '[jwt, introspection]',
    },
  ),
  audience: described(z.array(line()).optional(), {
    description: '`aud` must hold one of these. An empty list takes tokens that are meant for others.',
    fallback: 'the `client_id`',
    example: '[https://matrix.example.com]',
  }),
  authorized_parties: scopes(
    '`azp`, else `client_id`, must be one of these. Empty: any client of the provider.',
  ),
  required_scope: scopes("All of these must be in the token's scope."),
  claims: described(claimsSection.prefault({}), { description: 'Which claims say what.' }),
  jwt: described(jwtSection.prefault({}), { description: 'JWT access tokens (RFC 9068).' }),
  introspection: described(introspectionSection.prefault({}), {
    description: 'Asking the provider (RFC 7662).',
  }),
  tokeninfo: described(
    z
      .strictObject({
        url: described(tokenUrl().optional(), {
          description: 'Where to ask; the token is added to it.',
          example: 'https://idp.example.com/tokeninfo?access_token=',
        }),
      })
      .prefault({}),
    { description: 'Asking with the token in the query.' },
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
    { description: 'Asking userinfo with the token as the bearer.' },
  ),
  cache: described(cacheSection.prefault({}), { description: 'Verdicts that were had a moment ago.' }),
  concurrency: count(
    { min: 1, max: 1000, default: 32 },
    'questions',
    'Questions about tokens that are under way at the provider at once; as many again wait.',
  ),
  timeout_seconds: described(z.int().min(1).max(60).optional(), {
    description: 'How long one question may take.',
    fallback: '`timeout_seconds` of the provider',
    unit: 'seconds',
  }),
});
