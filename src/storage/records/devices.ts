/** Devices, as far as this service knows them: what the live sessions of a user are on. */
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../../protocol/identifiers.ts';
import type { Kysely, SelectQueryBuilder } from 'kysely';
import type { Schema } from '../schema.ts';

/** The live session on a device. */
export interface DeviceRow {
  readonly session_id: SessionId;
  readonly device_id: DeviceId;
  /** What its client or its person called it. */
  readonly device_name: string | null;
  readonly client_id: ClientId | null;
  readonly last_active_at: number;
}

/** All devices of a user, the oldest sign-in first. */
export function listDevices(db: Kysely<Schema>, userId: InternalUserId): Promise<DeviceRow[]> {
  return selectDevices(db, userId).orderBy('id').execute();
}

/** The device of this id; `undefined` if the user is not signed in on it. */
export function findDevice(
  db: Kysely<Schema>,
  device: { userId: InternalUserId; deviceId: DeviceId },
): Promise<DeviceRow | undefined> {
  return selectDevices(db, device.userId).where('device_id', '=', device.deviceId).executeTakeFirst();
}

function selectDevices(
  db: Kysely<Schema>,
  userId: InternalUserId,
): SelectQueryBuilder<Schema, 'sessions', DeviceRow> {
  return db
    .selectFrom('sessions')
    .select(['id as session_id', 'device_name', 'client_id', 'last_active_at'])
    .select((eb) => eb.ref('device_id').$notNull().as('device_id'))
    .where('user_id', '=', userId)
    .where('device_id', 'is not', null)
    .where('ended_at', 'is', null);
}

/** Names a device; null takes its name. False if there is no such device. */
export async function setDeviceName(
  tx: Kysely<Schema>,
  device: { userId: InternalUserId; deviceId: DeviceId; name: string | null },
): Promise<boolean> {
  const row = await tx
    .updateTable('sessions')
    .set({ device_name: device.name })
    .where('user_id', '=', device.userId)
    .where('device_id', '=', device.deviceId)
    .where('ended_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}
