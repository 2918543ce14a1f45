import type { Kysely } from 'kysely';
import {
  type ClientId,
  type DeviceId,
  type InternalUserId,
  type SessionId,
  newRecordId,
} from '../protocol/identifiers.ts';
import type { Random } from '../protocol/clock.ts';
import { permittedScope } from '../protocol/operator-scope.ts';
import { ADMIN_SCOPE } from '../protocol/scope.ts';
import type { Schema } from '../storage/schema.ts';
import {
  type SessionOrigin,
  findLiveSession,
  insertSession,
  markSessionEnded,
} from '../storage/records/sessions.ts';
import { lockUser, type User } from '../storage/records/users.ts';
import { type IssuedTokens, randomPair } from './issued-tokens.ts';
import { storePair } from './pairs.ts';
import { accessTokenEnd, sessionEnd, type SessionPolicy } from './policy.ts';

export interface NewSession {
  readonly id: SessionId;
  readonly userId: InternalUserId;
  /** Null for legacy login. */
  readonly clientId: ClientId | null;
  /** Null for a session that is none of Matrix: it has scopes of the operator's own alone. */
  readonly deviceId: DeviceId | null;
  /** Space-separated, as granted. */
  readonly scope: string;
  readonly origin: SessionOrigin;
  readonly authenticatedAt: number | null;
  /** The IdP's id of its own session, if it said so. */
  readonly upstreamSid?: string | null;
  /** A name for the device, if it is not known yet: at most 100 characters. */
  readonly deviceName?: string | null;
}

/** A session that was stored. */
interface StoredSession {
  readonly id: SessionId;
  readonly scope: string;
  readonly expires_at: number | null;
  /** The session on the same device that ended for it. */
  readonly replaced: SessionId | undefined;
}

/** What a session starts with, and the session on the same device that ended for it. */
export type Started<Tokens> = Tokens & { readonly replaced?: SessionId };

/** Id for a session that is about to start. */
export function newSessionId(now: number, random: Random): SessionId {
  return newRecordId(now, random);
}

/**
 * Starts a session within the caller's transaction, together with whatever it redeems, and gives it its first pair of tokens.
 * `undefined` if the user is deactivated.
 */
export async function startSession(
  tx: Kysely<Schema>,
  deps: { policy: SessionPolicy; random: Random; now: number },
  session: NewSession,
): Promise<Started<IssuedTokens> | undefined> {
  const { policy, random, now } = deps;
  const stored = await storeSession(tx, { now, policy }, session);
  if (stored === undefined) return undefined;
  const { replaced, ...granted } = stored;
  const expiresAt = accessTokenEnd(policy, granted, now);
  const pair = await storePair(tx, { session: granted, ...randomPair(random), scope: null, now, expiresAt });
  return { ...pair, ...(replaced === undefined ? {} : { replaced }) };
}

/**
 * The session alone, without tokens: whoever calls stores them in the same transaction. A live session on the same device ends here as
 * replaced; the device, its name and its keys stay (homeserver first). The admin scope is left out for whom the access rules make no administrator, and of the
 * operator's own those that the person may not have.
 * `undefined` if the user is deactivated.
 */
export async function storeSession(
  tx: Kysely<Schema>,
  { now, policy }: { now: number; policy?: SessionPolicy },
  session: NewSession,
): Promise<StoredSession | undefined> {
  const user = await lockUser(tx, session.userId);
  if (user === undefined || user.deactivated_at !== null) return undefined;
  const scope = grantedScope(session.scope, user, policy);
  const expiresAt = policy === undefined ? null : sessionEnd(policy, scope, now);
  const { deviceId } = session;
  const earlier = deviceId === null ? undefined : await findLiveSession(tx, { ...session, deviceId });
  if (earlier !== undefined) await markSessionEnded(tx, { id: earlier.id, at: now, reason: 'replaced' });
  await insertSession(tx, {
    id: session.id,
    user_id: session.userId,
    client_id: session.clientId,
    device_id: deviceId,
    scope,
    origin: session.origin,
    authenticated_at: session.authenticatedAt,
    upstream_sid: session.upstreamSid ?? null,
    created_at: now,
    last_active_at: now,
    ended_at: null,
    end_reason: null,
    device_name: earlier === undefined ? (session.deviceName ?? null) : earlier.device_name,
    expires_at: expiresAt,
  });
  return { id: session.id, scope, expires_at: expiresAt, replaced: earlier?.id };
}

function grantedScope(scope: string, user: User, policy: SessionPolicy | undefined): string {
  const tokens = scope.split(' ').filter((token) => user.is_admin === 1 || token !== ADMIN_SCOPE);
  return permittedScope(policy?.scopes ?? new Map(), user, tokens).join(' ');
}
