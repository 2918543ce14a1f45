/** What a person sees when a sign-in did not work. JSON if nobody is looking. */
import { type ApiRequest, noStore, type Reply } from '../http/exchange.ts';
import { html, type SafeHtml } from '../http/pages/html.ts';
import { page } from '../http/pages/page.ts';
import { linkLine } from '../http/pages/parts.ts';
import { type Words, wordsIn } from '../http/pages/words.ts';
import { namesHtml } from '../http/media-type.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import type { Unavailable } from '../protocol/unavailable.ts';
import type { SignIn } from '../storage/records/sign-ins.ts';
import { plainText } from '../texts/catalogue.ts';
import { type Message, message } from '../texts/message.ts';
import { IDENTITY_PROVIDER } from '../upstream/login/login-errors.ts';
import type { SignInDeps, WayBack } from './deps.ts';
import { providerLinks } from './choose-provider.ts';
import { postForm } from './post-form.ts';

interface Failed {
  readonly request: ApiRequest;
  readonly signIn: SignIn;
}

/** The IdP said no, or vouched for somebody who cannot be let in: 403, with a way back. */
export async function notSignedInPage(
  deps: SignInDeps,
  { request, signIn }: Failed,
  refusal: { told: Message; reason: string },
): Promise<Reply> {
  request.annotate({ reason: refusal.reason });
  const error = new OAuthError('access_denied', plainText('en', refusal.told), { status: 403 });
  if (!namesHtml(request.headers.accept)) return { status: 403, headers: noStore, body: error.toJSON() };
  const back = await deps.purposes[signIn.purpose].wayBack(signIn, error);
  const words = wordsIn(request.language);
  const { say, tell } = words;
  return page(words, {
    title: message('sign-in.not-signed-in'),
    status: 403,
    ...(back?.fields === undefined ? {} : { forms: 'anywhere' as const }),
    body: html`<p>${tell(refusal.told)}</p>
      ${linkLine(endpointUrl(deps.issuer, `sign-in/${signIn.id}?account=another`), say('sign-in.another-account'))}
      ${back !== undefined && wayBack(words, back)}
      <p class="soft">${say('word.reference', { reference: html`<code>${request.requestId}</code>` })}</p>`,
  });
}

function wayBack({ tell }: Words, { url, fields, label }: WayBack): SafeHtml {
  if (fields !== undefined) return postForm({ action: url, fields, label: tell(label) });
  return html`<p><a href="${url}" rel="noreferrer">${tell(label)}</a></p>`;
}

/**
 * What is needed for a sign-in does not answer, or not as it should: 503. The same sign-in can be tried again, if that may help; if it is the IdP, at
 * another provider too.
 */
export function idpFailedPage(
  deps: Pick<SignInDeps, 'issuer' | 'providers' | 'providerRules'>,
  { request, signIn, cookies = [] }: Failed & { readonly cookies?: readonly string[] },
  error: Unavailable,
): Reply {
  if (!namesHtml(request.headers.accept)) throw error;
  const { cause, isLasting } = error;
  request.annotate({ reason: cause instanceof Error ? `${error.message}: ${cause.message}` : error.message });
  const words = wordsIn(request.language);
  const { say, tell } = words;
  const isProvider = error.what === IDENTITY_PROVIDER;
  const others = isProvider ? deps.providers.filter(({ id }) => id !== signIn.provider_id) : [];
  return page(words, {
    title: message('refused.unavailable.title'),
    images: 'data',
    status: 503,
    headers: {
      'retry-after': String(error.retryAfterSeconds),
      ...(cookies.length === 0 ? {} : { 'set-cookie': [...cookies] }),
    },
    body: html`<p>${tell(failureOf(isProvider, isLasting))}</p>
      ${!isLasting && linkLine(endpointUrl(deps.issuer, `sign-in/${signIn.id}`), say('action.try-again'))}
      ${
        others.length > 0 &&
        html`<h2>${say('sign-in.elsewhere')}</h2>
          ${providerLinks(deps, signIn, others)}`
      }
      ${isLasting && html`<p class="soft">${say('word.reference', { reference: html`<code>${request.requestId}</code>` })}</p>`}`,
  });
}

function failureOf(isProvider: boolean, isLasting: boolean): Message {
  if (isProvider) return message(isLasting ? 'sign-in.provider-unfit' : 'sign-in.provider-down');
  return message(isLasting ? 'refused.unavailable.lasting' : 'refused.unavailable');
}
