import type { ClientId, DeviceId, InternalUserId, SessionId } from '../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import type { Homeserver } from '../homeserver/connector.ts';
import type { EmitEvent, EventDetails } from '../observability/events.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import { type SecretHash, hashSecret, isWellFormedSecret } from '../protocol/token-format.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Schema } from '../storage/schema.ts';
import { type SessionEndReason, markSessionEnded } from '../storage/records/sessions.ts';
import { findAccessToken, findRefreshToken } from '../storage/records/tokens.ts';
import { deliverOutboxOf, type OutboxLog } from '../provisioning/deliver.ts';
import { queueDeviceDeletion } from '../provisioning/outbox.ts';

export interface SessionEndingDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly homeserver: Homeserver;
  readonly log: OutboxLog;
  readonly emit: EmitEvent;
}

/** A session that has just ended. Whoever ends one in a transaction of their own hands it to {@link concludeEnding} after the commit. */
export interface EndedSession {
  readonly id: SessionId;
  readonly userId: InternalUserId | null;
  readonly clientId: ClientId | null;
  readonly deviceId: DeviceId | null;
  readonly reason: SessionEndReason;
}

/** Ends a session within the caller's transaction, and queues the deletion of its device. `undefined` if it was not live. */
export async function endSessionIn(
  tx: Kysely<Schema>,
  deps: SessionEndingDeps,
  ending: { sessionId: SessionId; reason: SessionEndReason; now: number },
): Promise<EndedSession | undefined> {
  const { reason, now } = ending;
  const session = await markSessionEnded(tx, { id: ending.sessionId, at: now, reason });
  if (session === undefined) return undefined;
  const { id, user_id: userId, client_id: clientId, device_id: deviceId } = session;
  if (userId !== null && deviceId !== null) await queueDeviceDeletion(tx, deps, { userId, deviceId, now });
  return { id, userId, clientId, deviceId, reason };
}

/**
 * Ends a session: its tokens are dead once this resolves, and the homeserver has been told, or will be as soon as it can be.
 * False if the session had ended before.
 */
export async function endSession(
  deps: SessionEndingDeps,
  ending: { sessionId: SessionId; reason: SessionEndReason },
): Promise<boolean> {
  const now = deps.clock.now();
  const ended = await deps.db.write((tx) => endSessionIn(tx, deps, { ...ending, now }));
  if (ended !== undefined) await concludeEnding(deps, [ended]);
  return ended !== undefined;
}

/**
 * What follows the commit that ended sessions: the event of each, and the homeserver hears of them at once; what fails stays queued. Without `deliver` it hears
 * from the outbox, for sessions of which there may be many.
 */
export async function concludeEnding(
  deps: SessionEndingDeps,
  ended: readonly EndedSession[],
  { deliver = true }: { deliver?: boolean } = {},
): Promise<void> {
  for (const session of ended) deps.emit('session_ended', detailsOf(session));
  if (!deliver || !deps.homeserver.listens) return;
  for (const userId of new Set(ended.map((session) => session.userId))) {
    if (userId !== null) await deliverOutboxOf(deps, userId);
  }
}

/** A legacy client's device id is any text that it sent, and nothing that was sent goes to the log: the session's id tells it. */
function detailsOf({ id, userId, clientId, deviceId, reason }: EndedSession): EventDetails {
  return {
    sessionId: id,
    reason,
    ...(userId === null ? {} : { userId }),
    ...(clientId === null ? {} : { clientId }),
    ...(clientId === null || deviceId === null ? {} : { deviceId }),
  };
}

/** The session that a token belongs to, live or not: either kind of token, expired or consumed, finds it (RFC 7009 §2.1: a hint does not matter). */
export async function findSessionOfToken(
  db: Database,
  token: string,
  accessTokens: AccessTokenHashes,
): Promise<{ sessionId: SessionId; hash: SecretHash } | undefined> {
  if (isWellFormedSecret('refreshToken', token)) {
    const hash = hashSecret(token);
    const refresh = await findRefreshToken(db.query, hash);
    return refresh && { sessionId: refresh.session_id, hash };
  }
  const hash = await accessTokens.hashOf(token);
  const access = hash === undefined ? undefined : await findAccessToken(db.query, hash);
  return hash && access && { sessionId: access.session_id, hash };
}

interface AccessTokenHashes {
  /** The hash under which an access token is stored; `undefined` if it cannot be. */
  hashOf(token: string): Promise<SecretHash | undefined>;
}
