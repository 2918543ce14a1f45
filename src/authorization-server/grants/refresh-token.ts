import { OAuthError } from '../../protocol/oauth-error.ts';
import { splitScope } from '../../protocol/scope.ts';
import { countRotation } from '../../sessions/refresh-outcome.ts';
import { rotateTokens, type RotationRefusal } from '../../sessions/rotate.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { presentAccessToken } from '../../clients/access-token.ts';
import { requireParameter } from '../require-parameter.ts';
import { type Grant, policyFor } from './grant.ts';

/**
 * Refresh (RFC 6749 section 6) by the refresh rule (docs/session-model.md). A 4xx here logs the user out at the client, so only a true refusal of
 * the token is one; a live session is never refused for a grant type that its client did not register.
 */
export function refreshTokenGrant(deps: AuthorizationServerDeps): Grant {
  return async (request, client) => {
    const refreshToken = requireParameter(request, 'refresh_token');
    const wanted = request.form.get('scope');
    const scope = wanted === undefined || wanted === '' ? undefined : splitScope(wanted);
    if (wanted !== undefined && wanted !== '' && scope === undefined) throw refusal('wider_scope');
    const rotation = await rotateTokens(
      { ...deps, policy: policyFor(deps.policy, client) },
      {
        refreshToken,
        clientId: client.id,
        ...(scope === undefined ? {} : { scope }),
      },
    );
    countRotation(deps, rotation);
    if (!rotation.ok) {
      request.annotate({
        reason: rotation.reason,
        ...(rotation.sessionId && { sessionId: rotation.sessionId }),
      });
      throw refusal(rotation.reason);
    }
    const { tokens } = rotation;
    request.annotate({ sessionId: tokens.sessionId });
    return {
      access_token: await presentAccessToken(deps, client, tokens.accessToken),
      token_type: 'Bearer',
      expires_in: tokens.expiresInSeconds,
      refresh_token: tokens.refreshToken,
      scope: tokens.scope,
    };
  };
}

function refusal(reason: RotationRefusal): OAuthError {
  switch (reason) {
    case 'wider_scope':
      return new OAuthError('invalid_scope', 'scope must not hold more than was granted');
    case 'malformed':
    case 'unknown':
    case 'other_client':
    case 'ended':
    case 'expired':
    case 'deactivated':
    case 'replayed':
      return new OAuthError('invalid_grant', 'the refresh token is not valid, or not for this client', {
        reason,
      });
  }
}
