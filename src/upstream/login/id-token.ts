/** What we check of an ID token beyond what the client library does: kind, hashes, authorized party, times. */
import { createHash } from 'node:crypto';
import type { AuthorizationServer } from 'oauth4webapi';
import { quoteForLog, UpstreamRefusal } from './refusal.ts';
import { lifetimeFault } from './token-times.ts';
import type { SignedToken } from './verify-signed.ts';
import type { ResolvedSettings } from '../resolved-settings.ts';

/** Marks a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4). */
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/**
 * The issuer that an ID token must state: the document's own, an alias, or a template with an allowed tenant in it. `claims` are not
 * verified yet: they only choose among values that the configuration allows.
 */
export function expectedIssuer(
  server: AuthorizationServer,
  settings: ResolvedSettings,
  claims: Record<string, unknown>,
): string {
  const template = settings.preset.issuer_template;
  if (template !== undefined && server.issuer === template.issuer) {
    const tenant = claims[template.claim];
    if (typeof tenant !== 'string' || !settings.allowedTenants.includes(tenant)) {
      throw new UpstreamRefusal(
        'id_token',
        `the tenant ${quoteForLog(JSON.stringify(tenant ?? null), 80)} is not among allowed_tenants`,
      );
    }
    return template.issuer.replace(template.placeholder, tenant);
  }
  const stated = claims['iss'];
  return typeof stated === 'string' && settings.issuerAliases.includes(stated) ? stated : server.issuer;
}

/** The issuer that RFC 9207's `iss` must state: the document's own, an alias, or a template with an allowed tenant in it. */
export function issuerOfCallback(
  server: AuthorizationServer,
  settings: ResolvedSettings,
  stated: string | null,
): string {
  if (stated !== null && settings.issuerAliases.includes(stated)) return stated;
  const template = settings.preset.issuer_template;
  if (template === undefined || server.issuer !== template.issuer) return server.issuer;
  const tenants = settings.allowedTenants.map((tenant) =>
    template.issuer.replace(template.placeholder, tenant),
  );
  return tenants.find((issuer) => issuer === stated) ?? server.issuer;
}

/** What a claim `typ` calls tokens that are no ID tokens: Keycloak marks its own so. */
const OTHER_KINDS = ['bearer', 'refresh', 'offline', 'logout'];

/**
 * A token of another kind is no ID token, whoever signed it (RFC 8725 section 3.11): one whose `typ` says so, as those of access tokens and logout tokens do,
 * and one with the event of back-channel logout (OpenID Connect Back-Channel Logout 1.0 section 2.4).
 */
function checkKind(header: SignedToken['header'], claims: SignedToken['claims']): void {
  const { typ } = header;
  if (typ !== undefined && (typeof typ !== 'string' || /\+jwt$/i.test(typ))) {
    const shown = quoteForLog(JSON.stringify(typ), 40);
    throw new UpstreamRefusal('id_token', `its typ is ${shown}: it is a token of another kind`);
  }
  const { events, typ: kind } = claims;
  if (typeof kind === 'string' && OTHER_KINDS.includes(kind.toLowerCase())) {
    throw new UpstreamRefusal(
      'id_token',
      `its claim typ is ${quoteForLog(kind, 40)}: it is a token of another kind`,
    );
  }
  if (typeof events === 'object' && events !== null && Object.hasOwn(events, LOGOUT_EVENT)) {
    throw new UpstreamRefusal('id_token', 'it is a logout token');
  }
}

/** Checks what the client library does not: kind, times, authorized party and hashes. Throws {@link UpstreamRefusal}. */
export function checkIdTokenClaims(
  { header, claims, algorithm }: SignedToken,
  context: {
    clientId: string;
    accessToken: string;
    code: string;
    nowSeconds: number;
    /** How far the provider's clock may be from ours, in seconds. */
    clockTolerance: number;
  },
): void {
  checkKind(header, claims);
  const { azp, at_hash: accessTokenHash, c_hash: codeHash } = claims;
  if (azp !== undefined && azp !== context.clientId) {
    throw new UpstreamRefusal('id_token', 'azp names another client');
  }
  const fault = lifetimeFault(claims, context);
  if (fault !== undefined) throw new UpstreamRefusal('id_token', fault);
  checkHash('at_hash', accessTokenHash, context.accessToken, algorithm);
  checkHash('c_hash', codeHash, context.code, algorithm);
}

/** OpenID Connect Core §3.1.3.6: the left half of the hash that the signature algorithm uses. */
function checkHash(name: string, stated: unknown, value: string, algorithm: string): void {
  if (stated === undefined) return;
  const digest =
    algorithm === 'EdDSA' || algorithm === 'Ed25519'
      ? 'sha512'
      : `sha${/\d{3}/.exec(algorithm)?.[0] ?? '256'}`;
  const hash = createHash(digest).update(value).digest();
  if (stated !== hash.subarray(0, hash.length / 2).toString('base64url')) {
    throw new UpstreamRefusal('id_token', `${name} does not fit`);
  }
}
