import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/authorization-server.ts';
import { noStore } from '../http/exchange.ts';
import { hashSecret } from '../protocol/token-format.ts';
import type { OwnTokenForms } from '../verification/own-token-hash.ts';
import { endSession, findSessionOfToken } from '../sessions/end.ts';
import { authenticateClient, hasCredentials } from './client-authentication/client-authentication.ts';
import type { AuthorizationServerDeps } from './deps.ts';
import { requireParameter } from './require-parameter.ts';

/**
 * Revocation (RFC 7009). Either token ends the session, whatever the hint says, whether it has expired or not, and whether or not the client
 * says who it is (Matrix specification: "SHOULD still revoke"): who holds a token may always throw it away. Credentials that are presented must be
 * right all the same (section 2.1). The body is `{}`: matrix-js-sdk parses it.
 */
export function revokeToken(
  deps: Pick<
    AuthorizationServerDeps,
    | 'db'
    | 'clock'
    | 'random'
    | 'homeserver'
    | 'log'
    | 'emit'
    | 'issuer'
    | 'staticClients'
    | 'ownTokens'
    | 'tokenVerifiers'
    | 'secretGuesses'
  >,
): OperationHandler<operations, 'revokeToken'> {
  return async (request) => {
    if (hasCredentials(request)) await authenticateClient(deps, request);
    const token = requireParameter(request, 'token');
    const found = await findSessionOfToken(deps.db, token, accessTokens(deps));
    for (const verifier of deps.tokenVerifiers) verifier.forget(token);
    if (found !== undefined) {
      request.annotate({ sessionId: found.sessionId });
      const isNew = await endSession(deps, { sessionId: found.sessionId, reason: 'revoked' });
      if (!isNew) await deps.db.durable();
    }
    return { status: 200, headers: noStore, body: {} };
  };
}

/** A token that is not in our name may be a provider's that was seen here: it is stored by its own hash. */
function accessTokens({
  ownTokens,
}: Pick<AuthorizationServerDeps, 'ownTokens'>): Pick<OwnTokenForms, 'hashOf'> {
  return {
    hashOf: (token) =>
      ownTokens.isInOurName(token) ? ownTokens.hashOf(token) : Promise.resolve(hashSecret(token)),
  };
}
