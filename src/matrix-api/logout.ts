import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/matrix-client.ts';
import { noStore } from '../http/exchange.ts';
import { endSession } from '../sessions/end.ts';
import { judgeAccessToken, unknownToken } from './access-token.ts';
import type { MatrixApiDeps } from './deps.ts';

/**
 * Ends the session of the access token, whichever way it began: tokens are dead and the device is deleted once this is answered. Works for locked
 * users (client-server API, "Account locking"), and with a token that has merely expired: who holds one may always throw it away, as at revocation.
 * The body does not matter, and is not read.
 */
export function logout(deps: MatrixApiDeps): OperationHandler<operations, 'logout'> {
  return async (request) => {
    const verdict = await judgeAccessToken(deps, request);
    if (verdict.kind === 'inactive' && verdict.reason !== 'expired') throw unknownToken(verdict.reason);
    const sessionId = verdict.kind === 'inactive' ? verdict.sessionId : verdict.access.sessionId;
    if (sessionId === undefined) throw unknownToken('unknown');
    if (!(await endSession(deps, { sessionId, reason: 'logged_out' }))) await deps.db.durable();
    return { status: 200, headers: noStore, body: {} };
  };
}
