import type { SessionId } from '../protocol/identifiers.ts';
import type { Clock } from '../protocol/clock.ts';
import { type SecretHash, hashSecret, isWellFormedSecret } from '../protocol/token-format.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import type { Database } from '../storage/engine/database.ts';
import { touchSession } from '../storage/records/sessions.ts';
import { type AccessTokenView, findAccessToken, markAccessTokenUsed } from '../storage/records/tokens.ts';
import { type ExpiryPolicy, isExpired } from '../sessions/expiry.ts';
import { usePair } from '../sessions/first-use.ts';
import type { ActiveAccess, InactiveReason, KnownVerdict } from './access-verdict.ts';
import type { OwnTokenForms } from './own-token-hash.ts';
import type { VerificationStrategy } from './verify.ts';

export interface FindAccessDeps {
  readonly db: Database;
  readonly clock: Clock;
  /** Whether sessions expire by themselves. */
  readonly policy: ExpiryPolicy;
  /** Told when a first use, or later activity, could not be written; it is tried again at the next use. */
  readonly onFirstUseLost?: (error: Unavailable) => void;
}

/**
 * How exactly a session's last activity is known if its access token does not expire, in milliseconds. Others are refreshed about as often, which
 * tells it too.
 */
const ACTIVITY_PRECISION = 10 * 60_000;

/** Tokens that were issued here. What has not their form is left to others; a JWT in our name is never a provider's. */
export function ownTokens(
  deps: FindAccessDeps & { readonly ownTokens: OwnTokenForms },
): VerificationStrategy {
  return async (token) => {
    if (!deps.ownTokens.isInOurName(token)) return undefined;
    const hash = await deps.ownTokens.hashOf(token);
    if (hash !== undefined) return findAccessByHash(deps, hash);
    return { kind: 'inactive', reason: 'malformed', detail: 'a JWT in our name that we did not sign' };
  };
}

/**
 * Finds the session of one of our own access tokens. A malformed one costs no query. The first use is written before the verdict is given, but not
 * waited for on the disk (durable before answered); if it cannot be written (a full disk), the verdict stands all the same.
 */
export async function findAccess(deps: FindAccessDeps, token: string): Promise<KnownVerdict> {
  if (!isWellFormedSecret('accessToken', token)) return { kind: 'inactive', reason: 'malformed' };
  return findAccessByHash(deps, hashSecret(token));
}

/** As `findAccess`, by the hash under which the token is stored. */
export async function findAccessByHash(deps: FindAccessDeps, hash: SecretHash): Promise<KnownVerdict> {
  const view = await findAccessToken(deps.db.query, hash);
  if (view === undefined) return { kind: 'inactive', reason: 'unknown' };
  const now = deps.clock.now();
  const reason = inactiveReason(view, deps.policy, now);
  if (reason !== undefined) return { kind: 'inactive', reason, sessionId: view.session_id, hash };
  if (view.first_used_at === null && !(await recordFirstUse(deps, { hash, view, now }))) {
    return { kind: 'inactive', reason: 'ended', sessionId: view.session_id };
  }
  if (view.expires_at === null && now - view.last_active_at >= ACTIVITY_PRECISION) {
    await recordActivity(deps, view.session_id, now);
  }
  const access: ActiveAccess = {
    sessionId: view.session_id,
    userId: view.user_id,
    localpart: view.localpart,
    clientId: view.client_id,
    deviceId: view.device_id,
    scope: view.token_scope ?? view.session_scope,
    issuedAt: view.created_at,
    expiresAt: view.expires_at,
  };
  return { kind: view.locked_at === null ? 'active' : 'locked', access };
}

function inactiveReason(
  view: AccessTokenView,
  policy: ExpiryPolicy,
  now: number,
): InactiveReason | undefined {
  if (view.ended_at !== null) return 'ended';
  if (view.session_expires_at !== null && view.session_expires_at <= now) return 'ended';
  const session = { created_at: view.session_created_at, last_active_at: view.last_active_at };
  if (view.user_id !== null && isExpired(policy, session, now)) return 'ended';
  if (view.deactivated_at !== null) return 'deactivated';
  if (view.expires_at !== null && view.expires_at <= now) return 'expired';
  return undefined;
}

/** False if the token lost to another pair of its predecessor, or its session ended, in the meantime. */
async function recordFirstUse(
  deps: FindAccessDeps,
  use: { hash: SecretHash; view: AccessTokenView; now: number },
): Promise<boolean> {
  const { hash, view, now } = use;
  try {
    return await deps.db.writeSoon(async (tx) => {
      const session = await touchSession(tx, { id: view.session_id, at: now });
      if (session === undefined || session.ended_at !== null) return false;
      if (!(await markAccessTokenUsed(tx, { hash, at: now }))) return false;
      if (view.refresh_hash !== null)
        await usePair(tx, { sessionId: session.id, hash: view.refresh_hash, at: now });
      return true;
    });
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    deps.onFirstUseLost?.(error);
    return true;
  }
}

async function recordActivity(deps: FindAccessDeps, id: SessionId, at: number): Promise<void> {
  try {
    await deps.db.writeSoon((tx) => touchSession(tx, { id, at }));
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    deps.onFirstUseLost?.(error);
  }
}
