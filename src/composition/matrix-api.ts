import type { MatrixApiDeps } from '../matrix-api/deps.ts';
import type { LogInDeps } from '../matrix-api/login/deps.ts';
import type { LoginMethods } from '../matrix-api/login/methods.ts';
import type { SsoDeps } from '../matrix-api/login/sso-deps.ts';
import type { Foundation } from './foundation.ts';
import type { Shared } from './shared.ts';

/** What the routes of the Matrix API use that live on sessions. */
export function composeMatrixApi(foundation: Foundation, shared: Shared): MatrixApiDeps {
  const { config, log, metrics } = foundation;
  return {
    ...shared.signIn,
    ...shared.sessions,
    ...shared.pages,
    verify: shared.verify,
    log,
    metrics,
    homeserverUrl: config.homeserver.public_url,
    nameClient: shared.nameClient,
  };
}

/** What logging in without OAuth uses. */
export function composeLogIn(foundation: Foundation, shared: Shared, login: LoginMethods): LogInDeps {
  return {
    ...shared.signIn,
    login,
    policy: shared.sessions.policy,
    sessionLimits: shared.sessionLimits,
    homeserverUrl: foundation.config.homeserver.public_url,
  };
}

/** What the pages of single sign-on use. */
export function composeSso({ config }: Foundation, shared: Shared): SsoDeps {
  const { login_token_ttl_seconds: seconds, trusted_redirects: trustedRedirects } = config.legacy_login;
  return {
    ...shared.signIn,
    ...shared.pages,
    sessionLimits: shared.sessionLimits,
    loginTokenTtl: seconds * 1000,
    trustedRedirects,
  };
}
