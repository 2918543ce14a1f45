import type { OperationHandler } from '../../http/operation-handler.ts';
import type { operations } from '../../generated/matrix-client.ts';
import { noStore } from '../../http/exchange.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';
import { findDevice, listDevices } from '../../storage/records/devices.ts';
import { requireUser } from '../access-token.ts';
import type { MatrixApiDeps } from '../deps.ts';
import { showDevices } from './shown-device.ts';

/** Every device that the user is signed in on, whichever way. */
export function getDevices(deps: MatrixApiDeps): OperationHandler<operations, 'getDevices'> {
  return async (request) => {
    const owner = await requireUser(deps, request);
    const devices = await showDevices(deps, owner, await listDevices(deps.db.query, owner.userId));
    return { status: 200, headers: noStore, body: { devices } };
  };
}

/** One device. Other clients look for it while a device signs in by QR code: 404 until it is there. */
export function getDevice(deps: MatrixApiDeps): OperationHandler<operations, 'getDevice'> {
  return async (request) => {
    const owner = await requireUser(deps, request);
    const asked = { userId: owner.userId, deviceId: request.params['deviceId'] ?? '' };
    const row = await findDevice(deps.db.query, asked);
    const [device] = row === undefined ? [] : await showDevices(deps, owner, [row]);
    if (device === undefined) throw noDevice();
    return { status: 200, headers: noStore, body: device };
  };
}

/** The user has no such device; whether somebody else has one does not matter. */
export function noDevice(): MatrixError {
  return new MatrixError(404, 'M_NOT_FOUND', 'You have no such device');
}
