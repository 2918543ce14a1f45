import { type ApiRequest, type Handler, noStore, type Reply } from '../http/exchange.ts';
import { newRecordId } from '../protocol/identifiers.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import { insertAuthorizationRequest } from '../storage/authorizations.ts';
import {
  type AuthorizationParameters,
  judgeParameters,
  readClientId,
  readParameters,
  readTarget,
  type ResponseTarget,
} from './authorization-parameters.ts';
import { bindBrowser } from './browser-binding.ts';
import { type Client, loadClient } from './clients.ts';
import type { AuthorizationServerDeps } from './deps.ts';
import { authorizationResponseUrl } from './redirect-uri.ts';
import { startUpstreamLogin } from './upstream-login.ts';

/** How long a person may take from here to the consent, in milliseconds. */
export const REQUEST_LIFETIME = 30 * 60_000;

/**
 * Authorization endpoint: judges the request, keeps it (from here on the stored copy counts, whatever a browser says later), binds it to this
 * browser and sends the browser on to the IdP. What is wrong is told by redirect before anybody signs in; an unknown client or redirect URI by a page.
 */
export function authorize(deps: AuthorizationServerDeps): Handler {
  return async (request) => {
    const raw = readParameters(request.method === 'POST' ? request.form : request.query);
    const client = await loadClient(deps.db.query, readClientId(raw));
    if (client === undefined)
      throw new OAuthError('invalid_request', 'client_id is not that of a registered client');
    request.annotate({ clientId: client.id });
    const target = readTarget(raw, client);
    let parameters: AuthorizationParameters;
    try {
      parameters = judgeParameters(raw, client);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      request.annotate({ reason: error.reason });
      return refuseByRedirect(deps.issuer, target, error);
    }
    return begin(deps, { request, client, target, parameters });
  };
}

async function begin(
  deps: AuthorizationServerDeps,
  accepted: {
    request: ApiRequest;
    client: Client;
    target: ResponseTarget;
    parameters: AuthorizationParameters;
  },
): Promise<Reply> {
  const { request, client, target, parameters } = accepted;
  const now = deps.clock.now();
  const id = newRecordId(now, deps.random);
  const browserSecret = issueSecret('browserSecret', deps.random);
  const stored = {
    id,
    browser_hash: hashSecret(browserSecret),
    client_id: client.id,
    redirect_uri: target.redirectUri,
    response_mode: target.responseMode,
    state: target.state,
    scope: parameters.scope,
    code_challenge: parameters.codeChallenge,
    nonce: parameters.nonce,
    prompt: parameters.prompt,
    max_age: parameters.maxAgeSeconds,
    login_hint: parameters.loginHint,
    acr_values: parameters.acrValues,
    provider_id: null,
    upstream_state_hash: null,
    upstream_sealed: null,
    user_id: null,
    authenticated_at: null,
    created_at: now,
    expires_at: now + REQUEST_LIFETIME,
    finished_at: null,
  };
  await deps.db.write((tx) => insertAuthorizationRequest(tx, stored));
  const cookies = bindBrowser(deps.issuer, { request, id, browserSecret, lifetime: REQUEST_LIFETIME });
  return startUpstreamLogin(deps, { stored, request, cookies });
}

/** An error answer by redirect (RFC 6749 section 4.1.2.1), with `iss` (RFC 9207). */
export function refuseByRedirect(issuer: string, target: ResponseTarget, error: OAuthError): Reply {
  const location = authorizationResponseUrl(target, {
    error: error.code,
    error_description: error.description,
    state: target.state,
    iss: issuer,
  });
  return { status: 303, headers: { ...noStore, location } };
}
