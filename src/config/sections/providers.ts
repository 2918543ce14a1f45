/** The identity providers that people sign in at. */
import { z } from 'zod';
import { claimTemplateFault } from '../../protocol/claim-template.ts';
import { baseUrl, described, flag, line, secret, secretFile, seconds, textRule, webUrl } from '../fields.ts';

/** Presets: what is known of a product and differs from the standards. */
export const presetNames = ['generic', 'oidc-provider', 'keycloak', 'oauth2'] as const;

const claimText = (): z.ZodString => textRule(claimTemplateFault);
const scopeToken = (): z.ZodString =>
  textRule((text) =>
    /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
      ? undefined
      : 'must be one scope: printable ASCII without spaces, quotes and backslashes',
  );

const endpointsSection = z.strictObject({
  authorization_endpoint: described(webUrl().optional(), { description: 'Where people sign in.' }),
  token_endpoint: described(webUrl().optional(), { description: 'Where codes are redeemed.' }),
  userinfo_endpoint: described(webUrl().optional(), { description: 'Where claims are read.' }),
  jwks_uri: described(webUrl().optional(), { description: "The provider's public keys." }),
});

const discoverySection = z.strictObject({
  min_ttl_seconds: seconds(
    { min: 1, max: 86_400, default: 60 },
    "Metadata and keys are never fetched again sooner than this, whatever the provider's cache headers say.",
  ),
  max_ttl_seconds: seconds(
    { min: 1, max: 2_592_000, default: 86_400 },
    'Metadata and keys are fetched again after this time at the latest.',
  ),
  stale_if_error_seconds: seconds(
    { min: 0, max: 31_536_000, default: 604_800 },
    'How long the last good documents count as fit for use while the provider does not answer. They are served beyond it too, and the state then says so.',
  ),
  overrides: described(z.record(z.string(), z.unknown()).default({}), {
    description: "Members that replace those of the provider's metadata, by their registered names.",
    example: '{ userinfo_endpoint: "https://idp.example.com/userinfo" }',
  }),
});

const claimsSection = z.strictObject({
  localpart: described(claimText().default('preferred_username'), {
    description:
      'Localpart of the Matrix user: the name of a claim, or a template such as `{email|before_at}` (filters: `before_at`, `lower`, `escape`). Counts at the first sign-in only.',
  }),
  displayname: described(claimText().default('name'), {
    description: 'Display name: a claim or a template.',
  }),
  email: described(claimText().default('email'), { description: 'E-mail address: a claim or a template.' }),
});

const accessSection = z.strictObject({
  require: described(
    z
      .array(
        z.strictObject({
          claim: described(line(), { description: 'Name of the claim.', example: 'groups' }),
          any_of: described(z.array(z.union([z.string(), z.number(), z.boolean()])).min(1), {
            description: 'One of these must be the claim, or be in it.',
            example: '[matrix-users]',
          }),
        }),
      )
      .default([]),
    { description: 'Conditions that all must hold for somebody to be let in.' },
  ),
});

export const providerSection = z.strictObject({
  id: described(
    textRule((text) =>
      /^[a-z0-9-]{1,64}$/.test(text) ? undefined : 'must be 1 to 64 of a-z, 0-9 and -, as it stands in URLs',
    ),
    {
      description:
        'Short name. The redirect URI to register at the provider is `{public_url}upstream/{id}/callback`.',
      example: 'main',
    },
  ),
  preset: described(z.enum(presetNames).default('generic'), {
    description: 'Which product it is, for what differs from the standards.',
  }),
  issuer: described(baseUrl(), {
    description:
      'Issuer identifier, byte for byte as in its own metadata. Together with `sub` it identifies people: never change it once there are users.',
    example: 'https://idp.example.com/realms/main',
  }),
  discovery_url: described(webUrl().optional(), {
    description: 'Where the metadata is, if not at `{issuer}/.well-known/openid-configuration`.',
  }),
  endpoints: described(endpointsSection.optional(), {
    description: 'Endpoints by hand, for a provider without metadata: nothing is discovered then.',
  }),
  client_id: described(line(), {
    description: 'Our client identifier at the provider.',
    example: 'gatehouse',
  }),
  client_secret: secret('Our client secret at the provider.'),
  client_secret_file: secretFile('client_secret'),
  token_endpoint_auth_method: described(
    z.enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']).optional(),
    {
      description:
        'How we prove who we are. Default: `private_key_jwt` with a `private_key`, else what the metadata offers, `client_secret_basic` first.',
    },
  ),
  private_key: secret('Private key (PEM, PKCS #8) for `private_key_jwt`.'),
  private_key_file: secretFile('private_key'),
  scopes: described(z.array(scopeToken()).min(1).default(['openid', 'profile', 'email']), {
    description: 'Scopes that are asked for at sign-in.',
  }),
  fetch_userinfo: flag(true, 'Reads the userinfo endpoint too, and merges its claims with the ID token.'),
  discovery: described(discoverySection.prefault({}), {
    description: 'How the metadata is fetched and kept.',
  }),
  claims: described(claimsSection.prefault({}), { description: 'Which claims make a Matrix user.' }),
  access: described(accessSection.prefault({}), { description: 'Who is let in.' }),
  allow_http: flag(false, 'Accepts `http` URLs of the provider on hosts that are not loopback.'),
  allow_private_addresses: flag(
    false,
    'Accepts a provider whose host name resolves to private addresses. Loopback is allowed if the issuer is on loopback.',
  ),
});

export const providersSection = z.array(providerSection).min(1);
