import type { Claims } from '../../protocol/claim-path.ts';
import type { Inactive, UnavailableVerdict } from '../verdict.ts';

/** What a way of verifying finds out about a token. `foreign`: it cannot tell, another may. */
export type Finding =
  | { readonly kind: 'claims'; readonly claims: Claims }
  | { readonly kind: 'foreign'; readonly reason: string }
  | Inactive
  | UnavailableVerdict;

/** One way of verifying the tokens of one provider. Never throws for what the token or the provider does. */
export interface Strategy {
  readonly name: 'jwt' | 'introspection' | 'tokeninfo' | 'userinfo';
  /** Asked even if an earlier one has vouched for the token. */
  readonly always: boolean;
  /** What it finds is good without asking anybody, so that it may be trusted until the token expires. */
  inspect(token: string): Promise<Finding>;
}
