import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/matrix-client.ts';
import { noStore } from '../http/exchange.ts';
import { MatrixError } from '../protocol/matrix-error.ts';
import { countRotation } from '../sessions/refresh-outcome.ts';
import { rotateTokens, type RotationRefusal } from '../sessions/rotate.ts';
import type { MatrixApiDeps } from './deps.ts';

/**
 * Refresh of sessions without a client, by the refresh rule (docs/session-model.md). No access token is asked for, and one that comes along, a dead one mostly,
 * does not matter. Whatever fails here that is not the token's fault is 503 without JSON: clients end the session on any JSON error.
 */
export function refreshTokens(deps: MatrixApiDeps): OperationHandler<operations, 'refreshTokens'> {
  return async (request) => {
    const rotation = await rotateTokens(deps, { refreshToken: request.body.refresh_token, clientId: null });
    countRotation(deps, rotation);
    if (!rotation.ok) {
      if (rotation.sessionId !== undefined) request.annotate({ sessionId: rotation.sessionId });
      throw refusal(rotation.reason);
    }
    const { tokens } = rotation;
    request.annotate({ sessionId: tokens.sessionId });
    return {
      status: 200,
      headers: noStore,
      body: {
        access_token: tokens.accessToken,
        refresh_token: tokens.refreshToken,
        expires_in_ms: tokens.expiresInSeconds * 1000,
      },
    };
  };
}

/**
 * The session is over, and so is its device: `soft_logout` is false, or the client would come back with keys that its device does not have any
 * more. Only the token of an OAuth client, which came to the wrong place, has a session that lives on.
 */
function refusal(reason: RotationRefusal): MatrixError {
  return new MatrixError(401, 'M_UNKNOWN_TOKEN', 'Unrecognised refresh token', {
    members: { soft_logout: reason === 'other_client' },
    reason,
  });
}
