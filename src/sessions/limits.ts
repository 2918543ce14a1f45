/** How many sessions a person may have. None is ever ended for another one silently: the person chooses on the consent page, or stays out. */
import type { ClientId, DeviceId, InternalUserId } from '../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import type { Schema } from '../storage/schema.ts';
import { listSessionRows } from '../storage/records/session-list.ts';
import type { Session } from '../storage/records/sessions.ts';

export interface SessionLimits {
  /** Live sessions of Matrix of one user. 0: no limit. */
  readonly perUser: number;
  /** Live sessions of one user with one client. 0: no limit. */
  readonly perClient: number;
}

/** A session that somebody wants to start. */
export interface WantedSession {
  readonly userId: InternalUserId;
  /** Null for legacy login: such sessions belong to no client, so only the limit on all of them counts. */
  readonly clientId: ClientId | null;
  /** A live session on this device is replaced, so it takes no place. Null: it is none of Matrix, and takes none either. */
  readonly deviceId: DeviceId | null;
}

/** What stands in the way of a session. */
export interface Crowd {
  /** Live sessions that the person can choose from, newest first. */
  readonly sessions: readonly Session[];
  /** How many of them have to end. */
  readonly ofAll: number;
  /** How many with the same client have to end. */
  readonly ofClient: number;
}

/** More sessions than this are not listed: whoever has them ends some on the account page. */
const LIST_LIMIT = 500;

/** What has to end before the session can start; `undefined` if it fits. `ending`: sessions that are about to end. */
export async function findCrowd(
  db: Kysely<Schema>,
  limits: SessionLimits,
  wanted: WantedSession & { readonly ending?: ReadonlySet<string> },
): Promise<Crowd | undefined> {
  if (wanted.deviceId === null || (limits.perUser === 0 && limits.perClient === 0)) return undefined;
  const live = await listSessionRows(db, { userId: wanted.userId, limit: LIST_LIMIT, kind: 'matrix' });
  const sessions = live.filter(
    ({ id, device_id }) => device_id !== wanted.deviceId && wanted.ending?.has(id) !== true,
  );
  const ofSameClient = sessions.filter(({ client_id }) => client_id === wanted.clientId);
  const ofAll = excess(sessions.length, limits.perUser);
  const ofClient = wanted.clientId === null ? 0 : excess(ofSameClient.length, limits.perClient);
  if (ofAll === 0 && ofClient === 0) return undefined;
  return { sessions: ofAll > 0 ? sessions : ofSameClient, ofAll, ofClient };
}

/** How many are too many, with one more to come. */
function excess(count: number, limit: number): number {
  return limit === 0 ? 0 : Math.max(0, count + 1 - limit);
}
