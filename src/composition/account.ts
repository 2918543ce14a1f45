import type { AccountDeps } from '../account/deps.ts';
import type { Shared } from './shared.ts';

/** What the account pages use. */
export function composeAccount(shared: Shared): AccountDeps {
  return { ...shared.signIn, ...shared.pages, nameClient: shared.nameClient };
}
