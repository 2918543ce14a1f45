import type { components } from '../../generated/matrix-client.ts';
import { userId } from '../../protocol/identifiers.ts';
import type { DeviceRow } from '../../storage/records/devices.ts';
import type { MatrixApiDeps } from '../deps.ts';

type Device = components['schemas']['Device'];

/** What each device is called: by its own name, else by its client's. */
export async function nameDevices(
  { nameClient }: Pick<MatrixApiDeps, 'nameClient'>,
  rows: readonly DeviceRow[],
): Promise<ReadonlyMap<DeviceRow, string | undefined>> {
  const clientIds = rows.flatMap(({ device_name: name, client_id: id }) =>
    name === null && id !== null ? [id] : [],
  );
  const clients = new Map<string, string>();
  for (const id of new Set(clientIds)) clients.set(id, await nameClient(id));
  return new Map(rows.map((row) => [row, row.device_name ?? clients.get(row.client_id ?? '')]));
}

/**
 * Devices as clients see them. What is not known is null, not left out, and the user is named with each: other homeservers have always done so, and
 * matrix-nio takes no list of devices without.
 */
export async function showDevices(
  deps: Pick<MatrixApiDeps, 'nameClient' | 'serverName'>,
  owner: { readonly localpart: string },
  rows: readonly DeviceRow[],
): Promise<Device[]> {
  const names = await nameDevices(deps, rows);
  return rows.map((row) => ({
    device_id: row.device_id,
    user_id: userId(owner.localpart, deps.serverName),
    display_name: names.get(row) ?? null,
    last_seen_ip: null,
    last_seen_ts: row.last_active_at,
  }));
}
