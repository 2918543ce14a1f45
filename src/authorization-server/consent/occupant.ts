import type { DeviceId, InternalUserId } from '../../protocol/identifiers.ts';
import { findLiveSession } from '../../storage/records/sessions.ts';
import { type Message, message } from '../../texts/message.ts';
import { type Client, clientName, type ClientLookupDeps, loadClient } from '../../clients/clients.ts';

/** What the other app is called. */
export type Occupant = string | Message;

/** The other app whose live session has the device: a client that names a device of another one would sign that one out. */
export async function occupantOf(
  deps: ClientLookupDeps,
  device: { userId: InternalUserId; deviceId: DeviceId | null; client: Client },
): Promise<Occupant | undefined> {
  const { userId, deviceId } = device;
  if (deviceId === null) return undefined;
  const session = await findLiveSession(deps.db.query, { userId, deviceId });
  if (session === undefined || session.client_id === device.client.id) return undefined;
  const other = session.client_id === null ? undefined : await loadClient(deps, session.client_id);
  return other === undefined ? message('word.another-app') : clientName(other);
}
