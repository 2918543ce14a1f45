import type { Kysely } from 'kysely';
import type { Homeserver } from '../homeserver/connector.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import { type SecretHash, hashSecret, isWellFormedSecret } from '../protocol/token-format.ts';
import type { Database } from '../storage/engine/database.ts';
import { findOutboxEntryOf } from '../storage/records/outbox.ts';
import type { Schema, SessionEndReason } from '../storage/schema.ts';
import { type Session, markSessionEnded } from '../storage/records/sessions.ts';
import { findAccessToken, findRefreshToken } from '../storage/records/tokens.ts';
import { type Logger, deliverOutboxEntry, queueDeviceDeletion } from '../provisioning/outbox.ts';

export interface SessionEndingDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly homeserver: Homeserver;
  readonly log: Logger;
}

/** Ends a session within the caller's transaction, and queues the deletion of its device. `undefined` where it was not live. */
export async function endSessionIn(
  tx: Kysely<Schema>,
  deps: SessionEndingDeps,
  ending: { sessionId: string; reason: SessionEndReason; now: number },
): Promise<Session | undefined> {
  const session = await markSessionEnded(tx, { id: ending.sessionId, at: ending.now, reason: ending.reason });
  if (session !== undefined) await queueDeviceDeletion(tx, deps, { session, now: ending.now });
  return session;
}

/**
 * Ends a session: its tokens are dead once this resolves, and the homeserver has been told, or will be as soon as it can be.
 * False where the session had ended before.
 */
export async function endSession(
  deps: SessionEndingDeps,
  ending: { sessionId: string; reason: SessionEndReason },
): Promise<boolean> {
  const now = deps.clock.now();
  const session = await deps.db.write((tx) => endSessionIn(tx, deps, { ...ending, now }));
  await deliverEnding(deps, session?.id);
  return session !== undefined;
}

/** Tells the homeserver at once of an ended session; what fails stays queued. */
export async function deliverEnding(deps: SessionEndingDeps, sessionId: string | undefined): Promise<void> {
  if (sessionId === undefined || !deps.homeserver.listens) return;
  const entry = await findOutboxEntryOf(deps.db.query, sessionId);
  if (entry !== undefined) await deliverOutboxEntry(deps, entry);
}

/** The session that a token belongs to, live or not: either kind of token, expired or consumed, finds it (RFC 7009 §2.1: a hint does not matter). */
export async function findSessionOfToken(
  db: Database,
  token: string,
): Promise<{ sessionId: string; hash: SecretHash } | undefined> {
  const hash = hashSecret(token);
  if (isWellFormedSecret('accessToken', token)) {
    const access = await findAccessToken(db.query, hash);
    return access && { sessionId: access.session_id, hash };
  }
  if (isWellFormedSecret('refreshToken', token)) {
    const refresh = await findRefreshToken(db.query, hash);
    return refresh && { sessionId: refresh.session_id, hash };
  }
  return undefined;
}
