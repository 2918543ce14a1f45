import type { operations } from '../generated/matrix-client.ts';
import { type Handler, noStore } from '../http/exchange.ts';
import { userId } from '../protocol/identifiers.ts';
import type { Verify } from '../verification/access-verdict.ts';
import { requireUser } from './access-token.ts';

type Answer = operations['whoami']['responses'][200]['content']['application/json'];

/** The owner of the access token, and its device. */
export function whoami(deps: { verify: Verify; serverName: string }): Handler<unknown, Answer> {
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
