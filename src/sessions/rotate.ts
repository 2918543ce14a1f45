import type { KeyObject } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Clock, Random } from '../protocol/clock.ts';
import { deviceIdOf, isApiScope } from '../protocol/scope.ts';
import { type SecretHash, hashSecret, isWellFormedSecret } from '../protocol/token-format.ts';
import type { Database } from '../storage/database.ts';
import type { Schema } from '../storage/schema.ts';
import { findSession } from '../storage/session-list.ts';
import { type Session, touchSession } from '../storage/sessions.ts';
import {
  type RefreshToken,
  consumeRefreshToken,
  findAccessTokenRow,
  findRefreshToken,
  findSuccessors,
  removeSpentAccessTokens,
} from '../storage/tokens.ts';
import { findUser } from '../storage/users.ts';
import { type SessionEndingDeps, deliverEnding, endSessionIn } from './end.ts';
import { hasExpiry, isExpired } from './expiry.ts';
import { usePair } from './first-use.ts';
import { type IssuedTokens, deriveToken, newNonce } from './issued-tokens.ts';
import { describePair, renewPair, storePair } from './pairs.ts';
import type { SessionPolicy } from './policy.ts';

/** How long an expired access token is still told from an unknown one, in milliseconds. */
const SPENT_TOKEN_RETENTION = 60 * 60_000;

export interface RotationDeps extends SessionEndingDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly policy: SessionPolicy;
  /** Subkey under which successors are derived. */
  readonly derivationKey: KeyObject;
}

export interface RotationInput {
  readonly refreshToken: string;
  /** The client that presents it, authenticated; null for legacy refresh, which has no client. */
  readonly clientId: string | null;
  /** A narrower scope for the new access token only; the Matrix API and the device stay in it. */
  readonly scope?: readonly string[];
}

export type RotationRefusal =
  'malformed' | 'unknown' | 'other_client' | 'ended' | 'expired' | 'deactivated' | 'replayed' | 'wider_scope';

export type Rotation =
  | {
      readonly ok: true;
      readonly tokens: IssuedTokens;
      /** `rotated`: a new generation; `retried`: the identical pair; `renewed`: a fresh pair, the identical one having expired unused; `graced`: shortly after the successor was used. */
      readonly how: 'rotated' | 'retried' | 'renewed' | 'graced';
    }
  | { readonly ok: false; readonly reason: RotationRefusal; readonly sessionId?: string };

/**
 * Refresh by rule 3 of the session model. One transaction; a refusal changes nothing, except that a replay ends the session.
 * The access token that the client holds keeps its life.
 */
export async function rotateTokens(deps: RotationDeps, input: RotationInput): Promise<Rotation> {
  if (!isWellFormedSecret('refreshToken', input.refreshToken)) return { ok: false, reason: 'malformed' };
  const hash = hashSecret(input.refreshToken);
  const rotation = await deps.db.write((tx) => rotateIn(tx, deps, { ...input, hash }));
  if (!rotation.ok && (rotation.reason === 'replayed' || rotation.reason === 'expired')) {
    await deliverEnding(deps, rotation.sessionId);
  }
  return rotation;
}

/** The presented refresh token with all that the transaction read of it. */
interface Presented {
  readonly token: string;
  readonly row: RefreshToken;
  readonly session: Session;
  /** For the access token; null is the session's. */
  readonly scope: string | null;
  readonly now: number;
}

async function rotateIn(
  tx: Kysely<Schema>,
  deps: RotationDeps,
  input: RotationInput & { readonly hash: SecretHash },
): Promise<Rotation> {
  const now = deps.clock.now();
  const found = await findRefreshToken(tx, input.hash);
  if (found === undefined) return { ok: false, reason: 'unknown' };
  if (await expireIn(tx, deps, { sessionId: found.session_id, clientId: input.clientId, now })) {
    return { ok: false, reason: 'expired', sessionId: found.session_id };
  }
  // From here on the session's row is locked, and `row` is read under that lock.
  const session = await touchSession(tx, { id: found.session_id, at: now });
  const row = await findRefreshToken(tx, input.hash);
  if (session === undefined || row === undefined) return { ok: false, reason: 'unknown' };
  const refuse = (reason: RotationRefusal): Rotation => ({ ok: false, reason, sessionId: session.id });
  if (session.client_id !== input.clientId) return refuse('other_client');
  if (session.ended_at !== null) return refuse('ended');
  const user = session.user_id === null ? undefined : await findUser(tx, session.user_id);
  if (user !== undefined && user.deactivated_at !== null) return refuse('deactivated');
  const scope = narrowScope(session.scope, input.scope);
  if (scope === undefined) return refuse('wider_scope');

  const presented: Presented = { token: input.refreshToken, row, session, scope, now };
  if (await consumeRefreshToken(tx, { hash: row.hash, at: now })) {
    await usePair(tx, { hash: row.hash, at: now });
    const tokens = await issueSuccessor(tx, deps, presented);
    await removeSpentAccessTokens(tx, {
      sessionId: session.id,
      before: now - SPENT_TOKEN_RETENTION,
      keep: [row.hash, hashSecret(tokens.refreshToken)],
    });
    return { ok: true, how: 'rotated', tokens };
  }
  const reused = await reuse(tx, deps, presented);
  if (reused !== undefined) return reused;
  await endSessionIn(tx, deps, { sessionId: session.id, reason: 'refresh_replayed', now });
  return refuse('replayed');
}

/** Ends the session if it has expired by now; looked at before its use counts as one. */
async function expireIn(
  tx: Kysely<Schema>,
  deps: RotationDeps,
  of: { sessionId: string; clientId: string | null; now: number },
): Promise<boolean> {
  if (!hasExpiry(deps.policy)) return false;
  const session = await findSession(tx, of.sessionId);
  if (session === undefined || session.ended_at !== null || session.client_id !== of.clientId) return false;
  if (!isExpired(deps.policy, session, of.now)) return false;
  return (
    (await endSessionIn(tx, deps, { sessionId: session.id, reason: 'expired', now: of.now })) !== undefined
  );
}

/** What a consumed refresh token still yields; `undefined` where presenting it is a replay. */
async function reuse(
  tx: Kysely<Schema>,
  deps: RotationDeps,
  presented: Presented,
): Promise<Rotation | undefined> {
  const { now } = presented;
  const successors = await findSuccessors(tx, presented.row.hash);
  const used = successors.find((successor) => successor.used_at !== null);
  const successor = used ?? successors.at(-1);
  if (successor === undefined) return undefined; // lost to a sibling: see supersedeSiblings
  if (used === undefined) {
    const again = await samePair(tx, deps, presented, successor);
    if (again !== undefined) return { ok: true, how: 'retried', tokens: again };
    return { ok: true, how: 'renewed', tokens: await issueSuccessor(tx, deps, presented) };
  }
  if (used.used_at === null || now > used.used_at + deps.policy.refreshReuseGrace) return undefined;
  if (deps.policy.refreshReuseGrace === 0) return undefined;
  const later = await findSuccessors(tx, used.hash);
  if (later.some((next) => next.used_at !== null)) return undefined; // not the immediate predecessor any more
  const tokens =
    (await samePair(tx, deps, presented, used)) ?? (await renewAccess(tx, deps, presented, used));
  return { ok: true, how: 'graced', tokens };
}

/** The pair that was issued before, derived again; `undefined` where its access token is gone or has expired. */
async function samePair(
  tx: Kysely<Schema>,
  deps: RotationDeps,
  { token, session, now }: Presented,
  successor: RefreshToken,
): Promise<IssuedTokens | undefined> {
  const access = await findAccessTokenRow(tx, successor.access_hash);
  if (access === undefined || access.expires_at === null || access.expires_at <= now) return undefined;
  const seed = { presented: token, sessionId: session.id, generation: successor.generation };
  const accessToken = deriveToken(deps.derivationKey, 'accessToken', {
    ...seed,
    nonce: nonceOf(successor.access_nonce),
  });
  const refreshToken = deriveToken(deps.derivationKey, 'refreshToken', {
    ...seed,
    nonce: nonceOf(successor.refresh_nonce),
  });
  if (hashSecret(accessToken) !== access.hash || hashSecret(refreshToken) !== successor.hash) {
    throw new Error('a pair could not be derived again: was the encryption key changed?');
  }
  const { scope, expires_at: expiresAt } = access;
  return describePair({ session, accessToken, refreshToken, scope, now, expiresAt });
}

/** A new generation after the presented token. */
async function issueSuccessor(
  tx: Kysely<Schema>,
  deps: RotationDeps,
  { token, row, session, scope, now }: Presented,
): Promise<IssuedTokens> {
  const nonce = newNonce(deps.random);
  const seed = { presented: token, sessionId: session.id, generation: row.generation + 1, nonce };
  const accessToken = deriveToken(deps.derivationKey, 'accessToken', seed);
  const refreshToken = deriveToken(deps.derivationKey, 'refreshToken', seed);
  const expiresAt = now + deps.policy.accessTokenTtl;
  const descent = { predecessor: row.hash, generation: seed.generation, nonce };
  return storePair(tx, { session, accessToken, refreshToken, scope, now, expiresAt }, descent);
}

/** Within the grace, but the pair's access token has expired: the same refresh token with a new access token, so that no second lineage begins. */
async function renewAccess(
  tx: Kysely<Schema>,
  deps: RotationDeps,
  { token, session, scope, now }: Presented,
  successor: RefreshToken,
): Promise<IssuedTokens> {
  const seed = { presented: token, sessionId: session.id, generation: successor.generation };
  const accessNonce = newNonce(deps.random);
  const accessToken = deriveToken(deps.derivationKey, 'accessToken', { ...seed, nonce: accessNonce });
  const refreshToken = deriveToken(deps.derivationKey, 'refreshToken', {
    ...seed,
    nonce: nonceOf(successor.refresh_nonce),
  });
  const expiresAt = now + deps.policy.accessTokenTtl;
  return renewPair(tx, { session, accessToken, refreshToken, scope, now, expiresAt }, accessNonce);
}

/**
 * The scope of the new access token: null for the session's own, `undefined` where more was asked for than was granted (RFC 6749 §6).
 * The Matrix API and the device cannot be dropped: a token without them would be of no use to a Matrix client, and refusing would log it out.
 */
function narrowScope(granted: string, wanted: readonly string[] | undefined): string | null | undefined {
  if (wanted === undefined) return null;
  const all = granted.split(' ');
  if (!wanted.every((token) => all.includes(token))) return undefined;
  const kept = all.filter(
    (token) => wanted.includes(token) || isApiScope(token) || deviceIdOf(token) !== undefined,
  );
  return kept.length === all.length ? null : kept.join(' ');
}

function nonceOf(nonce: string | null): string {
  if (nonce === null) throw new Error('a successor has no nonce');
  return nonce;
}
