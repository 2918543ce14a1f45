import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/authorization-server.ts';
import { readAuthorization } from '../http/bearer.ts';
import { type ApiRequest, noStore } from '../http/exchange.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { OAuthError, type OAuthErrorCode } from '../protocol/oauth-error.ts';
import { claimsOfScope, type OperatorScopes } from '../protocol/operator-scope.ts';
import { OPENID_SCOPE } from '../protocol/scope.ts';
import { type ActiveAccess, knownVerdict } from '../verification/access-verdict.ts';
import { findUser } from '../storage/records/users.ts';
import type { AuthorizationServerDeps } from './deps.ts';

type UserinfoDeps = Pick<
  AuthorizationServerDeps,
  'verify' | 'db' | 'issuer' | 'operatorScopes' | 'serverName'
>;

/**
 * UserInfo (OpenID Connect Core section 5.3), GET and POST, for access tokens with `openid`, or with a scope of the operator's own that tells something of its person. Refusals are those of RFC 6750 section 3.1. A locked
 * user is 403: the token is good, and who gets 401 would throw it away.
 */
export function getUserinfo(
  deps: UserinfoDeps,
): OperationHandler<operations, 'getUserinfo' | 'postUserinfo'> {
  return async (request) => {
    const access = await requireTelling(deps, request);
    const user = access.userId === null ? undefined : await findUser(deps.db.query, access.userId);
    if (user === undefined) throw bearerError(deps, 'invalid_token', 'the access token has no user');
    return {
      status: 200,
      headers: noStore,
      body: {
        sub: user.id,
        preferred_username: user.localpart,
        ...(user.displayname === null ? {} : { name: user.displayname }),
        ...claimsOfScope(deps.operatorScopes, access.scope, { ...user, serverName: deps.serverName }),
      },
    };
  };
}

async function requireTelling(deps: UserinfoDeps, request: ApiRequest): Promise<ActiveAccess> {
  const verdict = await knownVerdict(deps.verify, readToken(deps, request));
  switch (verdict.kind) {
    case 'inactive':
      throw bearerError(deps, 'invalid_token', 'the access token is not valid', verdict.reason);
    case 'locked':
      throw new OAuthError('access_denied', 'the account is locked', { status: 403 });
    case 'active': {
      request.annotate({ sessionId: verdict.access.sessionId });
      const tokens = verdict.access.scope.split(' ');
      if (tokens.some((token) => token === OPENID_SCOPE || tells(deps.operatorScopes, token)))
        return verdict.access;
      throw bearerError(deps, 'insufficient_scope', 'the access token has no openid scope');
    }
  }
}

function tells(scopes: OperatorScopes, token: string): boolean {
  return Object.keys(scopes.get(token)?.claims ?? {}).length > 0;
}

/** RFC 6750 section 2: the header, or the form of a POST, not both. */
function readToken(deps: UserinfoDeps, { headers, form }: ApiRequest): string {
  const authorization = readAuthorization(headers);
  const inForm = form.get('access_token');
  if (authorization.kind !== 'absent' && inForm !== undefined) {
    throw bearerError(deps, 'invalid_request', 'the access token is given in two ways');
  }
  if (inForm !== undefined) return inForm;
  // Section 3.1: who sent no token at all is told no error code.
  if (authorization.kind === 'absent') {
    throw new OAuthError('invalid_token', 'an access token is needed', {
      headers: { 'www-authenticate': 'Bearer realm="gatehouse"' },
      members: saslMembers(deps, 'invalid_token'),
    });
  }
  if (authorization.kind === 'bearer') return authorization.token;
  throw bearerError(deps, 'invalid_request', 'the Authorization header must hold one Bearer token');
}

function bearerError(
  deps: UserinfoDeps,
  code: OAuthErrorCode,
  description: string,
  reason?: string,
): OAuthError {
  const scope = code === 'insufficient_scope' ? `, scope="${OPENID_SCOPE}"` : '';
  return new OAuthError(code, description, {
    headers: {
      'www-authenticate': `Bearer realm="gatehouse", error="${code}", error_description="${description}"${scope}`,
    },
    members: saslMembers(deps, code),
    ...(reason === undefined ? {} : { reason }),
  });
}

/** Prosody hands these on as the challenge of RFC 7628 section 3.2.2, from which a client learns where to get a token. */
function saslMembers({ issuer }: UserinfoDeps, status: OAuthErrorCode): Record<string, string> {
  return {
    status,
    scope: OPENID_SCOPE,
    oidc_discovery_url: endpointUrl(issuer, '.well-known/openid-configuration'),
  };
}
