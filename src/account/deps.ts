import type { ClientId } from '../protocol/identifiers.ts';
import type { Csrf } from '../http/csrf.ts';
import type { AddressLimit } from '../http/address-limit.ts';
import type { SignInDeps } from '../sign-in/deps.ts';

/** What the account pages use. */
export interface AccountDeps extends SignInDeps {
  readonly csrf: Csrf;
  /** Takes one for each sign-in that begins. */
  readonly signInGuard: AddressLimit;
  /** What a person is shown as a client's name. */
  readonly nameClient: (clientId: ClientId) => Promise<string>;
}
