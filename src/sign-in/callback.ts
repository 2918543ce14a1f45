import type { InternalUserId } from '../protocol/identifiers.ts';
import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/authorization-server.ts';
import { type ApiRequest, noStore, type Reply } from '../http/exchange.ts';
import { PageRefusal } from '../http/pages/page-refusal.ts';
import { toDescription } from '../protocol/oauth-error.ts';
import { hashSecret, issueSecret, isWellFormedSecret } from '../protocol/token-format.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import {
  findSignInByState,
  identifySignIn,
  type SignIn,
  takeUpstreamState,
} from '../storage/records/sign-ins.ts';
import { type Message, message } from '../texts/message.ts';
import type { User } from '../storage/records/users.ts';
import type { UpstreamIdentity } from '../upstream/login/login.ts';
import { UpstreamRefusal } from '../upstream/login/refusal.ts';
import { bindBrowser, isBoundBrowser } from './browser-binding.ts';
import { completeSignIn } from './complete.ts';
import { countingSignIn } from './count-sign-in.ts';
import type { SignInDeps } from './deps.ts';
import { callbackUrl, sealContext, type UpstreamSecrets } from './go-to-idp.ts';
import { idpFailedPage, notSignedInPage } from './pages.ts';
import { requireFreshAuthentication } from './freshness.ts';
import { SignInRefusal } from './refusal.ts';

/**
 * Where the IdP sends the browser back. The state is taken once, by the browser that began; then the provider checks all that OpenID Connect
 * demands, the claims make a user, and the browser goes on to the page of its purpose with a fresh secret.
 */
export function upstreamCallback(
  deps: SignInDeps,
): OperationHandler<operations, 'upstreamCallback', unknown> {
  return async (request) => {
    const state = request.query.get('state');
    if (state === null) requireNoProviderError(deps, request);
    const signIn = await findByState(deps, state);
    const provider = deps.providers.find((candidate) => candidate.id === request.params['provider']);
    if (
      state === null ||
      signIn === undefined ||
      provider === undefined ||
      signIn.provider_id !== provider.id
    ) {
      throw new PageRefusal(message('sign-in.unknown'));
    }
    if (!isBoundBrowser(deps.issuer, request, signIn)) {
      throw new PageRefusal(message('sign-in.other-browser'));
    }
    if (!(await deps.db.write((tx) => takeUpstreamState(tx, hashSecret(state))))) {
      throw new PageRefusal(message('sign-in.answered'));
    }
    try {
      return await countingSignIn(deps, provider.id, async () => {
        const identity = await provider.finishLogin({
          parameters: request.query,
          redirectUri: callbackUrl(deps.issuer, provider.id),
          expectedState: state,
          ...unsealSecrets(deps, signIn),
        });
        requireFreshAuthentication(signIn, identity);
        const user = await completeSignIn(deps, { providerId: provider.id, identity });
        requireUnlocked(deps, signIn, user);
        return goOn(deps, { request, signIn, user, identity });
      });
    } catch (error) {
      return refusal(deps, { request, signIn, error });
    }
  };
}

/** An error without `state` belongs to no sign-in that we know (RFC 6749 section 4.1.2.1 wants one): it is shown as what it is, its words are logged. */
function requireNoProviderError(deps: SignInDeps, request: ApiRequest): void {
  const error = request.query.get('error');
  if (error === null) return;
  const provider = request.params['provider'] ?? '';
  const words = toDescription(request.query.get('error_description') ?? 'no description');
  const reason = `the provider answered without state: ${toDescription(error)}: ${words}`;
  deps.emit('login_refused', { provider, reason });
  // Whoever made the link wrote the words, so the page shows the code alone, and only one that looks like a code.
  const code = /^[a-z_]{1,60}$/.test(error) ? error : 'unknown_error';
  throw new PageRefusal(message('sign-in.provider-error', { code }), {
    title: message('sign-in.provider-error.title'),
    reason,
  });
}

async function findByState(deps: SignInDeps, state: string | null): Promise<SignIn | undefined> {
  if (state === null || !isWellFormedSecret('upstreamState', state)) return undefined;
  const signIn = await findSignInByState(deps.db.query, hashSecret(state));
  return signIn !== undefined && signIn.expires_at > deps.clock.now() ? signIn : undefined;
}

function unsealSecrets(deps: SignInDeps, signIn: SignIn): UpstreamSecrets {
  if (signIn.upstream_sealed === null) throw new Error('a sign-in at the IdP has no sealed secrets');
  return JSON.parse(deps.sealer.open(signIn.upstream_sealed, sealContext(signIn.id))) as UpstreamSecrets;
}

async function goOn(
  deps: SignInDeps,
  signedIn: { request: ApiRequest; signIn: SignIn; user: User; identity: UpstreamIdentity },
): Promise<Reply> {
  const { request, signIn, user, identity } = signedIn;
  const browserSecret = issueSecret('browserSecret', deps.random);
  await deps.db.write(async (tx) => {
    await identifySignIn(tx, {
      id: signIn.id,
      userId: user.id,
      authenticatedAt: identity.authenticatedAt ?? null,
      upstreamSid: identity.sid ?? null,
      browserHash: hashSecret(browserSecret),
    });
    await deps.purposes[signIn.purpose].identified?.(tx, { signInId: signIn.id, userId: user.id });
  });
  request.annotate({ userId: user.id });
  const lifetime = signIn.expires_at - deps.clock.now();
  return {
    status: 303,
    headers: {
      ...noStore,
      location: deps.purposes[signIn.purpose].next(signIn),
      'set-cookie': bindBrowser(deps.issuer, { request, id: signIn.id, browserSecret, lifetime }),
    },
  };
}

/** Nobody is signed in. The person is told, and can go back to where they came from, or try again if the fault may pass. */
async function refusal(
  deps: SignInDeps,
  failed: { request: ApiRequest; signIn: SignIn; error: unknown },
): Promise<Reply> {
  const { request, signIn, error } = failed;
  if (error instanceof Unavailable) return idpFailedPage(deps, { request, signIn }, error);
  const refused = explain(error);
  if (refused === undefined) throw error;
  const { reason, userId } = refused;
  const whose = userId === undefined ? {} : { userId };
  request.annotate(whose);
  deps.emit('login_refused', { ...whose, provider: signIn.provider_id ?? '', reason });
  return notSignedInPage(deps, { request, signIn }, refused);
}

/** A locked person is told before anything is asked of them: no session could begin. */
function requireUnlocked(deps: SignInDeps, signIn: SignIn, user: User): void {
  if (user.locked_at === null || deps.purposes[signIn.purpose].admitsLocked === true) return;
  throw new SignInRefusal(message('sign-in.locked'), 'the user is locked', 'refused', user.id);
}

function explain(
  error: unknown,
): { told: Message; reason: string; userId?: InternalUserId | undefined } | undefined {
  if (error instanceof SignInRefusal) return error;
  if (!(error instanceof UpstreamRefusal)) return undefined;
  return { told: toldOf(error.kind), reason: `${error.kind}: ${error.reason}` };
}

/** A new sign-in brings a new callback and a new code; whatever else is wrong, it would find again. */
function toldOf(kind: UpstreamRefusal['kind']): Message {
  if (kind === 'denied') return message('sign-in.denied');
  const mayPass = kind === 'callback' || kind === 'code' || kind === 'login_required';
  return message(mayPass ? 'sign-in.not-accepted' : 'sign-in.not-accepted.lasting');
}
