import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/matrix-client.ts';
import { noStore } from '../http/exchange.ts';
import { userId } from '../protocol/identifiers.ts';
import type { Verify } from '../verification/access-verdict.ts';
import { requireUser } from './access-token.ts';

/** The owner of the access token, and its device. */
export function whoami(deps: { verify: Verify; serverName: string }): OperationHandler<operations, 'whoami'> {
  return async (request) => {
    const access = await requireUser(deps, request);
    return {
      status: 200,
      headers: noStore,
      body: {
        user_id: userId(access.localpart, deps.serverName),
        ...(access.deviceId === null ? {} : { device_id: access.deviceId }),
        is_guest: false,
      },
    };
  };
}
