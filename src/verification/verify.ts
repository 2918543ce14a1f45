import { Unavailable } from '../protocol/unavailable.ts';
import type { KnownVerdict, Verify } from './access-verdict.ts';

/**
 * One way to tell whose a token is. `undefined`: it is no token of the kind that this strategy knows, so the next one is asked. Throws `Unavailable` if
 * it knows the kind and could not ask.
 */
export type VerificationStrategy = (accessToken: string) => Promise<KnownVerdict | undefined>;

/** Asks the strategies in their order; the first that knows the kind of token decides. */
export function createVerify(strategies: readonly VerificationStrategy[]): Verify {
  return async (accessToken) => {
    try {
      for (const strategy of strategies) {
        const verdict = await strategy(accessToken);
        if (verdict !== undefined) return verdict;
      }
      return { kind: 'inactive', reason: 'malformed' };
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return { kind: 'unavailable', error };
    }
  };
}
