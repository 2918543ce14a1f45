/** What a person sees when a sign-in did not work. JSON where nobody is looking. */
import { type ApiRequest, noStore, type Reply } from '../http/exchange.ts';
import { foreign, html, page, type SafeHtml } from '../http/pages/html.ts';
import { namesHtml } from '../http/media-type.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import type { Unavailable } from '../protocol/unavailable.ts';
import type { SignIn } from '../storage/records/sign-ins.ts';
import type { SignInDeps, WayBack } from './deps.ts';
import { postForm } from './post-form.ts';

interface Failed {
  readonly request: ApiRequest;
  readonly signIn: SignIn;
}

/** The IdP said no, or vouched for somebody who cannot be let in: 403, with a way back. */
export async function notSignedInPage(
  deps: SignInDeps,
  { request, signIn }: Failed,
  refusal: { text: string; reason: string },
): Promise<Reply> {
  request.annotate({ reason: refusal.reason });
  const error = new OAuthError('access_denied', refusal.text, { status: 403 });
  if (!namesHtml(request.headers.accept)) return { status: 403, headers: noStore, body: error.toJSON() };
  const back = await deps.purposes[signIn.purpose].wayBack(signIn, error);
  return page({
    title: 'You are not signed in',
    status: 403,
    ...(back?.fields === undefined ? {} : { forms: 'anywhere' as const }),
    body: html`<p>${foreign(refusal.text)}</p>
      <p>
        <a href="${endpointUrl(deps.issuer, `sign-in/${signIn.id}?account=another`)}"
          >Try with another account</a
        >
      </p>
      ${back !== undefined && wayBack(back)}`,
  });
}

function wayBack({ url, fields, label }: WayBack): SafeHtml {
  if (fields !== undefined) return postForm({ action: url, fields, label });
  return html`<p><a href="${url}" rel="noreferrer">${label}</a></p>`;
}

/** The IdP does not answer, or not as it should: 503, and the same sign-in can be tried again. */
export function idpFailedPage(
  deps: Pick<SignInDeps, 'issuer'>,
  { request, signIn }: Failed,
  error: Unavailable,
): Reply {
  if (!namesHtml(request.headers.accept)) throw error;
  const { cause } = error;
  request.annotate({ reason: cause instanceof Error ? `${error.message}: ${cause.message}` : error.message });
  return page({
    title: 'Not available at the moment',
    status: 503,
    headers: { 'retry-after': String(error.retryAfterSeconds) },
    body: html`<p>
        The identity provider does not answer as it should. Nothing is lost: please try again in a moment.
      </p>
      <p><a href="${endpointUrl(deps.issuer, `sign-in/${signIn.id}`)}">Try again</a></p>`,
  });
}
