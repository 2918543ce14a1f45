import type { ClientId } from '../protocol/identifiers.ts';
import type { Csrf } from '../http/csrf.ts';
import type { FloodGuard } from '../http/flood-guard.ts';
import type { SignInDeps } from '../sign-in/deps.ts';

/** What the account pages use. */
export interface AccountDeps extends SignInDeps {
  readonly csrf: Csrf;
  /** Takes one for each sign-in that begins. */
  readonly signInGuard: FloodGuard;
  /** What a person is shown as a client's name. */
  readonly nameClient: (clientId: ClientId) => Promise<string>;
}
