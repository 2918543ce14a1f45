/**
 * The authorization server: registration, authorization code with PKCE, refresh, revocation, introspection.
 *
 * A sign-in walks: /oauth2/authorize (stored, bound to the browser) -> IdP -> /upstream/{provider}/callback (state taken once, user found or made)
 * -> /consent/{id} (the person decides, once) -> code -> /oauth2/token. Owns requests, codes and clients; sessions and tokens belong to
 * `sessions/`, the IdP to `upstream/`, who a person is to `sign-in/`.
 */
import type { OperationHandlers } from '../http/operation-handler.ts';
import type { operations } from '../generated/authorization-server.ts';
import type { PageRoute } from '../http/app.ts';
import type { Handler } from '../http/exchange.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { receiveLogoutToken } from '../sign-in/backchannel-logout.ts';
import { upstreamCallback } from '../sign-in/callback.ts';
import { receivePostedCallback } from '../sign-in/posted-callback.ts';
import type { SignInDeps } from '../sign-in/deps.ts';
import { authorize } from './authorize.ts';
import { decideConsent, showConsent } from './consent/consent.ts';
import type { AuthorizationServerDeps } from './deps.ts';
import { authorizeDevice } from './device/device-authorization.ts';
import { decideDevice, showDeviceConfirmation } from './device/device-decision.ts';
import { enterCode, showCodeForm } from './device/device-verification.ts';
import { introspectToken } from './introspect.ts';
import { getTokeninfo, introspectTokenByGet } from './introspect-by-get.ts';
import { getJwks } from './jwks.ts';
import { pushAuthorizationRequest } from './pushed-authorization.ts';
import { registerClient } from './register-client.ts';
import { revokeToken } from './revoke.ts';
import { exchangeToken } from './token.ts';
import { getUserinfo } from './userinfo.ts';

/** Handlers by operationId of `openapi/authorization-server.yaml`. */
export function authorizationServerHandlers(
  deps: AuthorizationServerDeps,
  metadata: Handler,
): OperationHandlers<operations> {
  return {
    getOpenidConfiguration: metadata,
    getAuthorizationServerMetadata: metadata,
    getJwks: getJwks(deps),
    registerClient: registerClient(deps),
    authorize: authorize(deps),
    authorizeByPost: authorize(deps),
    upstreamCallback: upstreamCallback(deps),
    receivePostedCallback: receivePostedCallback(deps),
    receiveLogoutToken: receiveLogoutToken(deps),
    authorizeDevice: authorizeDevice(deps),
    exchangeToken: exchangeToken(deps),
    revokeToken: revokeToken(deps),
    introspectToken: introspectToken(deps),
    introspectTokenByGet: introspectTokenByGet(deps),
    getTokeninfo: getTokeninfo(deps),
    pushAuthorizationRequest: pushAuthorizationRequest(deps),
    getUserinfo: getUserinfo(deps),
    postUserinfo: getUserinfo(deps),
  };
}

/**
 * The same operations if the OAuth API is not offered here: only the documents are, if there are any. With `sessions`, for clients that log in
 * without OAuth and for those whose tokens the provider issues, so are the way back from the IdP, its sign-outs, and the homeserver's question whose a token is.
 */
export function absentAuthorizationServerHandlers(
  metadata: Handler,
  sessions?: SignInDeps & Parameters<typeof getTokeninfo>[0] & Parameters<typeof revokeToken>[0],
): OperationHandlers<operations> {
  const absent: Handler = () => {
    throw new OAuthError('invalid_request', 'the OAuth 2.0 API is not offered here', { status: 404 });
  };
  return {
    getOpenidConfiguration: metadata,
    getAuthorizationServerMetadata: metadata,
    getJwks: absent,
    registerClient: absent,
    authorize: absent,
    authorizeByPost: absent,
    upstreamCallback: sessions === undefined ? absent : upstreamCallback(sessions),
    receivePostedCallback: sessions === undefined ? absent : receivePostedCallback(sessions),
    receiveLogoutToken: sessions === undefined ? absent : receiveLogoutToken(sessions),
    authorizeDevice: absent,
    exchangeToken: absent,
    revokeToken: sessions === undefined ? absent : revokeToken(sessions),
    introspectToken: sessions === undefined ? absent : introspectToken(sessions),
    introspectTokenByGet: sessions === undefined ? absent : introspectTokenByGet(sessions),
    getTokeninfo: sessions === undefined ? absent : getTokeninfo(sessions),
    pushAuthorizationRequest: absent,
    getUserinfo: absent,
    postUserinfo: absent,
  };
}

/** The pages of a sign-in for a client with OAuth. */
export function authorizationPages(deps: AuthorizationServerDeps): PageRoute[] {
  return [
    { method: 'GET', path: '/consent/:id', operationId: 'showConsent', handler: showConsent(deps) },
    {
      method: 'POST',
      path: '/consent/:id',
      operationId: 'decideConsent',
      handler: decideConsent(deps),
      form: true,
    },
    { method: 'GET', path: '/device', operationId: 'showCodeForm', handler: showCodeForm(deps) },
    { method: 'POST', path: '/device', operationId: 'enterCode', handler: enterCode(deps), form: true },
    {
      method: 'GET',
      path: '/device/:id',
      operationId: 'showDeviceConfirmation',
      handler: showDeviceConfirmation(deps),
    },
    {
      method: 'POST',
      path: '/device/:id',
      operationId: 'decideDevice',
      handler: decideDevice(deps),
      form: true,
    },
  ];
}
