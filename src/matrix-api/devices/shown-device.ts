import type { components } from '../../generated/matrix-client.ts';
import type { DeviceRow } from '../../storage/devices.ts';
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

/** Devices as clients see them. */
export async function showDevices(
  deps: Pick<MatrixApiDeps, 'nameClient'>,
  rows: readonly DeviceRow[],
): Promise<Device[]> {
  const names = await nameDevices(deps, rows);
  return rows.map((row) => {
    const name = names.get(row);
    return {
      device_id: row.device_id,
      ...(name === undefined ? {} : { display_name: name }),
      last_seen_ts: row.last_active_at,
    };
  });
}
