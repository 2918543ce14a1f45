import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/matrix-client.ts';
import { noStore } from '../http/exchange.ts';
import { signOutEverywhere } from '../people/sign-out.ts';
import { judgeAccessToken, ofUser, ownerOfExpired } from './access-token.ts';
import type { MatrixApiDeps } from './deps.ts';

/**
 * Ends every session of the user, this one and those of OAuth clients included, devices too, and what would become one: codes and login tokens
 * that nobody has redeemed, sign-ins under way, the account page. Works for locked users, and for a client that was softly logged out; the body does
 * not matter, and is not read.
 */
export function logoutAll(deps: MatrixApiDeps): OperationHandler<operations, 'logoutAll'> {
  return async (request) => {
    const verdict = await judgeAccessToken(deps, request);
    const userId =
      verdict.kind === 'inactive' ? await ownerOfExpired(deps, verdict) : ofUser(verdict.access).userId;
    request.annotate({ userId });
    await signOutEverywhere(deps, { userId, reason: 'logged_out' });
    return { status: 200, headers: noStore, body: {} };
  };
}
