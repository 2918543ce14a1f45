import type { DeviceId, InternalUserId, SessionId } from '../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import type { SecretHash } from '../protocol/token-format.ts';
import { openSession, type OpeningDeps } from '../sessions/open-session.ts';
import { storeSession } from '../sessions/start.ts';
import type { Schema } from '../storage/schema.ts';
import { endedOnDevice, removeExpiredProviderTokens } from '../storage/records/provider-tokens.ts';
import { findLiveSession, type Session, touchSession } from '../storage/records/sessions.ts';
import { findAccessTokenRow, insertAccessToken } from '../storage/records/tokens.ts';
import { lockUser } from '../storage/records/users.ts';
import type { VerifiedToken } from '../verification/verdict.ts';

/** A provider's token that was never seen here. */
export interface SeenToken {
  readonly hash: SecretHash;
  readonly userId: InternalUserId;
  readonly deviceId: DeviceId;
  /** Space-separated, with the device in it. */
  readonly scope: string;
  readonly token: VerifiedToken;
}

/** `ended`: the session that it belongs to ended here, by a sign-out for one; the person has to sign in again. */
export type Beginning = 'begun' | 'locked' | 'deactivated' | 'crowded' | 'ended';

/** How long an expired token is kept with a session that goes on, in milliseconds: its client may still sign out with it. */
const KEPT = 86_400_000;

/**
 * A session for a token that is seen first, after which it is a token like any other: the next one of a client that refreshed at the provider joins its session, one
 * of another client on the same device replaces it. Throws `Unavailable` if the homeserver cannot be told.
 */
export async function beginProviderSession(deps: OpeningDeps, seen: SeenToken): Promise<Beginning> {
  for (;;) {
    const joined = await deps.db.write((tx) => joinSession(tx, seen, deps.clock.now()));
    if (joined !== 'apart') return joined;
    const clientId = seen.token.clientId ?? null;
    const { sid } = seen.token.claims;
    const opened = await openSession(deps, {
      userId: seen.userId,
      clientId,
      device: { id: seen.deviceId, displayname: null },
      redeem: async (tx) => !(await isTakenCareOf(tx, seen)),
      start: async (tx, { now, sessionId }) => {
        const stored = await storeSession(
          tx,
          { now },
          {
            id: sessionId,
            userId: seen.userId,
            clientId,
            deviceId: seen.deviceId,
            scope: seen.scope,
            origin: 'provider_token',
            authenticatedAt: timeOf(seen.token.claims['auth_time']),
            upstreamSid: typeof sid === 'string' ? sid : null,
          },
        );
        if (stored === undefined) return undefined;
        await storeToken(tx, seen, sessionId, now);
        return stored.replaced === undefined ? {} : { replaced: stored.replaced };
      },
    });
    if (opened.kind === 'opened') return 'begun';
    // Somebody else has begun it at the same moment: then it is there to be joined.
    if (opened.reason !== 'spent') return opened.reason;
  }
}

/** `apart`: there is no session that it belongs to. */
async function joinSession(tx: Kysely<Schema>, seen: SeenToken, now: number): Promise<Beginning | 'apart'> {
  const user = await lockUser(tx, seen.userId);
  if (user === undefined || user.deactivated_at !== null) return 'deactivated';
  if ((await findAccessTokenRow(tx, seen.hash)) !== undefined) return 'begun';
  const { userId, deviceId, token } = seen;
  if (token.issuedAt !== undefined && (await endedOnDevice(tx, { userId, deviceId, since: token.issuedAt })))
    return 'ended';
  const live = await findLiveSession(tx, seen);
  if (!isSameSession(live, seen)) return 'apart';
  await touchSession(tx, { id: live.id, at: now });
  await removeExpiredProviderTokens(tx, { sessionId: live.id, before: now - KEPT });
  await storeToken(tx, seen, live.id, now);
  return 'begun';
}

async function isTakenCareOf(tx: Kysely<Schema>, seen: SeenToken): Promise<boolean> {
  if ((await findAccessTokenRow(tx, seen.hash)) !== undefined) return true;
  return isSameSession(await findLiveSession(tx, seen), seen);
}

/** Whether a live session on the device is the one that the token belongs to: begun by a token of the same client. */
function isSameSession(live: Session | undefined, { token }: SeenToken): live is Session {
  return live?.origin === 'provider_token' && live.client_id === (token.clientId ?? null);
}

async function storeToken(
  tx: Kysely<Schema>,
  { hash, scope, token }: SeenToken,
  sessionId: SessionId,
  now: number,
): Promise<void> {
  await insertAccessToken(tx, {
    hash,
    session_id: sessionId,
    refresh_hash: null,
    scope,
    created_at: token.issuedAt ?? now,
    expires_at: token.expiresAt ?? null,
    first_used_at: now,
  });
}

function timeOf(seconds: unknown): number | null {
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : null;
}
