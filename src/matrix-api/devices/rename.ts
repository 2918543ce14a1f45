import type { OperationHandler } from '../../http/operation-handler.ts';
import type { operations } from '../../generated/matrix-client.ts';
import { noStore } from '../../http/exchange.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';
import { nameDevice } from '../../sessions/name-device.ts';
import { findDevice } from '../../storage/records/devices.ts';
import { requireUser } from '../access-token.ts';
import type { SessionEndingDeps } from '../../sessions/end.ts';
import type { MatrixApiDeps } from '../deps.ts';
import { noDevice } from './list.ts';

/** The longest name, in characters. */
const NAME_LIMIT = 100;

/** Names a device. The homeserver hears of it before the answer, or as soon as it can be told. An empty name takes the name away; without one nothing changes. */
export function updateDevice(
  deps: SessionEndingDeps & Pick<MatrixApiDeps, 'verify'>,
): OperationHandler<operations, 'updateDevice'> {
  return async (request) => {
    const { userId } = await requireUser(deps, request);
    const device = { userId, deviceId: request.params['deviceId'] ?? '' };
    if ((await findDevice(deps.db.query, device)) === undefined) throw noDevice();
    const { display_name: name } = request.body;
    if (typeof name === 'string') {
      if (Array.from(name).length > NAME_LIMIT) {
        throw new MatrixError(400, 'M_TOO_LARGE', `display_name is longer than ${NAME_LIMIT} characters`);
      }
      if (!(await nameDevice(deps, { ...device, name }))) throw noDevice();
    }
    return { status: 200, headers: noStore, body: {} };
  };
}
