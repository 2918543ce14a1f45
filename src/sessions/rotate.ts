import type { ClientId, InternalUserId, SessionId } from '../protocol/identifiers.ts';
import type { KeyObject } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Clock, Random } from '../protocol/clock.ts';
import { deviceIdOf, isApiScope } from '../protocol/scope.ts';
import { type SecretHash, hashSecret, isWellFormedSecret } from '../protocol/token-format.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Schema } from '../storage/schema.ts';
import { type RefreshedSession, findSessionOf, touchSessionOf } from '../storage/records/sessions.ts';
import {
  type ConsumedToken,
  type RefreshToken,
  consumeRefreshToken,
  findAccessTokenRow,
  findSuccessors,
  removeSpentAccessTokens,
  supersedeSiblings,
} from '../storage/records/tokens.ts';
import { findUser } from '../storage/records/users.ts';
import { concludeEnding, type EndedSession, type SessionEndingDeps, endSessionIn } from './end.ts';
import { hasExpiry, isExpired } from './expiry.ts';
import { type IssuedTokens, deriveToken, newNonce } from './issued-tokens.ts';
import { describePair, renewPair, storePair } from './pairs.ts';
import { accessTokenEnd, type SessionPolicy } from './policy.ts';

/** How long an expired access token is still told from an unknown one, in milliseconds. */
const SPENT_TOKEN_RETENTION = 60 * 60_000;
/** Generations after which a session's spent access tokens are removed: one statement for several rows. */
const SWEEP_EVERY = 8;

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
  readonly clientId: ClientId | null;
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
  | { readonly ok: false; readonly reason: RotationRefusal; readonly sessionId?: SessionId };

/**
 * Refresh by the refresh rule (docs/session-model.md). One transaction; a refusal changes nothing, except that a replay ends the session.
 * The access token that the client holds keeps its life.
 */
export async function rotateTokens(deps: RotationDeps, input: RotationInput): Promise<Rotation> {
  if (!isWellFormedSecret('refreshToken', input.refreshToken)) return { ok: false, reason: 'malformed' };
  const hash = hashSecret(input.refreshToken);
  const { ended, ...rotation } = await deps.db.write((tx) => rotateIn(tx, deps, { ...input, hash }));
  if (ended === undefined) return rotation;
  if (ended.reason === 'refresh_replayed') {
    const clientId = input.clientId === null ? {} : { clientId: input.clientId };
    deps.emit('refresh_token_reused', { sessionId: ended.id, ...clientId });
  }
  await concludeEnding(deps, [ended]);
  return rotation;
}

/** A rotation, and the session that ended by it: a replayed token's, or one that had expired. */
type Outcome = Rotation & { readonly ended?: EndedSession };

/** The presented refresh token with all that the transaction read of it. */
interface Presented {
  readonly token: string;
  readonly hash: SecretHash;
  readonly session: RefreshedSession;
  /** For the access token; null is the session's. */
  readonly scope: string | null;
  readonly now: number;
}

async function rotateIn(
  tx: Kysely<Schema>,
  deps: RotationDeps,
  input: RotationInput & { readonly hash: SecretHash },
): Promise<Outcome> {
  const now = deps.clock.now();
  const { hash, clientId } = input;
  if (hasExpiry(deps.policy)) {
    const ended = await expireIn(tx, deps, { hash, clientId, now });
    if (ended !== undefined) return { ok: false, reason: 'expired', sessionId: ended.id, ended };
  }
  // From here on the session's row is locked, and what is read stays as it is.
  const session = await touchSessionOf(tx, { hash, at: now });
  if (session === undefined) return { ok: false, reason: 'unknown' };
  const { id: sessionId, user_id: userId } = session;
  const refuse = (reason: RotationRefusal): Rotation => ({ ok: false, reason, sessionId });
  if (session.client_id !== clientId) return refuse('other_client');
  if (session.ended_at !== null) return refuse('ended');
  if (session.expires_at !== null && session.expires_at <= now) {
    const ended = await endSessionIn(tx, deps, { sessionId, reason: 'expired', now });
    return { ...refuse('expired'), ...(ended === undefined ? {} : { ended }) };
  }
  const scope = narrowScope(session.scope, input.scope);
  if (scope === undefined) return refuse((await isDeactivated(tx, userId)) ? 'deactivated' : 'wider_scope');

  const presented: Presented = { token: input.refreshToken, hash, session, scope, now };
  const consumed = await consumeRefreshToken(tx, { hash, userId, at: now });
  if (consumed !== undefined) {
    return { ok: true, how: 'rotated', tokens: await succeed(tx, deps, presented, consumed) };
  }
  if (await isDeactivated(tx, userId)) return refuse('deactivated');
  const reused = await reuse(tx, deps, presented);
  if (reused !== undefined) return reused;
  const ended = await endSessionIn(tx, deps, { sessionId, reason: 'refresh_replayed', now });
  return { ...refuse('replayed'), ...(ended === undefined ? {} : { ended }) };
}

async function isDeactivated(tx: Kysely<Schema>, userId: InternalUserId | null): Promise<boolean> {
  const user = userId === null ? undefined : await findUser(tx, userId);
  return user !== undefined && user.deactivated_at !== null;
}

/** The next generation after a token that was just consumed, and what falls due with it. */
async function succeed(
  tx: Kysely<Schema>,
  deps: RotationDeps,
  presented: Presented,
  consumed: ConsumedToken,
): Promise<IssuedTokens> {
  const { hash, session, now } = presented;
  // Used by being presented, unless its access token was seen before.
  if (consumed.used_at === now) {
    await supersedeSiblings(tx, {
      sessionId: session.id,
      hash,
      predecessor: consumed.predecessor_hash,
      at: now,
    });
  }
  const generation = consumed.generation + 1;
  const tokens = await issueSuccessor(tx, deps, presented, generation);
  if (generation % SWEEP_EVERY === 0) {
    await removeSpentAccessTokens(tx, {
      sessionId: session.id,
      before: now - SPENT_TOKEN_RETENTION,
      keep: [hash, hashSecret(tokens.refreshToken)],
    });
  }
  return tokens;
}

/** Ends the session of a token if it has expired by now, and tells which it was; looked at before its use counts as one. */
async function expireIn(
  tx: Kysely<Schema>,
  deps: RotationDeps,
  of: { hash: SecretHash; clientId: ClientId | null; now: number },
): Promise<EndedSession | undefined> {
  const session = await findSessionOf(tx, of.hash);
  if (session === undefined || session.ended_at !== null || session.client_id !== of.clientId)
    return undefined;
  if (!isExpired(deps.policy, session, of.now)) return undefined;
  return endSessionIn(tx, deps, { sessionId: session.id, reason: 'expired', now: of.now });
}

/** What a consumed refresh token still yields; `undefined` if presenting it is a replay. */
async function reuse(
  tx: Kysely<Schema>,
  deps: RotationDeps,
  presented: Presented,
): Promise<Rotation | undefined> {
  const { now } = presented;
  const { id: sessionId } = presented.session;
  const successors = await findSuccessors(tx, { sessionId, predecessor: presented.hash });
  const used = successors.find((successor) => successor.used_at !== null);
  const successor = used ?? successors.at(-1);
  if (successor === undefined) return undefined; // lost to a sibling: see supersedeSiblings
  if (used === undefined) {
    const again = await samePair(tx, deps, presented, successor);
    if (again !== undefined) return { ok: true, how: 'retried', tokens: again };
    const tokens = await issueSuccessor(tx, deps, presented, successor.generation);
    return { ok: true, how: 'renewed', tokens };
  }
  if (used.used_at === null || now > used.used_at + deps.policy.refreshReuseGrace) return undefined;
  if (deps.policy.refreshReuseGrace === 0) return undefined;
  const later = await findSuccessors(tx, { sessionId, predecessor: used.hash });
  if (later.some((next) => next.used_at !== null)) return undefined; // not the immediate predecessor any more
  const tokens =
    (await samePair(tx, deps, presented, used)) ?? (await renewAccess(tx, deps, presented, used));
  return { ok: true, how: 'graced', tokens };
}

/** The pair that was issued before, derived again; `undefined` if its access token is gone or has expired. */
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

/** A new pair after the presented token. */
async function issueSuccessor(
  tx: Kysely<Schema>,
  deps: RotationDeps,
  { token, hash, session, scope, now }: Presented,
  generation: number,
): Promise<IssuedTokens> {
  const nonce = newNonce(deps.random);
  const seed = { presented: token, sessionId: session.id, generation, nonce };
  const accessToken = deriveToken(deps.derivationKey, 'accessToken', seed);
  const refreshToken = deriveToken(deps.derivationKey, 'refreshToken', seed);
  const expiresAt = accessTokenEnd(deps.policy, session, now);
  const descent = { predecessor: hash, generation, nonce };
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
  const expiresAt = accessTokenEnd(deps.policy, session, now);
  return renewPair(tx, { session, accessToken, refreshToken, scope, now, expiresAt }, accessNonce);
}

/**
 * The scope of the new access token: null for the session's own, `undefined` if more was asked for than was granted (RFC 6749 §6).
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
