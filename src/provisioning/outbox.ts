/**
 * The outbox: what the homeserver must still be told. Entries are written in the transaction that makes them true, and stay until the homeserver has
 * acknowledged them (provisioning/deliver.ts).
 */
import type { Kysely } from 'kysely';
import type { Homeserver } from '../homeserver/connector.ts';
import type { Random } from '../protocol/clock.ts';
import { type DeviceId, type InternalUserId, newRecordId } from '../protocol/identifiers.ts';
import {
  deleteDeviceDeletions,
  insertOutboxEntry,
  type OutboxKind,
  type OutboxPayloads,
} from '../storage/records/outbox.ts';
import type { Schema } from '../storage/schema.ts';

export interface QueueDeps {
  readonly homeserver: Homeserver;
  readonly random: Random;
}

/** One thing to tell: the kind, whom it is about, and what the kind says. */
export type Telling = {
  [Kind in OutboxKind]: {
    readonly kind: Kind;
    readonly userId: InternalUserId;
    /** Of the kinds that are about a device. */
    readonly deviceId?: DeviceId;
    readonly payload: OutboxPayloads[Kind];
  };
}[OutboxKind];

/** Queues something, within the transaction that makes it true; nothing if there is no homeserver that listens. */
export async function queueTelling(
  tx: Kysely<Schema>,
  deps: QueueDeps,
  telling: Telling & { readonly now: number },
): Promise<void> {
  if (!deps.homeserver.listens) return;
  const { kind, userId, deviceId = null, payload, now } = telling;
  await insertOutboxEntry(tx, {
    id: newRecordId(now, deps.random),
    kind,
    user_id: userId,
    device_id: deviceId,
    payload_json: JSON.stringify(payload),
    created_at: now,
    attempts: 0,
    next_attempt_at: now,
  });
}

/** Queues the deletion of a device that no session holds any more, or that was announced for a sign-in that then did not happen. */
export function queueDeviceDeletion(
  tx: Kysely<Schema>,
  deps: QueueDeps,
  device: { readonly userId: InternalUserId; readonly deviceId: DeviceId; readonly now: number },
): Promise<void> {
  return queueTelling(tx, deps, { kind: 'delete_device', ...device, payload: {} });
}

/**
 * A session begins on a device: what would delete it is taken back. If there was something of that kind, it may have been carried out by another process
 * at this very moment, so the device is made once more.
 */
export async function keepDevice(
  tx: Kysely<Schema>,
  deps: QueueDeps,
  device: {
    readonly userId: InternalUserId;
    readonly deviceId: DeviceId;
    readonly now: number;
    readonly displayname: string | null;
  },
): Promise<void> {
  if (!deps.homeserver.listens || !(await deleteDeviceDeletions(tx, device))) return;
  const { displayname, ...about } = device;
  const payload = displayname === null ? {} : { displayname };
  await queueTelling(tx, deps, { kind: 'upsert_device', ...about, payload });
}
