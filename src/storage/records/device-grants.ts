/** Device grants (RFC 8628): what a device asked for, and what a person said to it. */
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../../protocol/identifiers.ts';
import type { Kysely, Selectable } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import type { Schema } from '../schema.ts';
import { type TableDuties, sweepPast } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    device_grants: DeviceGrantsTable;
    device_requests: DeviceRequestsTable;
  }
}

/** What a device asked for (RFC 8628), and what a person said to it. */
export interface DeviceGrantsTable {
  /** Of the device code. */
  hash: SecretHash;
  /** Keyed, as a user code has few letters. */
  user_code_hash: SecretHash;
  client_id: ClientId;
  scope: string;
  /** Null: the session will have none, as it is none of Matrix. */
  device_id: DeviceId | null;
  /** Where the device asked from, for the person to see. */
  address: string;
  created_at: number;
  expires_at: number;
  /** How far apart polls have to be. */
  interval_seconds: number;
  polled_at: number | null;
  /** The sign-in that claimed it. */
  sign_in_id: string | null;
  /** Whose it is: the first person who signed in for it. */
  user_id: InternalUserId | null;
  decision: 'allowed' | 'denied' | null;
  authenticated_at: number | null;
  upstream_sid: string | null;
  consumed_at: number | null;
  /** What it was redeemed for. */
  session_id: SessionId | null;
}

/** Which device grant a sign-in is for: the purpose of a sign-in. */
export interface DeviceRequestsTable {
  sign_in_id: string;
  device_grant_hash: SecretHash;
}

export const deviceGrantsDuties: TableDuties = {
  person: {
    column: 'user_id',
    pending: { void: 'delete', open: 'consumed_at' },
    deactivation: 'kept',
    erasure: 'deleted',
  },
  time: [sweepPast('device_grants', 'signInSteps', 'expires_at', 'hash')],
};

export const deviceRequestsDuties: TableDuties = {
  person: { follows: 'sign_ins' },
  time: { follows: 'sign_ins' },
};

export type DeviceGrant = Selectable<DeviceGrantsTable>;

/** Inserts a grant; false if another one has its user code. */
export async function insertDeviceGrant(db: Kysely<Schema>, grant: DeviceGrant): Promise<boolean> {
  const row = await db
    .insertInto('device_grants')
    .values(grant)
    .onConflict((conflict) => conflict.column('user_code_hash').doNothing())
    .returning('hash')
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether at least `count` grants have not expired yet, of all clients or of one. */
export async function hasDeviceGrants(
  db: Kysely<Schema>,
  waiting: { at: number; count: number; clientId?: ClientId },
): Promise<boolean> {
  let query = db.selectFrom('device_grants').select('expires_at').where('expires_at', '>', waiting.at);
  if (waiting.clientId !== undefined) query = query.where('client_id', '=', waiting.clientId);
  const row = await query
    .orderBy('expires_at')
    .offset(waiting.count - 1)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export function findDeviceGrant(db: Kysely<Schema>, hash: SecretHash): Promise<DeviceGrant | undefined> {
  return db.selectFrom('device_grants').selectAll().where('hash', '=', hash).executeTakeFirst();
}

export function findDeviceGrantByUserCode(
  db: Kysely<Schema>,
  userCodeHash: SecretHash,
): Promise<DeviceGrant | undefined> {
  return db
    .selectFrom('device_grants')
    .selectAll()
    .where('user_code_hash', '=', userCodeHash)
    .executeTakeFirst();
}

/** Remembers which grant a sign-in is for. */
export async function insertDeviceRequest(
  db: Kysely<Schema>,
  request: { signInId: string; hash: SecretHash },
): Promise<void> {
  await db
    .insertInto('device_requests')
    .values({ sign_in_id: request.signInId, device_grant_hash: request.hash })
    .execute();
}

/** The grant that a sign-in is for. */
export function findDeviceGrantOfSignIn(
  db: Kysely<Schema>,
  signInId: string,
): Promise<DeviceGrant | undefined> {
  return db
    .selectFrom('device_requests')
    .innerJoin('device_grants', 'device_grants.hash', 'device_requests.device_grant_hash')
    .selectAll('device_grants')
    .where('device_requests.sign_in_id', '=', signInId)
    .executeTakeFirst();
}

/**
 * The grant belongs to the first person who signs in for it; the same sign-in may turn out to be somebody else's (another account). False if it is
 * another person's already.
 */
export async function claimDeviceGrant(
  tx: Kysely<Schema>,
  claim: { hash: SecretHash; signInId: string; userId: InternalUserId },
): Promise<boolean> {
  const row = await tx
    .updateTable('device_grants')
    .set({ sign_in_id: claim.signInId, user_id: claim.userId })
    .where('hash', '=', claim.hash)
    .where('decision', 'is', null)
    .where((eb) =>
      eb.or([
        eb('user_id', 'is', null),
        eb('user_id', '=', claim.userId),
        eb('sign_in_id', '=', claim.signInId),
      ]),
    )
    .returning('hash')
    .executeTakeFirst();
  return row !== undefined;
}

/** The person's word: true for the one decision that counts, by the person whose grant it is, in time. */
export async function decideDeviceGrant(
  tx: Kysely<Schema>,
  decided: {
    hash: SecretHash;
    userId: InternalUserId;
    decision: 'allowed' | 'denied';
    authenticatedAt: number | null;
    upstreamSid: string | null;
    at: number;
  },
): Promise<boolean> {
  const row = await tx
    .updateTable('device_grants')
    .set({
      decision: decided.decision,
      authenticated_at: decided.authenticatedAt,
      upstream_sid: decided.upstreamSid,
    })
    .where('hash', '=', decided.hash)
    .where('user_id', '=', decided.userId)
    .where('decision', 'is', null)
    .where('expires_at', '>', decided.at)
    .returning('hash')
    .executeTakeFirst();
  return row !== undefined;
}

/** Notes a poll, and how far apart polls have to be from now on. */
export async function recordPoll(
  db: Kysely<Schema>,
  poll: { hash: SecretHash; at: number; intervalSeconds: number },
): Promise<void> {
  await db
    .updateTable('device_grants')
    .set({ polled_at: poll.at, interval_seconds: poll.intervalSeconds })
    .where('hash', '=', poll.hash)
    .execute();
}

/** Redeems an allowed grant for a session: true for the one caller that did. */
export async function consumeDeviceGrant(
  tx: Kysely<Schema>,
  grant: { hash: SecretHash; at: number; sessionId: SessionId },
): Promise<boolean> {
  const row = await tx
    .updateTable('device_grants')
    .set({ consumed_at: grant.at, session_id: grant.sessionId })
    .where('hash', '=', grant.hash)
    .where('decision', '=', 'allowed')
    .where('consumed_at', 'is', null)
    .returning('hash')
    .executeTakeFirst();
  return row !== undefined;
}
