/** Whether what the provider sends is held back by a cache on the way. */
import type { Finding } from '../finding.ts';
import type { Answered } from '../look.ts';
import { providerFinding, type ProviderContext } from './context.ts';

/** A finding where something between the provider and us serves a copy that the provider itself calls out of date. */
export function staleFinding(
  context: ProviderContext,
  { answer, probed }: Answered,
  what: string,
): Finding[] {
  const age = Number(/^\s*(\d+)/.exec(answer.headers['age'] ?? '')?.[1] ?? 0);
  const maxAge = /(?:^|[,\s])max-age\s*=\s*"?(\d+)/i.exec(answer.headers['cache-control'] ?? '')?.[1];
  const limit = maxAge === undefined ? context.settings.discovery.maxTtlMs / 1000 : Number(maxAge);
  if (age <= limit) return [];
  return [
    providerFinding(context, {
      code: 'provider.cached_stale',
      probed,
      expected: `${what} not older than ${limit} seconds (max-age)`,
      seen: `Age: ${age}: a cache on the way serves an old copy`,
      mend: 'Let the cache in front of the provider keep to max-age, or pass this path through: a change of keys would come late.',
    }),
  ];
}
