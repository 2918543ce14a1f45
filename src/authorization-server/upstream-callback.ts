import { type ApiRequest, type Handler, noStore, type Reply } from '../http/exchange.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { hashSecret, isWellFormedSecret, issueSecret } from '../protocol/token-format.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { completeSignIn } from '../sign-in/complete.ts';
import { SignInRefusal } from '../sign-in/refusal.ts';
import {
  type AuthorizationRequest,
  findAuthorizationRequestByState,
  identifyAuthorizationRequest,
  takeUpstreamState,
} from '../storage/authorizations.ts';
import type { User } from '../storage/users.ts';
import { UpstreamRefusal } from '../upstream/refusal.ts';
import { bindBrowser, isBoundBrowser } from './browser-binding.ts';
import type { AuthorizationServerDeps } from './deps.ts';
import { idpFailedPage, notSignedInPage } from './pages.ts';
import { callbackUrl, upstreamSealContext, type UpstreamSecrets } from './upstream-login.ts';

/**
 * Where the IdP sends the browser back. The state is taken once, by the browser that began; then the provider checks all that OpenID Connect
 * demands, the claims make a user, and the browser goes on to the consent page with a fresh secret.
 */
export function upstreamCallback(deps: AuthorizationServerDeps): Handler {
  return async (request) => {
    const state = request.query.get('state');
    const stored = await findByState(deps, state);
    const provider = deps.providers.find((candidate) => candidate.id === request.params['provider']);
    if (
      state === null ||
      stored === undefined ||
      provider === undefined ||
      stored.provider_id !== provider.id
    ) {
      throw new OAuthError(
        'invalid_request',
        'this sign-in is not known here: it was finished, is too old, or was begun elsewhere',
      );
    }
    request.annotate({ clientId: stored.client_id });
    if (!isBoundBrowser(deps.issuer, request, stored)) {
      throw new OAuthError('invalid_request', 'this sign-in was begun in another browser');
    }
    if (!(await deps.db.write((tx) => takeUpstreamState(tx, hashSecret(state))))) {
      throw new OAuthError('invalid_request', 'this sign-in was already answered');
    }
    try {
      const identity = await provider.finishLogin({
        parameters: request.query,
        redirectUri: callbackUrl(deps.issuer, provider.id),
        expectedState: state,
        ...unsealSecrets(deps, stored),
        ...(stored.max_age === null ? {} : { maxAgeSeconds: stored.max_age }),
      });
      const user = await completeSignIn(deps, { providerId: provider.id, identity });
      return await goOn(deps, { request, stored, user, authenticatedAt: identity.authenticatedAt ?? null });
    } catch (error) {
      return refusal(deps, { request, stored, error });
    }
  };
}

async function findByState(
  deps: AuthorizationServerDeps,
  state: string | null,
): Promise<AuthorizationRequest | undefined> {
  if (state === null || !isWellFormedSecret('upstreamState', state)) return undefined;
  const stored = await findAuthorizationRequestByState(deps.db.query, hashSecret(state));
  return stored !== undefined && stored.expires_at > deps.clock.now() ? stored : undefined;
}

function unsealSecrets(deps: AuthorizationServerDeps, stored: AuthorizationRequest): UpstreamSecrets {
  if (stored.upstream_sealed === null) throw new Error('a request at the IdP has no sealed secrets');
  return JSON.parse(
    deps.sealer.open(stored.upstream_sealed, upstreamSealContext(stored.id)),
  ) as UpstreamSecrets;
}

async function goOn(
  deps: AuthorizationServerDeps,
  signedIn: { request: ApiRequest; stored: AuthorizationRequest; user: User; authenticatedAt: number | null },
): Promise<Reply> {
  const { request, stored, user, authenticatedAt } = signedIn;
  const browserSecret = issueSecret('browserSecret', deps.random);
  await deps.db.write((tx) =>
    identifyAuthorizationRequest(tx, {
      id: stored.id,
      userId: user.id,
      authenticatedAt,
      browserHash: hashSecret(browserSecret),
    }),
  );
  request.annotate({ userId: user.id });
  const lifetime = stored.expires_at - deps.clock.now();
  return {
    status: 303,
    headers: {
      ...noStore,
      location: endpointUrl(deps.issuer, `consent/${stored.id}`),
      'set-cookie': bindBrowser(deps.issuer, { request, id: stored.id, browserSecret, lifetime }),
    },
  };
}

/** Nobody is signed in. The person is told, and can go back to the client, or try again where the fault may pass. */
function refusal(
  deps: AuthorizationServerDeps,
  failed: { request: ApiRequest; stored: AuthorizationRequest; error: unknown },
): Reply {
  const { request, stored, error } = failed;
  const about = { issuer: deps.issuer, request, stored };
  if (error instanceof SignInRefusal) {
    deps.emit('login_refused', { clientId: stored.client_id, reason: error.reason });
    return notSignedInPage(about, { text: error.explanation, reason: error.reason });
  }
  if (error instanceof UpstreamRefusal) {
    deps.emit('login_refused', { clientId: stored.client_id, reason: `${error.kind}: ${error.reason}` });
    const text =
      error.kind === 'denied'
        ? 'The identity provider did not sign you in.'
        : 'The answer of the identity provider was not accepted. Please try again, or ask your administrator.';
    return notSignedInPage(about, { text, reason: `${error.kind}: ${error.reason}` });
  }
  if (error instanceof Unavailable) return idpFailedPage(about, error);
  throw error;
}
