import { type ApiRequest, type Handler, noStore, type Reply } from '../http/exchange.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { deviceIdOf } from '../protocol/scope.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import {
  type AuthorizationRequest,
  findAuthorizationRequest,
  finishAuthorizationRequest,
  insertAuthorizationCode,
} from '../storage/authorizations.ts';
import { findUser, type User } from '../storage/users.ts';
import { refuseByRedirect } from './authorize.ts';
import { browserSecretOf, isBoundBrowser, releaseBrowser } from './browser-binding.ts';
import { type Client, loadClient } from './clients.ts';
import { consentPage } from './consent-page.ts';
import type { AuthorizationServerDeps } from './deps.ts';
import { authorizationResponseUrl } from './redirect-uri.ts';
import { startUpstreamLogin } from './upstream-login.ts';

/** A code lives as long as a client needs to come back for it, in milliseconds (RFC 6749 section 4.1.2 allows ten minutes). */
const CODE_LIFETIME = 60_000;

/** What the consent page is about, all of it read from the stored request. */
interface Asked {
  readonly stored: AuthorizationRequest & { readonly user_id: string };
  readonly client: Client;
  readonly user: User;
  readonly deviceId: string;
}

/** Shows who wants to sign in as whom. GET changes nothing. */
export function showConsent(deps: AuthorizationServerDeps): Handler {
  return async (request) => {
    const asked = await readAsked(deps, request);
    const secret = browserSecretOf(deps.issuer, request, asked.stored.id) ?? '';
    return consentPage(deps, { ...asked, csrfField: deps.csrf.field(secret, formPurpose(asked.stored)) });
  };
}

/** The person's answer: a code for the client, or `access_denied`. The first answer counts. */
export function decideConsent(deps: AuthorizationServerDeps): Handler {
  return async (request) => {
    const asked = await readAsked(deps, request);
    deps.csrf.check(
      request,
      browserSecretOf(deps.issuer, request, asked.stored.id),
      formPurpose(asked.stored),
    );
    const allowed = request.form.get('decision') === 'allow';
    const { stored, client, user } = asked;
    if (!allowed || user.deactivated_at !== null || user.locked_at !== null) {
      await finish(deps, asked);
      deps.emit('consent_refused', { clientId: client.id, userId: user.id });
      const text = allowed ? 'the account is locked' : 'the person did not allow the sign-in';
      const reply = refuseByRedirect(deps.issuer, targetOf(stored), new OAuthError('access_denied', text));
      return release(deps, stored, reply);
    }
    const code = issueSecret('authorizationCode', deps.random);
    await finish(deps, asked, code);
    deps.emit('consent_given', { clientId: client.id, userId: user.id, deviceId: asked.deviceId });
    const location = authorizationResponseUrl(targetOf(stored), {
      code,
      state: stored.state,
      iss: deps.issuer,
    });
    return release(deps, stored, { status: 303, headers: { ...noStore, location } });
  };
}

/** Goes to the IdP again for the same request: after a failure there, or to choose another account. */
export function restartSignIn(deps: AuthorizationServerDeps): Handler {
  return async (request) => {
    const stored = await readStored(deps, request);
    const again = request.query.get('account') === 'another' ? { prompt: 'login' } : {};
    return startUpstreamLogin(deps, { stored, request, ...again });
  };
}

/** The stored request, for the browser that it is bound to. */
async function readStored(deps: AuthorizationServerDeps, request: ApiRequest): Promise<AuthorizationRequest> {
  const id = request.params['id'] ?? '';
  const stored = /^[0-9a-z]{26}$/.test(id) ? await findAuthorizationRequest(deps.db.query, id) : undefined;
  if (stored === undefined || stored.expires_at <= deps.clock.now()) {
    throw new OAuthError(
      'invalid_request',
      'this sign-in is not known here, or too old; please begin again in your app',
      { status: 404 },
    );
  }
  request.annotate({ clientId: stored.client_id });
  if (!isBoundBrowser(deps.issuer, request, stored)) {
    throw new OAuthError('access_denied', 'this sign-in was begun in another browser', { status: 403 });
  }
  if (stored.finished_at !== null) {
    throw new OAuthError('invalid_request', 'this sign-in is finished; please return to your app');
  }
  return stored;
}

async function readAsked(deps: AuthorizationServerDeps, request: ApiRequest): Promise<Asked> {
  const stored = await readStored(deps, request);
  const { user_id } = stored;
  if (user_id === null) throw new OAuthError('access_denied', 'nobody has signed in yet', { status: 403 });
  const [client, user] = await Promise.all([
    loadClient(deps.db.query, stored.client_id),
    findUser(deps.db.query, user_id),
  ]);
  const deviceId = stored.scope
    .split(' ')
    .map(deviceIdOf)
    .find((id) => id !== undefined);
  if (client === undefined || user === undefined || deviceId === undefined) {
    throw new Error('an authorization request refers to something that is gone');
  }
  request.annotate({ userId: user_id });
  return { stored: { ...stored, user_id }, client, user, deviceId };
}

/** Finishes the request, with a code or without one, in one transaction: of two answers one wins. */
async function finish(deps: AuthorizationServerDeps, asked: Asked, code?: string): Promise<void> {
  const { stored, client, deviceId } = asked;
  const won = await deps.db.write(async (tx) => {
    const now = deps.clock.now();
    if (!(await finishAuthorizationRequest(tx, { id: stored.id, at: now }))) return false;
    if (code === undefined) return true;
    await insertAuthorizationCode(tx, {
      hash: hashSecret(code),
      client_id: client.id,
      redirect_uri: stored.redirect_uri,
      code_challenge: stored.code_challenge,
      scope: stored.scope,
      nonce: stored.nonce,
      user_id: stored.user_id,
      device_id: deviceId,
      authenticated_at: stored.authenticated_at,
      created_at: now,
      expires_at: now + CODE_LIFETIME,
      consumed_at: null,
      session_id: null,
      misses: 0,
    });
    return true;
  });
  if (!won) throw new OAuthError('invalid_request', 'this sign-in was already answered');
}

/** The form belongs to this request and this person: after a change of account it is out of date. */
function formPurpose(stored: AuthorizationRequest): string {
  return `consent:${stored.id}:${stored.user_id ?? ''}`;
}

function targetOf(stored: AuthorizationRequest): {
  redirectUri: string;
  responseMode: 'query' | 'fragment';
  state: string | null;
} {
  return { redirectUri: stored.redirect_uri, responseMode: stored.response_mode, state: stored.state };
}

function release(deps: AuthorizationServerDeps, stored: AuthorizationRequest, reply: Reply): Reply {
  return {
    ...reply,
    headers: { ...reply.headers, 'set-cookie': releaseBrowser(deps.issuer, stored.id) },
  };
}
