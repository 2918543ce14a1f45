/** Which routes and pages there are, by the configuration, and what stands behind each. */
import { accountPages } from '../account/routes.ts';
import {
  absentAuthorizationServerHandlers,
  authorizationPages,
  authorizationServerHandlers,
} from '../authorization-server/routes.ts';
import type { AuthorizationServerDeps } from '../authorization-server/deps.ts';
import type { Config } from '../config/schema.ts';
import { createApp, type GatehouseApp, type PageRoute } from '../http/app.ts';
import { type Handler, noStore } from '../http/exchange.ts';
import { homePage } from '../http/pages/home-page.ts';
import { wordsIn } from '../http/pages/words.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import type { MatrixApiDeps } from '../matrix-api/deps.ts';
import { hasLegacyLogin, type LoginMethods } from '../matrix-api/login/methods.ts';
import { ssoPages } from '../matrix-api/login/sso-routes.ts';
import { matrixApiHandlers } from '../matrix-api/routes.ts';
import { userInteractivePages } from '../matrix-api/user-interactive/confirm.ts';
import type { PublishedMetadata } from '../metadata/published-metadata.ts';
import { verificationHandlers } from '../verification-api/routes.ts';
import { handOverPages } from '../sign-in/hand-over.ts';
import { restartSignIn } from '../sign-in/current.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { composeAccount } from './account.ts';
import { composeAuthorizationServer } from './authorization-server.ts';
import { cacheControl, issuerOf, offersOAuth } from './documents.ts';
import type { Foundation } from './foundation.ts';
import { loginMethods } from './login-methods.ts';
import { loginOffer } from './login-offer.ts';
import { composeLogIn, composeMatrixApi, composeSso } from './matrix-api.ts';
import type { Shared } from './shared.ts';
import { composeVerificationApi } from './verification-api.ts';

/** The app of all wings. */
export async function composeApp(
  foundation: Foundation,
  shared: Shared,
  more: {
    readonly published: PublishedMetadata;
    readonly signingKeys: SigningKeys;
    readonly openapiDir: string;
    readonly validateResponses: boolean;
  },
): Promise<GatehouseApp> {
  const { config, log, metrics, clock, random } = foundation;
  const { published, openapiDir, validateResponses } = more;
  const login = loginMethods(config, { ...foundation, limits: shared.limits });
  const oauth = composeAuthorizationServer(foundation, shared, more.signingKeys);
  const matrix = composeMatrixApi(foundation, shared);
  const metadata: Handler = (request) => published.metadata.reply(request.headers);
  return createApp({
    publicUrl: config.public_url,
    openapiDir,
    documents: [
      {
        file: 'matrix-client.yaml',
        dialect: 'matrix',
        handlers: matrixApiHandlers(matrix, composeLogIn(foundation, shared, login), {
          published,
          hasAccountPage: hasAccountPage(config, login),
          loginOffer: loginOffer(config, login),
          wellKnown: {
            homeserverUrl: config.homeserver.public_url,
            issuer: config.oauth_api ? issuerOf(config) : undefined,
            cacheControl: cacheControl(config.metadata),
          },
        }),
      },
      {
        file: 'authorization-server.yaml',
        dialect: 'oauth',
        handlers: offersOAuth(config)
          ? authorizationServerHandlers(oauth, metadata)
          : absentAuthorizationServerHandlers(metadata, hasSessions(config, login) ? oauth : undefined),
      },
      {
        file: 'verification.yaml',
        dialect: 'verification',
        handlers: verificationHandlers(composeVerificationApi(foundation, shared)),
      },
    ],
    pages: hasAccountPage(config, login) ? pagesOf(foundation, shared, { oauth, matrix, login }) : [],
    home: showHome(config, hasAccountPage(config, login)),
    trustedProxies: config.listen.trusted_proxies,
    hsts: config.http.hsts,
    bodyLimitBytes: config.limits.body_bytes,
    requestsInFlight: config.limits.requests_in_flight,
    log,
    metrics,
    clock,
    random,
    validateResponses,
    hotPaths: !validateResponses,
  });
}

/** Who opens the public URL in a browser wants their account, if there are any; else a short page says what this is. */
function showHome(config: Config, hasAccounts: boolean): Handler {
  const location = endpointUrl(config.public_url, 'account');
  if (hasAccounts) return () => ({ status: 303, headers: { ...noStore, location } });
  return (request) => homePage(wordsIn(request.language), config.server_name);
}

/** Whether there can be sessions here: one with our tokens, or one of a token that the provider issued. */
function hasSessions(config: Config, login: LoginMethods): boolean {
  return config.mode === 'passthrough' || hasAccountPage(config, login);
}

/** People come here wherever there are sessions with our tokens, whichever API began them. */
function hasAccountPage(config: Config, login: LoginMethods): boolean {
  return offersOAuth(config) || hasLegacyLogin(login);
}

function pagesOf(
  foundation: Foundation,
  shared: Shared,
  wings: { oauth: AuthorizationServerDeps; matrix: MatrixApiDeps; login: LoginMethods },
): PageRoute[] {
  return [
    {
      method: 'GET',
      path: '/sign-in/:id',
      operationId: 'restartSignIn',
      handler: restartSignIn(shared.signIn),
    },
    ...handOverPages(shared.signIn),
    ...(offersOAuth(foundation.config) ? authorizationPages(wings.oauth) : []),
    ...(wings.login.sso ? ssoPages(composeSso(foundation, shared)) : []),
    ...accountPages(composeAccount(shared)),
    ...userInteractivePages(wings.matrix),
  ];
}
