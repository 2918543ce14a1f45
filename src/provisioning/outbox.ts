/**
 * The outbox: what the homeserver must still be told. Entries are written in the transaction that makes them true and stay until the homeserver
 * has acknowledged; in between they are tried again with a growing delay.
 */
import type { Kysely } from 'kysely';
import type { Homeserver } from '../homeserver/connector.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import { type DeviceId, type InternalUserId, type SessionId, newRecordId } from '../protocol/identifiers.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import type { Database } from '../storage/engine/database.ts';
import {
  type OutboxEntry,
  deleteOutboxEntry,
  insertOutboxEntry,
  listDueOutboxEntries,
  postponeOutboxEntry,
} from '../storage/records/outbox.ts';
import type { Schema } from '../storage/schema.ts';
import { type Session, findLiveSession } from '../storage/records/sessions.ts';
import { findUser } from '../storage/records/users.ts';

/** The part of pino that this folder uses. */
export interface Logger {
  warn(members: object, message: string): void;
}

export interface OutboxDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly homeserver: Homeserver;
  readonly log: Logger;
}

/** First delay after a failed attempt, and the longest, in milliseconds. */
const FIRST_DELAY = 5_000;
const LONGEST_DELAY = 10 * 60_000;
/** How many entries one round takes. */
const ROUND = 50;

/** Queues the deletion of an ended session's device, where there is a homeserver that listens. */
export async function queueDeviceDeletion(
  tx: Kysely<Schema>,
  deps: { homeserver: Homeserver; random: Random },
  ended: { session: Session; now: number },
): Promise<void> {
  const { id, user_id, device_id } = ended.session;
  if (user_id === null || device_id === null) return;
  await queue(tx, deps, { sessionId: id, userId: user_id, deviceId: device_id, now: ended.now });
}

/** Queues the deletion of a device that was announced for a sign-in that then did not happen. */
export async function queueUnusedDevice(
  tx: Kysely<Schema>,
  deps: { homeserver: Homeserver; random: Random },
  device: { userId: InternalUserId; deviceId: DeviceId; now: number },
): Promise<void> {
  await queue(tx, deps, { sessionId: null, ...device });
}

async function queue(
  tx: Kysely<Schema>,
  deps: { homeserver: Homeserver; random: Random },
  device: { sessionId: SessionId | null; userId: InternalUserId; deviceId: DeviceId; now: number },
): Promise<void> {
  if (!deps.homeserver.listens) return;
  await insertOutboxEntry(tx, {
    id: newRecordId(device.now, deps.random),
    kind: 'delete_device',
    session_id: device.sessionId,
    user_id: device.userId,
    device_id: device.deviceId,
    created_at: device.now,
    attempts: 0,
    next_attempt_at: device.now,
  });
}

/** Tries one entry; never throws for a homeserver that cannot be told: the entry is postponed. */
export async function deliverOutboxEntry(deps: OutboxDeps, entry: OutboxEntry): Promise<void> {
  try {
    await deleteDeviceUnlessLive(deps, entry);
    await deps.db.write((tx) => deleteOutboxEntry(tx, entry.id));
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    deps.log.warn(
      { err: error, device: entry.device_id, attempts: entry.attempts + 1 },
      'the homeserver could not be told of an ended session; it will be tried again',
    );
    const delay = Math.min(FIRST_DELAY * 2 ** entry.attempts, LONGEST_DELAY);
    await deps.db.write((tx) =>
      postponeOutboxEntry(tx, { id: entry.id, nextAttemptAt: deps.clock.now() + delay }),
    );
  }
}

/** Tries every entry whose time has come. Resolves to how many it tried. */
export async function deliverOutbox(deps: OutboxDeps): Promise<number> {
  const due = await listDueOutboxEntries(deps.db.query, { at: deps.clock.now(), limit: ROUND });
  for (const entry of due) await deliverOutboxEntry(deps, entry);
  return due.length;
}

/** A device that a live session holds is kept; one that got a live session while it was being deleted is made again. */
async function deleteDeviceUnlessLive(deps: OutboxDeps, entry: OutboxEntry): Promise<void> {
  const device = { userId: entry.user_id, deviceId: entry.device_id };
  const user = await findUser(deps.db.query, entry.user_id);
  if (user === undefined || (await findLiveSession(deps.db.query, device)) !== undefined) return;
  const names = { localpart: user.localpart, deviceId: entry.device_id };
  await deps.homeserver.deleteDevice(names);
  if ((await findLiveSession(deps.db.query, device)) !== undefined) await deps.homeserver.upsertDevice(names);
}
