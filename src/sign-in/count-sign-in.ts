/** What became of sign-ins, counted by provider: the same for every way in which a provider tells who somebody is. */
import type { Metrics } from '../observability/metrics.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { UpstreamRefusal } from '../upstream/login/refusal.ts';
import { SignInRefusal } from './refusal.ts';

export interface SignInCountDeps {
  readonly metrics: Pick<Metrics, 'count'>;
}

/** Does the last part of a sign-in: counts its success as well as its failure. */
export async function countingSignIn<T>(
  deps: SignInCountDeps,
  provider: string,
  work: () => Promise<T>,
): Promise<T> {
  const result = await countingFailure(deps, provider, work);
  deps.metrics.count('signIns', { provider, outcome: 'signed_in' });
  return result;
}

/** Does a part of a sign-in that more of it follows: counts its failure alone. */
export async function countingFailure<T>(
  { metrics }: SignInCountDeps,
  provider: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const outcome = outcomeOf(error);
    if (outcome !== undefined) metrics.count('signIns', { provider, outcome });
    throw error;
  }
}

function outcomeOf(error: unknown): 'denied' | 'refused' | 'invalid' | 'unavailable' | undefined {
  if (error instanceof Unavailable) return 'unavailable';
  if (error instanceof SignInRefusal) return 'refused';
  if (error instanceof UpstreamRefusal) return error.kind === 'denied' ? 'denied' : 'invalid';
  return undefined;
}
