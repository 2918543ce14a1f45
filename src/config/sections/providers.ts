/** The identity providers that people sign in at. */
import { z } from 'zod';
import {
  addressRangeFault,
  baseUrl,
  claimText,
  count,
  described,
  flag,
  line,
  secret,
  secretFile,
  seconds,
  textRule,
  webUrl,
} from '../fields.ts';
import { discoveryDefaults } from '../../protocol/discovery-defaults.ts';
import { otherPresetNames, presetNames } from '../../protocol/preset-names.ts';
import { isScopeToken } from '../../protocol/scope.ts';
import { accessSection } from './access.ts';
import { tokensSection } from './tokens.ts';

const asymmetricAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

/** Signature algorithms of a kind of token, without `none`. */
const signatures = () =>
  z.array(z.enum([...asymmetricAlgorithms, 'ES256K', 'HS256', 'HS384', 'HS512'])).min(1);
const certificates = (): z.ZodString =>
  textRule((text) =>
    text.includes('-----BEGIN CERTIFICATE-----') ? undefined : 'must be certificates in PEM form',
  );
const scopeToken = (): z.ZodString =>
  textRule((text) =>
    isScopeToken(text)
      ? undefined
      : 'must be one scope: printable ASCII without spaces, quotes and backslashes',
  );

const discoverySection = z.strictObject({
  method: described(z.enum(['oidc', 'oauth2', 'none']).optional(), {
    description:
      '`oidc`: OpenID Connect Discovery. `oauth2`: RFC 8414. `none`: nothing is fetched, `overrides` name the endpoints.',
    fallback: "the preset's, else `oidc`",
  }),
  url: described(webUrl().optional(), {
    description: 'Where the metadata is, if not at the address that follows from the issuer.',
    example: 'https://idp.internal/.well-known/openid-configuration',
  }),
  min_ttl_seconds: seconds(
    { min: 1, max: 86_400, default: discoveryDefaults.minTtl },
    "Minimum time before metadata and keys are fetched again, whatever the provider's cache headers say.",
  ),
  max_ttl_seconds: seconds(
    { min: 1, max: 2_592_000, default: discoveryDefaults.maxTtl },
    'Maximum time after which metadata and keys are fetched again.',
  ),
  stale_if_error_seconds: seconds(
    { min: 0, max: 31_536_000, default: discoveryDefaults.staleIfError },
    'How long the last good documents are used while the provider does not answer. After that, nobody can sign in through it until it answers again. Sessions, and the metadata that this service publishes in facade mode, are not affected.',
  ),
  overrides: described(z.record(z.string(), z.unknown()).default({}), {
    description:
      "Members that replace those of the provider's metadata, by their registered names; `null` removes one. Without discovery, set the endpoints here.",
    example: '{ userinfo_endpoint: "https://idp.example.com/userinfo" }',
  }),
});

const claimsSection = z.strictObject({
  localpart: described(claimText().default('preferred_username'), {
    description:
      'Localpart of the Matrix user: the name of a claim, or a template such as `{email|before_at}` (filters: `before_at`, `lower`, `escape`). Dots lead into objects. In a list, the first entry that gives a localpart is used; claims that are missing, null or empty are skipped. Used only at the first sign-in of a person.',
    example: "[preferred_username, '{email|before_at}']",
  }),
  displayname: described(claimText().default('name'), {
    description:
      'Display name: a claim, a template, or a list of which the first entry with a value is used.',
  }),
  email: described(claimText().default('email'), {
    description:
      'E-mail address: a claim, a template, or a list. It is sent to the homeserver according to `homeserver.profile.email`. The claim `email` is used only if `email_verified` is true or the string `true`.',
  }),
  avatar: described(claimText().optional(), {
    description:
      'Picture: a claim, a template, or a list that gives an `mxc:` URI. Any other URL is ignored, because clients show only pictures that are stored at a homeserver.',
    example: 'matrix_avatar',
  }),
});

const proxySection = z.strictObject({
  url: described(webUrl().optional(), {
    description: 'URL of the proxy, `http` or `https`. Set this or `proxy_url`.',
    example: 'http://proxy.internal:3128',
  }),
  username: described(
    textRule((text) =>
      /^[^:\p{Cc}]+$/u.test(text) ? undefined : 'must have no colon and no control character',
    ).optional(),
    { description: 'User name for Basic authentication at the proxy.' },
  ),
  password: secret('Password at the proxy.'),
  password_file: secretFile('password'),
});

const providerSection = z.strictObject({
  id: described(
    textRule((text) =>
      /^[a-z0-9-]{1,64}$/.test(text)
        ? undefined
        : 'must be 1 to 64 of a-z, 0-9 and -, because it is part of URLs',
    ),
    {
      description:
        'Short name. The redirect URI to register at the provider is `{public_url}upstream/{id}/callback`.',
      example: 'main',
    },
  ),
  name: described(line().optional(), {
    description: 'Name that people see when they choose between several providers. Default: the `id`.',
    example: 'Example account',
  }),
  brand: described(
    textRule((text) =>
      /^[a-z][a-z0-9_.-]{0,254}$/.test(text)
        ? undefined
        : 'must be a brand such as `github`: up to 255 of a-z, 0-9, `.`, `_` and `-`, a letter first',
    ).optional(),
    {
      description:
        'Brand of the button that Matrix clients show for this provider at legacy login: `apple`, `facebook`, `github`, `gitlab`, `google`, `twitter`, or another one that clients know.',
      fallback: "the preset's, if it has one",
      example: 'github',
    },
  ),
  icon: described(
    textRule((text) =>
      /^mxc:\/\/[A-Za-z0-9.:[\]-]{1,255}\/[A-Za-z0-9_-]{1,255}$/.test(text)
        ? undefined
        : 'must be the address of an image on a homeserver: mxc://server/media-id',
    ).optional(),
    {
      description: 'Image that Matrix clients show for this provider at legacy login.',
      example: 'mxc://example.com/abc123',
    },
  ),
  icon_svg: described(textRule(svgFault).optional(), {
    description:
      "Picture (SVG, at most 16 KiB) beside the provider's name on the pages where people choose between providers. Without one there is the initial of its brand or name.",
    example: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4"/></svg>',
  }),
  icon_svg_file: described(line().optional(), {
    description: 'File that contains `icon_svg`. Set one of the two.',
    path: true,
    example: '/etc/gatehouse/keycloak.svg',
  }),
  preset: described(z.enum(presetNames).default('generic'), {
    description: 'The product, so that its differences from the standards are known.',
    otherNames: otherPresetNames,
  }),
  issuer: described(baseUrl(), {
    description:
      'Issuer identifier, byte for byte as in its own metadata. Together with `sub` it identifies people: never change it once there are users.',
    example: 'https://idp.example.com/realms/main',
  }),
  client_id: described(line(), {
    description: 'Client id of this service at the provider.',
    example: 'gatehouse',
  }),
  client_secret: secret('Client secret of this service at the provider.'),
  client_secret_file: secretFile('client_secret'),
  token_endpoint_auth_method: described(
    z.enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']).optional(),
    {
      description: 'How this service authenticates to the provider.',
      fallback:
        '`private_key_jwt` with a `client_private_key`, else what the metadata offers, preferably `client_secret_basic`',
    },
  ),
  token_endpoint_auth_signing_alg: described(z.enum(asymmetricAlgorithms).optional(), {
    description: 'Signature algorithm of the assertion for `private_key_jwt`.',
    fallback:
      "the JWK's `alg`, else the usual one for the key: `RS256`, `ES256`, `ES384`, `ES512` or `EdDSA`",
  }),
  client_private_key: secret(
    'Private key for `private_key_jwt`: PEM (PKCS #8, PKCS #1 or SEC 1), or a JWK as JSON.',
  ),
  client_private_key_file: secretFile('client_private_key'),
  client_private_key_id: described(line().optional(), {
    description: '`kid` of that key.',
    fallback: "the JWK's own",
  }),
  client_team_id: described(line().optional(), {
    description:
      'The team to which that key belongs, for `preset: apple`: the client secret is made of the two.',
    example: 'ABCDE12345',
  }),
  client_certificate: secret(
    'PEM certificate of that key. The assertion then has its `x5t` and `x5t#S256`, as Entra ID and AD FS require.',
  ),
  client_certificate_file: secretFile('client_certificate'),
  scopes: described(z.array(scopeToken()).optional(), {
    description: 'Scopes that are requested at sign-in.',
    fallback: "the preset's, else `[openid, profile, email]`",
    example: '[openid, profile, email]',
  }),
  response_mode: described(z.enum(['query', 'form_post']).optional(), {
    description: 'How the provider sends its response through the browser.',
    fallback: "the preset's, else `query`",
  }),
  pkce: described(z.enum(['auto', 'always', 'never']).optional(), {
    description:
      'PKCE (S256) towards the provider. `auto`: unless its metadata says that it does not support it.',
    fallback: "the preset's, else `auto`",
  }),
  nonce: described(z.boolean().optional(), {
    description:
      'Sends a `nonce` and wants it back in the ID token. `false` is for providers that do not return it, and only with `pkce: always`: PKCE then keeps a stolen code from being used in another sign-in.',
    fallback: "the preset's, else `true`",
  }),
  authorization_parameters: described(z.record(z.string(), z.string()).optional(), {
    description: 'Additional parameters for the sign-in page of the provider.',
    example: '{ hd: example.com }',
  }),
  fetch_userinfo: described(z.boolean().optional(), {
    description: 'Also reads the userinfo endpoint, and merges its claims with those of the ID token.',
    fallback: "the preset's, else `true` if there is one",
  }),
  subject_claim: described(line().optional(), {
    description:
      'The claim that identifies a person at this issuer. Dots lead into objects: `ocs.data.id`. Never change it once there are users.',
    fallback: "the preset's, else `sub`",
  }),
  id_token_algorithms: described(signatures().optional(), {
    description: 'Accepted signature algorithms of ID tokens; `HS…` only if listed here.',
    fallback:
      "the preset's, else every asymmetric one that the metadata lists for them (`ES256K` only if listed)",
  }),
  userinfo_algorithms: described(signatures().optional(), {
    description: 'Accepted signature algorithms of userinfo, if the provider signs it.',
    fallback:
      'every asymmetric one that the metadata lists for it, and the `HS…` algorithms in `id_token_algorithms`',
  }),
  logout_token_algorithms: described(signatures().optional(), {
    description: 'Accepted signature algorithms of logout tokens.',
    fallback: 'every asymmetric one, and the `HS…` algorithms in `id_token_algorithms`',
  }),
  issuer_aliases: described(z.array(line()).optional(), {
    description: 'Additional values of `iss` in ID tokens that mean this issuer.',
  }),
  clock_tolerance_seconds: count(
    { min: 0, max: 300, default: 60 },
    'seconds',
    "Tolerated difference between the provider's clock and the local one, for the times in its tokens (`exp`, `nbf`, `iat`).",
  ),
  allowed_tenants: described(z.array(line()).optional(), {
    description: 'Tenants that may replace the placeholder in an issuer.',
  }),
  discovery: described(discoverySection.prefault({}), {
    description: 'How the metadata is fetched and cached.',
  }),
  claims: described(claimsSection.prefault({}), { description: 'Which claims make a Matrix user.' }),
  localpart_conflict: described(z.enum(['refuse', 'link_existing']).default('refuse'), {
    description:
      'What happens at a first sign-in if the user exists already, at Synapse or here with another link. `refuse`: the person is refused. `link_existing`: the person gets that user if the provider says `email_verified` and the address (`claims.email`) is one that Synapse has for the user; never an administrator, a bot, or a user of an application service. Anybody whom this provider lets have such an address gets the account, so switch it on only for a provider that verifies addresses. Needs `homeserver.kind: synapse`.',
  }),
  access: described(accessSection.prefault({}), {
    description: 'Who may sign in. See [access rules](access-rules.md).',
  }),
  tokens: described(tokensSection.optional(), {
    description:
      'Accepts access tokens that the provider issued: for forward auth and SASL, and for Matrix if they have the scope of the Matrix API and name a device. Without this key they are not accepted, except in `mode: passthrough`, which then verifies them as JWTs.',
    fallback: 'none; `{ strategies: [jwt] }` in passthrough mode',
    example: '{ strategies: [jwt, introspection], audience: [matrix] }',
  }),
  allow_http: flag(false, 'Accepts `http` URLs of the provider on hosts that are not loopback.'),
  allow_addresses: described(z.array(textRule(addressRangeFault)).default([]), {
    description:
      'Private addresses or ranges that the provider may have. A loopback address in a URL needs no entry.',
    example: '[10.1.2.0/24]',
  }),
  proxy_url: described(webUrl().optional(), {
    description:
      'Forward proxy for requests to the provider: short for `proxy.url`. Every connection is a tunnel (`CONNECT`). Proxy variables in the environment are never read.',
  }),
  proxy: described(proxySection.optional(), {
    description: 'Forward proxy for requests to the provider, with credentials if it needs them.',
    fallback: 'none',
  }),
  ca: described(certificates().optional(), {
    description:
      'Certificates (PEM) that are trusted in addition to those of Node and the system, for the provider and for an https proxy.',
  }),
  ca_file: described(line().optional(), {
    description: 'File that contains `ca`. Set one of the two.',
    path: true,
  }),
  timeout_seconds: seconds({ min: 1, max: 60, default: 5 }, 'How long one request to the provider may take.'),
});

export const providersSection = z.array(providerSection).min(1);

const SVG_BYTES = 16 * 1024;

/** The picture becomes part of pages, so it is small; as an image it can neither run nor load anything. */
function svgFault(text: string): string | undefined {
  if (Buffer.byteLength(text) > SVG_BYTES) return 'must be at most 16 KiB';
  const start = /^\s*(<\?xml[^>]*>\s*)?(<!--[^]*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i;
  return start.test(text) && /<\/svg>\s*$/.test(text)
    ? undefined
    : 'must be an SVG picture: <svg ...>...</svg>';
}
