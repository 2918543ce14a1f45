/**
 * The routes of the Matrix client-server API that are answered here. Owns nothing: discovery serves what `metadata/` built, the rest asks
 * `sessions/`.
 */
import type { OperationHandlers } from '../http/operation-handler.ts';
import type { operations } from '../generated/matrix-client.ts';
import type { Handler } from '../http/exchange.ts';
import { PageRefusal } from '../http/pages/page-refusal.ts';
import { MatrixError } from '../protocol/matrix-error.ts';
import { message } from '../texts/message.ts';
import { clientWellKnown, type WellKnownOptions } from './client-well-known.ts';
import type { MatrixApiDeps } from './deps.ts';
import type { LogInDeps } from './login/deps.ts';
import { getLoginFallback } from './login/fallback.ts';
import { getLoginFlows, type LoginOffer } from './login/flows.ts';
import { logIn } from './login/log-in.ts';
import { redirectToSso } from './login/sso-redirect.ts';
import type { PublishedMetadata } from '../metadata/published-metadata.ts';
import { delegatedHandlers, sessionHandlers } from './session-routes.ts';

/** Handlers by operationId of `openapi/matrix-client.yaml`. */
export function matrixApiHandlers(
  deps: MatrixApiDeps,
  logInDeps: LogInDeps,
  more: {
    published: PublishedMetadata;
    wellKnown: WellKnownOptions;
    /** Whether there is an account page here. */
    hasAccountPage: boolean;
    loginOffer: LoginOffer;
  },
): OperationHandlers<operations> {
  return {
    getAuthMetadata: (request) => more.published.metadata.reply(request.headers),
    getAuthIssuer: (request) => more.published.issuer.reply(request.headers),
    getClientWellKnown: clientWellKnown(more.wellKnown),
    getLoginFlows: getLoginFlows(more.loginOffer),
    logIn: logIn(logInDeps),
    redirectToSso: logInDeps.login.sso ? redirectToSso(deps) : noSso,
    redirectToIdp: logInDeps.login.sso ? redirectToSso(deps) : noSso,
    getLoginFallback: logInDeps.login.sso ? getLoginFallback() : noSso,
    ...sessionHandlers(deps, more),
    ...delegatedHandlers,
  };
}

const noSso: Handler = () => {
  const wire = new MatrixError(404, 'M_UNRECOGNIZED', 'Single sign-on is switched off on this server');
  throw new PageRefusal(message('refused.sso-off'), { wire });
};
