import type { DeviceId, InternalUserId } from '../protocol/identifiers.ts';
import { deliverOutboxOf } from '../provisioning/deliver.ts';
import { queueTelling } from '../provisioning/outbox.ts';
import { setDeviceName } from '../storage/records/devices.ts';
import type { SessionEndingDeps } from './end.ts';

/** Names the device of a live session; an empty name takes the name away. False if no live session holds it. The homeserver is told at once, or by the outbox. */
export async function nameDevice(
  deps: SessionEndingDeps,
  device: { readonly userId: InternalUserId; readonly deviceId: DeviceId; readonly name: string },
): Promise<boolean> {
  const { userId, deviceId, name } = device;
  const named = await deps.db.write(async (tx) => {
    if (!(await setDeviceName(tx, { userId, deviceId, name: name === '' ? null : name }))) return false;
    const payload = { displayname: name };
    const now = deps.clock.now();
    await queueTelling(tx, deps, { kind: 'rename_device', userId, deviceId, payload, now });
    return true;
  });
  if (named) await deliverOutboxOf(deps, userId);
  return named;
}
