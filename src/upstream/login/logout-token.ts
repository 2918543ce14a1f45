/** Tokens of OpenID Connect Back-Channel Logout 1.0, checked by its section 2.6. */
import type { AuthorizationServer } from 'oauth4webapi';
import { expectedIssuer, LOGOUT_EVENT } from './id-token.ts';
import type { ResolvedSettings } from '../resolved-settings.ts';
import { claimAt, type Claims } from '../../protocol/claim-path.ts';
import { subjectOf } from './subject.ts';
import type { LoginDeps } from './login-context.ts';
import { quoteForLog, UpstreamRefusal } from './refusal.ts';
import { logoutTokenAlgorithms } from './signature-algorithms.ts';
import { lifetimeFault } from './token-times.ts';
import { type SignedToken, verifySigned } from './verify-signed.ts';
import { isJsonObject } from '../../protocol/strict-json.ts';

export interface LogoutToken {
  /** The canonical issuer, as people are linked to it. */
  readonly issuer: string;
  /** Whose sessions end: at least one of the two is there. */
  readonly subject: string | undefined;
  readonly sid: string | undefined;
  readonly jti: string;
  /** Until when a repetition must be known, in milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** How old a token may be, in seconds. */
const OLDEST = 600;
const TEXT_LIMIT = 255;
const TYPES = ['logout+jwt', 'application/logout+jwt', 'jwt'];

/** Throws {@link UpstreamRefusal}, or Unavailable if the keys are not available. Replay is for the caller to judge. */
export async function readLogoutToken(
  deps: LoginDeps,
  server: AuthorizationServer,
  token: string,
): Promise<LogoutToken> {
  const { settings } = deps;
  const { header, claims } = await verifySigned(deps, 'logout_token', token, logoutTokenAlgorithms(settings));
  checkType(header);
  const issuer = expectedIssuer(server, settings, claims);
  if (claims['iss'] !== issuer) throw refuse('iss is another issuer');
  checkAudience(claims['aud'], settings.clientId);
  const expiresAt = checkTimes(claims, deps.clock.now() / 1000, settings.clockTolerance);
  checkEvent(claims);
  if (Object.hasOwn(claims, 'nonce')) throw refuse('it has a nonce');
  const jti = optionalText(claims, 'jti');
  const sid = optionalText(claims, 'sid');
  if (jti === undefined) throw refuse('there is no jti');
  const subject = whoseOf(settings, claims, sid);
  if (subject === undefined && sid === undefined) throw refuse('there is neither sub nor sid');
  return {
    issuer: settings.issuerAliases.includes(issuer) ? server.issuer : issuer,
    subject,
    sid,
    jti,
    expiresAt,
  };
}

/** The type is recommended, not required; another one is that of another kind of token. */
function checkType({ typ }: SignedToken['header']): void {
  if (typ === undefined) return;
  if (typeof typ !== 'string' || !TYPES.includes(typ.toLowerCase())) {
    throw refuse(`its typ is ${quoteForLog(JSON.stringify(typ), 40)}`);
  }
}

function checkAudience(audience: unknown, clientId: string): void {
  const listed = Array.isArray(audience) ? audience.includes(clientId) : audience === clientId;
  if (!listed) throw refuse('aud does not name us');
}

/** How long a repetition must be known: until it would be refused for its age. */
function checkTimes({ iat, exp }: Record<string, unknown>, now: number, tolerance: number): number {
  if (typeof iat !== 'number' || !Number.isFinite(iat)) throw refuse('iat is not a number');
  if (typeof exp !== 'number' || !Number.isFinite(exp)) throw refuse('exp is not a number');
  if (exp < now - tolerance) throw refuse('it has expired');
  const fault = lifetimeFault({ iat, exp }, { nowSeconds: now, clockTolerance: tolerance });
  if (fault !== undefined) throw refuse(fault);
  if (iat < now - OLDEST) throw refuse(`it is ${String(Math.round(now - iat))} seconds old`);
  return Math.ceil((iat + OLDEST + tolerance) * 1000);
}

function checkEvent({ events }: Record<string, unknown>): void {
  if (!isJsonObject(events)) throw refuse('events is not an object');
  if (!Object.hasOwn(events, LOGOUT_EVENT) || !isJsonObject(events[LOGOUT_EVENT])) {
    throw refuse('events has no member of back-channel logout');
  }
}

function optionalText(claims: Record<string, unknown>, name: string): string | undefined {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string' || value === '' || value.length > TEXT_LIMIT) {
    throw refuse(`${name} is not a text of 1 to ${String(TEXT_LIMIT)} characters`);
  }
  return value;
}

/** If people are known by another claim than `sub`, that one must be in the token; `sub` says nothing then. */
function whoseOf(settings: ResolvedSettings, claims: Claims, sid: string | undefined): string | undefined {
  const stated = claimAt(claims, settings.subjectClaim);
  if (stated === undefined || (stated === '' && sid !== undefined)) return undefined;
  try {
    return subjectOf(settings, claims);
  } catch (error) {
    throw error instanceof UpstreamRefusal ? refuse(error.reason) : error;
  }
}

function refuse(reason: string): UpstreamRefusal {
  return new UpstreamRefusal('logout_token', reason);
}
