import { OAuthError } from '../../protocol/oauth-error.ts';
import { splitScope } from '../../protocol/scope.ts';
import { startClientSession } from '../../sessions/start-client-session.ts';
import { type Client, isConfidential } from '../../clients/clients.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { presentAccessToken } from '../../clients/access-token.ts';
import { type Grant, policyFor } from './grant.ts';

/**
 * Client credentials (RFC 6749 section 4.4), for static confidential clients: a token of the client itself, with the scopes that the operator gave it,
 * never one of Matrix, which would need a user.
 */
export function clientCredentialsGrant(deps: AuthorizationServerDeps): Grant {
  return async (request, client) => {
    if (!isConfidential(client) || !client.metadata.grant_types.includes('client_credentials')) {
      throw new OAuthError('unauthorized_client', 'the client is not registered for client_credentials');
    }
    const scope = grantedScope(client, request.form.get('scope') ?? '');
    const policy = policyFor(deps.policy, client);
    const tokens = await startClientSession({ ...deps, policy }, { clientId: client.id, scope });
    request.annotate({ sessionId: tokens.sessionId });
    return {
      access_token: await presentAccessToken(deps, client, tokens.accessToken),
      token_type: 'Bearer',
      expires_in: tokens.expiresInSeconds,
      scope: tokens.scope,
    };
  };
}

/** What was asked for; all that the client may have if it asked for nothing. */
function grantedScope(client: Client, asked: string): string {
  const allowed = client.operator?.scopes ?? [];
  if (asked === '') return allowed.join(' ');
  const wanted = splitScope(asked);
  if (wanted?.every((token) => allowed.includes(token)) !== true) {
    throw new OAuthError('invalid_scope', 'scope must hold only what the operator gave this client');
  }
  return wanted.join(' ');
}
