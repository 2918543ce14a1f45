import type { components, operations } from '../generated/authorization-server.ts';
import { readAuthorization } from '../http/bearer.ts';
import { type ApiRequest, noStore, type Reply } from '../http/exchange.ts';
import type { OperationHandler } from '../http/operation-handler.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { isSameSecret } from '../protocol/same-secret.ts';
import { claimsOfScope } from '../protocol/operator-scope.ts';
import { withBothSpellings } from '../protocol/scope.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { type ActiveAccess, knownVerdict } from '../verification/access-verdict.ts';
import { secondsLeft } from '../sessions/issued-tokens.ts';
import { findAccessToken } from '../storage/records/tokens.ts';
import { authenticateClient, hasCredentials } from './client-authentication/client-authentication.ts';
import { type Client, isConfidential } from '../clients/clients.ts';
import type { AuthorizationServerDeps } from './deps.ts';
import { requireParameter } from './require-parameter.ts';

type Answer = components['schemas']['IntrospectionResponse'];

/** What introspection uses. */
export type IntrospectionDeps = Pick<
  AuthorizationServerDeps,
  | 'verify'
  | 'db'
  | 'clock'
  | 'issuer'
  | 'serverName'
  | 'operatorScopes'
  | 'homeserverSecret'
  | 'metrics'
  | 'staticClients'
  | 'ownTokens'
  | 'secretGuesses'
>;

/**
 * Introspection (RFC 7662) by the homeserver, in the form that Synapse reads: both scope spellings, `device_id`, integer times. What is not a live
 * access token is `{"active":false}`. A locked user's token is 503, because a homeserver cannot express "locked" and would log the
 * client out (locked is not logged out). A confidential client is told of its own tokens alone, unless the operator made it a resource server.
 */
export function introspectToken(deps: IntrospectionDeps): OperationHandler<operations, 'introspectToken'> {
  return async (request) => {
    // The homeserver's way has no detour: it asks at each request of a client.
    const client = isHomeserver(deps, request) ? undefined : await authenticateClientAsker(deps, request);
    const token = requireParameter(request, 'token');
    if (client !== undefined && !(await mayKnow(deps, client, token))) {
      return inactive(deps, request, "unknown, or another client's token");
    }
    return tellOfToken(deps, request, token);
  };
}

/** What a token is, for somebody who may know. Throws `Unavailable` for a locked user's. */
export async function tellOfToken(
  deps: IntrospectionDeps,
  request: ApiRequest,
  token: string,
): Promise<Reply<Answer> & { readonly body: Answer }> {
  const verdict = await knownVerdict(deps.verify, token);
  switch (verdict.kind) {
    case 'active':
      request.annotate({ sessionId: verdict.access.sessionId });
      deps.metrics.count('introspections', { outcome: 'active' });
      return { status: 200, headers: noStore, body: describe(deps, verdict.access) };
    case 'locked':
      deps.metrics.count('introspections', { outcome: 'locked' });
      throw new Unavailable('this account', {
        retryAfterSeconds: 60,
        cause: new Error('the user is locked'),
      });
    case 'inactive':
      return inactive(deps, request, verdict.detail ?? verdict.reason);
  }
}

function inactive(
  deps: Pick<IntrospectionDeps, 'metrics'>,
  request: ApiRequest,
  reason: string,
): Reply<Answer> & { readonly body: Answer } {
  request.annotate({ reason });
  deps.metrics.count('introspections', { outcome: 'inactive' });
  return { status: 200, headers: noStore, body: { active: false } };
}

/** Looks before the token counts as used: a client that may not know of a token changes nothing. */
async function mayKnow(deps: IntrospectionDeps, client: Client, token: string): Promise<boolean> {
  if (client.operator?.introspectsAll === true) return true;
  const hash = await deps.ownTokens.hashOf(token);
  return hash !== undefined && (await findAccessToken(deps.db.query, hash))?.client_id === client.id;
}

function describe(deps: IntrospectionDeps, access: ActiveAccess): Answer {
  const { clientId, localpart, deviceId, expiresAt } = access;
  const issuedAt = Math.floor(access.issuedAt / 1000);
  const { serverName } = deps;
  const told =
    localpart === null ? {} : claimsOfScope(deps.operatorScopes, access.scope, { localpart, serverName });
  const answer: Answer = {
    ...told,
    active: true,
    scope: withBothSpellings(access.scope.split(' ')).join(' '),
    token_type: 'Bearer',
    sub: access.userId ?? clientId ?? access.sessionId,
    iss: deps.issuer,
    iat: issuedAt,
    nbf: issuedAt,
  };
  if (clientId !== null) answer.client_id = clientId;
  // Of a Matrix session it is the localpart, whatever a scope of the operator's says: a homeserver makes the user ID of it.
  if (localpart !== null && deviceId !== null) answer.username = localpart;
  else if (localpart !== null) answer.username ??= localpart;
  if (deviceId !== null) answer.device_id = deviceId;
  if (expiresAt !== null) {
    answer.exp = Math.floor(expiresAt / 1000);
    answer.expires_in = secondsLeft(expiresAt, deps.clock.now());
  }
  return answer;
}

/** Whether the homeserver asks, by a bearer token, which then must be right; otherwise a client does. */
function isHomeserver(deps: IntrospectionDeps, request: ApiRequest): boolean {
  const authorization = readAuthorization(request.headers);
  const scheme = authorization.kind === 'other' ? authorization.scheme : authorization.kind;
  if (scheme !== 'bearer' && (scheme === 'basic' || hasCredentials(request))) return false;
  const secret = authorization.kind === 'bearer' ? authorization.token : undefined;
  if (secret !== undefined && deps.homeserverSecret !== undefined) {
    if (isSameSecret(secret, deps.homeserverSecret)) return true;
    const { clientAddress } = request;
    deps.secretGuesses.wrong(
      { owner: { server: 'homeserver' }, clientAddress, never4xx: true },
      'wrong secret',
    );
  }
  throw notTheHomeserver(
    secret === undefined
      ? 'no bearer secret'
      : deps.homeserverSecret === undefined
        ? 'homeserver.secret is not configured'
        : 'wrong secret',
  );
}

/** A client must be able to prove who it is: without a proof nobody is told anything. */
async function authenticateClientAsker(deps: IntrospectionDeps, request: ApiRequest): Promise<Client> {
  const client = await authenticateClient(deps, request);
  if (isConfidential(client)) return client;
  throw new OAuthError('invalid_client', 'a public client cannot introspect tokens');
}

/** The homeserver's shared secret comes as a bearer token (Synapse's `matrix_authentication_service.secret`). */
function notTheHomeserver(reason: string): OAuthError {
  return new OAuthError(
    'invalid_client',
    'introspection needs the shared secret of the homeserver as a bearer token',
    { headers: { 'www-authenticate': 'Bearer realm="gatehouse"' }, reason },
  );
}
