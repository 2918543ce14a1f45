/** What a person sees when a sign-in did not work. JSON where nobody is looking. */
import { type ApiRequest, noStore, type Reply } from '../http/exchange.ts';
import { foreign, html, page } from '../http/html.ts';
import { namesHtml } from '../http/media-type.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import type { Unavailable } from '../protocol/unavailable.ts';
import type { AuthorizationRequest } from '../storage/authorizations.ts';
import { authorizationResponseUrl } from './redirect-uri.ts';

interface About {
  readonly issuer: string;
  readonly request: ApiRequest;
  readonly stored: AuthorizationRequest;
}

/** The IdP said no, or vouched for somebody who cannot be let in: 403, with a way back to the client. */
export function notSignedInPage(
  { issuer, request, stored }: About,
  refusal: { text: string; reason: string },
): Reply {
  request.annotate({ reason: refusal.reason });
  const error = new OAuthError('access_denied', refusal.text, { status: 403 });
  if (!namesHtml(request.headers.accept)) return { status: 403, headers: noStore, body: error.toJSON() };
  const back = authorizationResponseUrl(
    { redirectUri: stored.redirect_uri, responseMode: stored.response_mode },
    { error: error.code, error_description: error.description, state: stored.state, iss: issuer },
  );
  return page({
    title: 'You are not signed in',
    status: 403,
    body: html`<p>${foreign(refusal.text)}</p>
      <p>
        <a href="${endpointUrl(issuer, `sign-in/${stored.id}?account=another`)}">Try with another account</a>
      </p>
      <p><a href="${back}" rel="noreferrer">Return to the app</a></p>`,
  });
}

/** The IdP does not answer, or not as it should: 503, and the same request can be tried again. */
export function idpFailedPage({ issuer, request, stored }: About, error: Unavailable): Reply {
  if (!namesHtml(request.headers.accept)) throw error;
  request.annotate({ reason: describeCause(error) });
  return page({
    title: 'Not available at the moment',
    status: 503,
    headers: { 'retry-after': String(error.retryAfterSeconds) },
    body: html`<p>
        The identity provider does not answer as it should. Nothing is lost: please try again in a moment.
      </p>
      <p><a href="${endpointUrl(issuer, `sign-in/${stored.id}`)}">Try again</a></p>`,
  });
}

function describeCause(error: Unavailable): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
