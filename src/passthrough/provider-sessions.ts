/**
 * The access tokens of a provider as sessions of Matrix: the first sight of one begins a session on its device, and from then on everything that is true of sessions is
 * true of it. It counts if it has the scope of the Matrix API and names one device.
 */
import type { DeviceId } from '../protocol/identifiers.ts';
import { judgeAccess } from '../protocol/access-rules.ts';
import { ADMIN_SCOPE, deviceIdOf, isApiScope, isScopeDeviceId } from '../protocol/scope.ts';
import { hashSecret, isWellFormedSecret } from '../protocol/token-format.ts';
import type { OpeningDeps } from '../sessions/open-session.ts';
import { newSessionId } from '../sessions/start.ts';
import { completeSignIn, type CompletionDeps } from '../sign-in/complete.ts';
import { SignInRefusal } from '../sign-in/refusal.ts';
import type { User } from '../storage/records/users.ts';
import type { ActiveAccess, KnownVerdict } from '../verification/access-verdict.ts';
import { findAccessByHash, type FindAccessDeps } from '../verification/own-token.ts';
import { judgeProviderToken, type ProviderTokenDeps } from '../verification/provider-token.ts';
import type { Inactive, VerifiedToken } from '../verification/verdict.ts';
import type { VerificationStrategy } from '../verification/verify.ts';
import { beginProviderSession, type SeenToken } from './begin-provider-session.ts';

export interface ProviderSessionDeps extends ProviderTokenDeps, FindAccessDeps, CompletionDeps, OpeningDeps {}

/** Throws `Unavailable` if the provider, the database or the homeserver cannot be asked. */
export function providerTokens(deps: ProviderSessionDeps): VerificationStrategy {
  /** First sights under way: of many requests with one new token, one begins the session. */
  const beginning = new Map<string, Promise<KnownVerdict>>();
  return async (token) => {
    if (deps.tokenVerifiers.length === 0 || isWellFormedSecret('accessToken', token)) return undefined;
    const hash = hashSecret(token);
    const verdict = await judgeProviderToken(deps, token);
    if (verdict.kind === 'unavailable') throw verdict.error;
    const seen = await findAccessByHash(deps, hash);
    const isKnown = seen.kind !== 'inactive' || seen.sessionId !== undefined;
    if (verdict.kind === 'inactive') return refusalOf(verdict, seen);
    if (isKnown) return seen;
    let first = beginning.get(hash);
    if (first === undefined) {
      first = firstSight(deps, { hash, token: verdict.token }).finally(() => beginning.delete(hash));
      beginning.set(hash, first);
    }
    return first;
  };
}

/** The session is told even so, if there is one: whoever holds a token that has merely expired may still end it. */
function refusalOf({ fault, reason }: Inactive, seen: KnownVerdict): KnownVerdict {
  const sessionId = seen.kind === 'inactive' ? seen.sessionId : seen.access.sessionId;
  const known = fault === 'expired' || fault === 'ended' || fault === 'deactivated' || fault === 'malformed';
  return {
    kind: 'inactive',
    reason: known ? fault : 'unknown',
    detail: reason,
    ...(sessionId === undefined ? {} : { sessionId }),
  };
}

function refused(detail: string): KnownVerdict {
  return { kind: 'inactive', reason: 'unknown', detail };
}

async function firstSight(
  deps: ProviderSessionDeps,
  sight: { hash: SeenToken['hash']; token: VerifiedToken },
): Promise<KnownVerdict> {
  const { hash, token } = sight;
  const { deviceId } = token;
  if (!token.scope.some(isApiScope)) return refused('its scope has not the Matrix API');
  if (deviceId === undefined || !isScopeDeviceId(deviceId)) return refused('it names no device, or several');
  const user = await userOf(deps, token);
  if (typeof user === 'string') return refused(user);
  const seen: SeenToken = { hash, userId: user.id, deviceId, scope: scopeOf(token, deviceId), token };
  const begun = await beginProviderSession(deps, seen);
  switch (begun) {
    case 'begun':
      return findAccessByHash(deps, hash);
    case 'locked':
      return { kind: 'locked', access: accessOf(deps, user, seen) };
    case 'deactivated':
    case 'ended':
      return { kind: 'inactive', reason: begun, detail: `no session begins: ${begun}` };
    case 'crowded':
      return refused('the user has as many sessions as sessions.limits allows');
  }
}

/** The person whose token it is, whom this makes a user at the first sight; a text says why nobody is let in. */
async function userOf(deps: ProviderSessionDeps, token: VerifiedToken): Promise<User | string> {
  const rules = deps.providerRules.get(token.provider)?.access;
  const access = rules === undefined ? undefined : judgeAccess(rules, token);
  // A token need not have every claim: what is not there is no evidence, and ends no session.
  if (access?.ok === false && (access.isAbsent || access.isUnknown)) return access.reason;
  const { issuer, subject, claims, provider: providerId } = token;
  const { sid } = claims;
  const identity = { issuer, subject, claims, ...(typeof sid === 'string' ? { sid } : {}) };
  try {
    return await completeSignIn(deps, { providerId, identity });
  } catch (error) {
    if (error instanceof SignInRefusal) return error.reason;
    throw error;
  }
}

/** What the homeserver is told; the device is in it, wherever the token named it. */
function scopeOf({ scope }: VerifiedToken, deviceId: DeviceId): string {
  const tokens = scope.filter(
    (each) => isApiScope(each) || deviceIdOf(each) !== undefined || each === ADMIN_SCOPE,
  );
  const named = tokens.some((each) => deviceIdOf(each) === deviceId);
  return [...tokens, ...(named ? [] : [`urn:matrix:client:device:${deviceId}`])].join(' ');
}

/** A locked person's token begins no session, and is not refused either: the session id names none that is stored. */
function accessOf(
  deps: ProviderSessionDeps,
  user: User,
  { token, deviceId, scope }: SeenToken,
): ActiveAccess {
  return {
    sessionId: newSessionId(deps.clock.now(), deps.random),
    userId: user.id,
    localpart: user.localpart,
    clientId: token.clientId ?? null,
    deviceId,
    scope,
    issuedAt: token.issuedAt ?? deps.clock.now(),
    expiresAt: token.expiresAt ?? null,
  };
}
