/** Access tokens of a provider that were seen here: rows beside our own tokens, without a refresh token. */
import type { DeviceId, InternalUserId, SessionId } from '../../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import { hotRow } from '../engine/hot-query.ts';
import type { Schema } from '../schema.ts';

/** What decides about a person's token before it was ever seen here. */
export const findLinkedState = hotRow(
  (db, issuer: string, subject: string) =>
    db
      .selectFrom('upstream_links')
      .innerJoin('users', 'users.id', 'upstream_links.user_id')
      .select(['users.id', 'users.localpart', 'users.locked_at', 'users.deactivated_at'])
      .where('upstream_links.issuer', '=', issuer)
      .where('upstream_links.subject', '=', subject),
  (v) => ({ id: v[0], localpart: v[1], locked_at: v[2], deactivated_at: v[3] }),
);

/** Whether a session of the user on this device ended since then, other than by making room for the next one. */
export async function endedOnDevice(
  db: Kysely<Schema>,
  of: { userId: InternalUserId; deviceId: DeviceId; since: number },
): Promise<boolean> {
  const row = await db
    .selectFrom('sessions')
    .select('id')
    .where('user_id', '=', of.userId)
    .where('device_id', '=', of.deviceId)
    .where('ended_at', '>=', of.since)
    .where('end_reason', '!=', 'replaced')
    .executeTakeFirst();
  return row !== undefined;
}

/** Removes tokens of the provider that expired before `before` from a session that goes on. */
export async function removeExpiredProviderTokens(
  tx: Kysely<Schema>,
  spent: { sessionId: SessionId; before: number },
): Promise<void> {
  await tx
    .deleteFrom('access_tokens')
    .where('session_id', '=', spent.sessionId)
    .where('refresh_hash', 'is', null)
    .where('expires_at', '<', spent.before)
    .execute();
}
