import type { ApiRequest, Handler } from '../http/exchange.ts';
import { PageRefusal } from '../http/pages/page-refusal.ts';
import { wordsIn } from '../http/pages/words.ts';
import { message } from '../texts/message.ts';
import { type SignInPurposeName, findSignIn, type SignIn } from '../storage/records/sign-ins.ts';
import { isBoundBrowser } from './browser-binding.ts';
import type { SignInDeps } from './deps.ts';
import { chooserPage, chosenProvider } from './choose-provider.ts';
import { requireNoAnswer } from './hand-over.ts';
import { goToIdp } from './go-to-idp.ts';

/** The sign-in that the `id` of the path names, for the browser that it is bound to. Throws what a page can say. */
async function requireSignIn(
  deps: Pick<SignInDeps, 'db' | 'clock' | 'issuer'>,
  request: ApiRequest,
): Promise<SignIn> {
  const id = request.params['id'] ?? '';
  const signIn = /^[0-9a-z]{26}$/.test(id) ? await findSignIn(deps.db.query, id) : undefined;
  if (signIn === undefined || signIn.expires_at <= deps.clock.now()) {
    throw new PageRefusal(message('sign-in.unknown'), { status: 404 });
  }
  if (!isBoundBrowser(deps.issuer, request, signIn)) {
    throw new PageRefusal(message('sign-in.other-browser'), { status: 403 });
  }
  requireNoAnswer(deps, signIn);
  if (signIn.finished_at !== null) throw new PageRefusal(message('sign-in.finished'));
  return signIn;
}

/** As {@link requireSignIn}, for a purpose that goes on once the IdP has told who it is. */
export async function requireIdentified(
  deps: Pick<SignInDeps, 'db' | 'clock' | 'issuer'>,
  request: ApiRequest,
  purpose: SignInPurposeName,
): Promise<SignIn & { readonly user_id: string }> {
  const signIn = await requireSignIn(deps, request);
  const { user_id } = signIn;
  const begunFor: string = signIn.purpose;
  if (user_id === null || begunFor !== purpose) {
    throw new PageRefusal(message('sign-in.nobody'), { status: 403 });
  }
  request.annotate({ userId: user_id });
  return { ...signIn, user_id };
}

/**
 * Goes to the IdP for a sign-in that has begun: after the choice of a provider (`?provider=`), after a failure, or to take another account
 * (`?account=another`). If there is a choice and none was made, it is offered.
 */
export function restartSignIn(deps: SignInDeps): Handler {
  return async (request) => {
    const signIn = await requireSignIn(deps, request);
    const provider = chosenProvider(deps, request.query.get('provider') ?? signIn.provider_id);
    if (provider === undefined) return chooserPage(deps, wordsIn(request.language), signIn);
    const again = request.query.get('account') === 'another' ? { prompt: 'login' } : {};
    return goToIdp(deps, { request, signIn, provider, ...again });
  };
}
