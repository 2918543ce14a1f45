import type { Csrf } from '../../http/csrf.ts';
import type { AddressLimit } from '../../http/address-limit.ts';
import type { LoginTokenDeps } from '../../sessions/login-tokens.ts';
import type { SessionLimits } from '../../sessions/limits.ts';
import type { SignInDeps } from '../../sign-in/deps.ts';

/** What single sign-on uses. */
export interface SsoDeps extends SignInDeps, LoginTokenDeps {
  readonly csrf: Csrf;
  /** Takes one for each sign-in that begins. */
  readonly signInGuard: AddressLimit;
  readonly sessionLimits: SessionLimits;
  /** Apps that get their login token without a question: `isTrustedRedirect`. */
  readonly trustedRedirects: readonly string[];
}
