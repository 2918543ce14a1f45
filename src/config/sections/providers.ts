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
import { presetNames } from '../../protocol/preset-names.ts';
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

/** Signatures of a kind of token, `none` not among them. */
const signatures = () => z.array(z.enum([...asymmetricAlgorithms, 'HS256', 'HS384', 'HS512'])).min(1);
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
    description: 'Where the metadata is, if not where it follows from the issuer.',
    example: 'https://idp.internal/.well-known/openid-configuration',
  }),
  min_ttl_seconds: seconds(
    { min: 1, max: 86_400, default: discoveryDefaults.minTtl },
    "Metadata and keys are never fetched again sooner than this, whatever the provider's cache headers say.",
  ),
  max_ttl_seconds: seconds(
    { min: 1, max: 2_592_000, default: discoveryDefaults.maxTtl },
    'Metadata and keys are fetched again after this time at the latest.',
  ),
  stale_if_error_seconds: seconds(
    { min: 0, max: 31_536_000, default: discoveryDefaults.staleIfError },
    'How long the last good documents are used while the provider does not answer. After that nobody can sign in through it until it does; sessions and our own metadata go on.',
  ),
  overrides: described(z.record(z.string(), z.unknown()).default({}), {
    description:
      "Members that replace those of the provider's metadata, by their registered names; `null` removes one. Endpoints by hand stand here.",
    example: '{ userinfo_endpoint: "https://idp.example.com/userinfo" }',
  }),
});

const claimsSection = z.strictObject({
  localpart: described(claimText().default('preferred_username'), {
    description:
      'Localpart of the Matrix user: the name of a claim, or a template such as `{email|before_at}` (filters: `before_at`, `lower`, `escape`). Dots lead into objects. Of a list, the first entry counts that makes a localpart: claims that are missing, null or empty are passed over. Counts at the first sign-in only.',
    example: "[preferred_username, '{email|before_at}']",
  }),
  displayname: described(claimText().default('name'), {
    description: 'Display name: a claim, a template, or a list of which the first counts that has a value.',
  }),
  email: described(claimText().default('email'), {
    description:
      'E-mail address: a claim, a template, or a list. The homeserver is told of it, as `homeserver.profile.email` says. The claim `email` counts only if `email_verified` is true, or the text `true`.',
  }),
  avatar: described(claimText().optional(), {
    description:
      'Picture: a claim, a template, or a list that gives an `mxc:` URI. Any other URL is ignored, because clients show only what is stored at a homeserver.',
    example: 'matrix_avatar',
  }),
});

const proxySection = z.strictObject({
  url: described(webUrl().optional(), {
    description: 'Its URL, `http` or `https`. Set this or `proxy_url`.',
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
      /^[a-z0-9-]{1,64}$/.test(text) ? undefined : 'must be 1 to 64 of a-z, 0-9 and -, as it stands in URLs',
    ),
    {
      description:
        'Short name. The redirect URI to register at the provider is `{public_url}upstream/{id}/callback`.',
      example: 'main',
    },
  ),
  name: described(line().optional(), {
    description: 'What people see where they choose between several providers. Default: the `id`.',
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
        'Whose button Matrix clients show for it at legacy login: `apple`, `facebook`, `github`, `gitlab`, `google`, `twitter`, or one that clients know besides.',
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
      description: 'Image that Matrix clients show for it at legacy login.',
      example: 'mxc://example.com/abc123',
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
  client_id: described(line(), {
    description: 'Our client identifier at the provider.',
    example: 'gatehouse',
  }),
  client_secret: secret('Our client secret at the provider.'),
  client_secret_file: secretFile('client_secret'),
  token_endpoint_auth_method: described(
    z.enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']).optional(),
    {
      description: 'How we prove who we are.',
      fallback:
        '`private_key_jwt` with a `client_private_key`, else what the metadata offers, `client_secret_basic` first',
    },
  ),
  token_endpoint_auth_signing_alg: described(z.enum(asymmetricAlgorithms).optional(), {
    description: 'Signature of the assertion for `private_key_jwt`.',
    fallback:
      "the JWK's `alg`, else what is usual for the key: `RS256`, `ES256`, `ES384`, `ES512` or `EdDSA`",
  }),
  client_private_key: secret(
    'Private key for `private_key_jwt`: PEM (PKCS #8, PKCS #1 or SEC 1), or a JWK as JSON.',
  ),
  client_private_key_file: secretFile('client_private_key'),
  client_private_key_id: described(line().optional(), {
    description: '`kid` of that key.',
    fallback: "the JWK's own",
  }),
  client_certificate: secret(
    'PEM certificate of that key: the assertion then names it by `x5t` and `x5t#S256`, as Entra ID and AD FS require.',
  ),
  client_certificate_file: secretFile('client_certificate'),
  scopes: described(z.array(scopeToken()).optional(), {
    description: 'Scopes that are asked for at sign-in.',
    fallback: "the preset's, else `[openid, profile, email]`",
    example: '[openid, profile, email]',
  }),
  response_mode: described(z.enum(['query', 'form_post']).optional(), {
    description: 'How the provider answers the browser.',
    fallback: "the preset's, else `query`",
  }),
  pkce: described(z.enum(['auto', 'always', 'never']).optional(), {
    description: 'PKCE (S256) towards the provider. `auto`: unless its metadata says that it cannot.',
    fallback: "the preset's, else `auto`",
  }),
  nonce: described(z.boolean().default(true), {
    description:
      'Sends a `nonce` and wants it back in the ID token. `false` is for providers that do not return it, and only with `pkce: always`: PKCE then keeps a stolen code from being used in another sign-in.',
  }),
  authorization_parameters: described(z.record(z.string(), z.string()).optional(), {
    description: 'Sent along to the sign-in page of the provider.',
    example: '{ hd: example.com }',
  }),
  fetch_userinfo: described(z.boolean().optional(), {
    description: 'Reads the userinfo endpoint too, and merges its claims with the ID token.',
    fallback: "the preset's, else `true` where there is one",
  }),
  subject_claim: described(line().optional(), {
    description:
      'The claim that identifies a person at this issuer. Dots lead into objects: `ocs.data.id`. Never change it once there are users.',
    fallback: "the preset's, else `sub`",
  }),
  id_token_algorithms: described(signatures().optional(), {
    description: 'Signatures that ID tokens may have; `HS…` only if named here.',
    fallback: "the preset's, else every asymmetric one that the metadata lists for them",
  }),
  userinfo_algorithms: described(signatures().optional(), {
    description: 'Signatures that userinfo may have, where the provider signs it.',
    fallback:
      'every asymmetric one that the metadata lists for it, and what `id_token_algorithms` names of `HS…`',
  }),
  logout_token_algorithms: described(signatures().optional(), {
    description: 'Signatures that logout tokens may have.',
    fallback: 'every asymmetric one, and what `id_token_algorithms` names of `HS…`',
  }),
  issuer_aliases: described(z.array(line()).optional(), {
    description: 'Further values of `iss` in ID tokens that count as this issuer.',
  }),
  clock_tolerance_seconds: count(
    { min: 0, max: 300, default: 60 },
    'seconds',
    "How far the provider's clock may be from ours when the times of its tokens are judged (`exp`, `nbf`, `iat`).",
  ),
  allowed_tenants: described(z.array(line()).optional(), {
    description: 'Tenants that an issuer with a placeholder may stand for.',
  }),
  discovery: described(discoverySection.prefault({}), {
    description: 'How the metadata is fetched and kept.',
  }),
  claims: described(claimsSection.prefault({}), { description: 'Which claims make a Matrix user.' }),
  access: described(accessSection.prefault({}), { description: 'Who is let in.' }),
  tokens: described(tokensSection.optional(), {
    description:
      'Access tokens that the provider issued count here: for forward auth and SASL, and, where they have the scope of the Matrix API and name a device, for Matrix. Left out, they count for nothing, but in `mode: passthrough`, which verifies them as JWTs then.',
    fallback: 'none; `{ strategies: [jwt] }` in passthrough mode',
    example: '{ strategies: [jwt, introspection], audience: [matrix] }',
  }),
  allow_http: flag(false, 'Accepts `http` URLs of the provider on hosts that are not loopback.'),
  allow_addresses: described(z.array(textRule(addressRangeFault)).default([]), {
    description:
      'Private addresses or ranges that the provider may be at. Loopback needs none where a URL names it.',
    example: '[10.1.2.0/24]',
  }),
  proxy_url: described(webUrl().optional(), {
    description:
      'Forward proxy on the way to the provider: short for `proxy.url`. Every connection is a tunnel (`CONNECT`). Proxy variables of the environment are never read.',
  }),
  proxy: described(proxySection.optional(), {
    description: 'Forward proxy on the way to the provider, with the credentials that it wants.',
    fallback: 'none',
  }),
  ca: described(certificates().optional(), {
    description:
      "Certificates (PEM) that are trusted beside Node's and the system's, of the provider and of an https proxy.",
  }),
  ca_file: described(line().optional(), {
    description: 'File that holds `ca`. Set one of the two.',
    path: true,
  }),
  timeout_seconds: seconds({ min: 1, max: 60, default: 5 }, 'How long one request to the provider may take.'),
});

export const providersSection = z.array(providerSection).min(1);
