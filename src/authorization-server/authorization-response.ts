/** How a client is answered at its redirect URI (RFC 6749 section 4.1.2), always with `iss` (RFC 9207). */
import { noStore, type Reply } from '../http/exchange.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import type { OAuthError } from '../protocol/oauth-error.ts';
import type { SignInPurpose } from '../sign-in/deps.ts';
import { type AuthorizationRequest, findAuthorizationRequest } from '../storage/authorizations.ts';
import type { Database } from '../storage/database.ts';
import type { ResponseTarget } from './authorization-parameters.ts';
import { authorizationResponseUrl } from './redirect-uri.ts';

/** A redirect to the client with a code. */
export function answerWithCode(issuer: string, target: ResponseTarget, code: string): Reply {
  const location = authorizationResponseUrl(target, { code, state: target.state, iss: issuer });
  return { status: 303, headers: { ...noStore, location } };
}

/** A redirect to the client with an error (RFC 6749 section 4.1.2.1). */
export function refuseByRedirect(issuer: string, target: ResponseTarget, error: OAuthError): Reply {
  return { status: 303, headers: { ...noStore, location: refusalUrl(issuer, target, error) } };
}

/** Where, and how, the client of a stored request wants its answer. */
export function targetOf(stored: AuthorizationRequest): ResponseTarget {
  return { redirectUri: stored.redirect_uri, responseMode: stored.response_mode, state: stored.state };
}

/** After a sign-in for a client comes the consent page; when it fails, the client can be told. */
export function authorizationPurpose(deps: { db: Database; issuer: string }): SignInPurpose {
  return {
    next: (signIn) => endpointUrl(deps.issuer, `consent/${signIn.id}`),
    wayBack: async (signIn, refusal) => {
      const stored = await findAuthorizationRequest(deps.db.query, signIn.id);
      if (stored === undefined) return undefined;
      return { url: refusalUrl(deps.issuer, targetOf(stored), refusal), label: 'Return to the app' };
    },
  };
}

function refusalUrl(issuer: string, target: ResponseTarget, error: OAuthError): string {
  return authorizationResponseUrl(target, {
    error: error.code,
    error_description: error.description,
    state: target.state,
    iss: issuer,
  });
}
