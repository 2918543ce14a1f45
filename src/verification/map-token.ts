/** From what a provider says about a token to what it is here. */
import { type AccessRules, judgeAccess } from '../protocol/access-rules.ts';
import { claimAt, type Claims } from '../protocol/claim-path.ts';
import { type ClaimTemplate, claimsOf, renderClaimTemplate } from '../protocol/claim-template.ts';
import { asciiLower, isLocalpart } from '../protocol/identifiers.ts';
import { deviceIdOf, splitScope } from '../protocol/scope.ts';
import { subjectOf } from '../upstream/login/subject.ts';
import { UpstreamRefusal } from '../upstream/login/refusal.ts';
import type { ResolvedSettings } from '../upstream/resolved-settings.ts';
import type { TokenSettings } from './settings.ts';
import { type Inactive, inactive, type VerifiedToken } from './verdict.ts';

/** What the types of tokens are called that whoever bears them may use; Prosody calls them access_token. */
const BEARER_TYPES = ['bearer', 'access_token'];

export interface MappingRules {
  readonly settings: ResolvedSettings;
  readonly tokens: TokenSettings;
}

/** `now` in milliseconds. */
export function mapToken(
  { settings, tokens }: MappingRules,
  claims: Claims,
  now: number,
): VerifiedToken | Inactive {
  const fault = judgeAnswer(settings, tokens, claims, now);
  if (fault !== undefined) return fault;
  const subject = readSubject(settings, claims);
  if (typeof subject !== 'string') return subject;
  const scope = readScope(tokens, claims);
  if (scope === undefined) return inactive('invalid', 'its scope is neither a text nor a list of scopes');
  const localpart = localpartOf(tokens, claims);
  const access =
    tokens.access === undefined
      ? undefined
      : judgeAccess(rulesOf(tokens, tokens.access), { claims, localpart });
  if (access?.ok === false) return inactive('excluded', access.reason);
  const { client_id: clientId, azp } = claims;
  const client =
    tokens.claims?.client === undefined ? (clientId ?? azp) : claimAt(claims, tokens.claims.client);
  return {
    provider: settings.id,
    issuer: issuerOf(settings, claims),
    subject,
    localpart,
    deviceId: readDevice(tokens, claims, scope),
    clientId: textOf(client),
    scope,
    issuedAt: timeOf(claims['iat']),
    expiresAt: timeOf(claims['exp']),
    claims,
  };
}

/** What holds for an answer of the provider as for a JWT that was verified here; an answer need not have these members. */
function judgeAnswer(
  settings: ResolvedSettings,
  tokens: TokenSettings,
  claims: Claims,
  now: number,
): Inactive | undefined {
  const { iss, aud, exp, nbf, cnf, token_type: type } = claims;
  const isTemplate = settings.preset.issuer_template !== undefined;
  const issuers: readonly unknown[] = [settings.issuer, ...settings.issuerAliases];
  if (iss !== undefined && !isTemplate && !issuers.includes(iss)) {
    return inactive('invalid', 'iss is another issuer');
  }
  const audience = tokens.audience ?? [settings.clientId];
  const named: unknown[] = Array.isArray(aud) ? aud : [aud];
  const isNamed = aud !== undefined || tokens.audience !== undefined;
  if (isNamed && audience.length > 0 && !named.some((each) => audience.includes(String(each)))) {
    return inactive('invalid', 'aud names none of the audiences that are allowed');
  }
  const leeway = (tokens.jwt?.leeway_seconds ?? 30) * 1000;
  if (typeof exp === 'number' && exp * 1000 + leeway <= now) return inactive('expired', 'its exp has passed');
  if (typeof nbf === 'number' && nbf * 1000 > now + leeway)
    return inactive('invalid', 'its nbf is still to come');
  if (cnf !== undefined) {
    return inactive('invalid', 'it is bound to a key (cnf), which nobody proves who only bears it');
  }
  if (type !== undefined && !(typeof type === 'string' && BEARER_TYPES.includes(type.toLowerCase()))) {
    return inactive('invalid', 'it is no bearer token, by its token_type');
  }
  return undefined;
}

/** The configured one, which an alias of it stands for too; of a template, the one that the token states, as its tenant was checked. */
function issuerOf({ preset, issuer }: ResolvedSettings, { iss }: Claims): string {
  return preset.issuer_template !== undefined && typeof iss === 'string' ? iss : issuer;
}

function readSubject(settings: ResolvedSettings, claims: Claims): string | Inactive {
  try {
    return subjectOf(settings, claims);
  } catch (error) {
    if (error instanceof UpstreamRefusal) return inactive('invalid', error.reason);
    throw error;
  }
}

/** RFC 9068 section 2.2.3: a text with spaces. Some write a list, some call it `scp`. Absent: none; undefined: malformed. */
function readScope(tokens: TokenSettings, claims: Claims): readonly string[] | undefined {
  const named = tokens.claims?.scope;
  const value = named === undefined ? (claims['scope'] ?? claims['scp']) : claimAt(claims, named);
  if (value === undefined) return [];
  if (typeof value === 'string') return splitScope(value);
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) return undefined;
  return splitScope(value.join(' '));
}

function readDevice(tokens: TokenSettings, claims: Claims, scope: readonly string[]): string | undefined {
  const named = tokens.claims?.device;
  if (named !== undefined) return textOf(claimAt(claims, named));
  const devices = new Set(scope.map(deviceIdOf).filter((id) => id !== undefined && id !== ''));
  const [device] = devices;
  return devices.size === 1 ? device : undefined;
}

function rulesOf(tokens: TokenSettings, access: AccessRules): AccessRules {
  return { ...access, localpartClaims: claimsOf(localpartTemplate(tokens)) };
}

function localpartTemplate({ claims }: TokenSettings): ClaimTemplate {
  return claims?.localpart ?? 'preferred_username';
}

/** The localpart that the claims make, in ASCII lower case; undefined if they make none. */
export function localpartOf(tokens: TokenSettings, claims: Claims): string | undefined {
  const text = renderClaimTemplate(localpartTemplate(tokens), claims, (each) =>
    isLocalpart(asciiLower(each)),
  );
  return text === undefined ? undefined : asciiLower(text);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 255 ? value : undefined;
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value * 1000 : undefined;
}
