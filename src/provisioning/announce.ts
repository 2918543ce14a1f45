import type { Homeserver } from '../homeserver/connector.ts';
import type { User } from '../storage/records/users.ts';

/**
 * Tells the homeserver of a user and a device, before anybody has a token for them (homeserver first). Both verbs can be repeated. Throws
 * `Unavailable` if it cannot be told.
 */
export async function announceDevice(
  homeserver: Homeserver,
  { localpart }: Pick<User, 'localpart'>,
  device: { readonly id: string; readonly displayname: string | null },
): Promise<void> {
  await homeserver.provisionUser({ localpart });
  await homeserver.upsertDevice({
    localpart,
    deviceId: device.id,
    ...(device.displayname === null ? {} : { displayname: device.displayname }),
  });
}
