/** What the provider says of caching, and whether a cache on the way keeps to it. */
import { quoteForLog } from '../../upstream/login/refusal.ts';
import type { Finding } from '../finding.ts';
import type { Answered } from '../look.ts';
import { providerFinding, type ProviderContext } from './context.ts';

/** Findings if its `max-age` cannot be read, or if something on the way serves a copy that the provider itself calls out of date. */
export function cachingFindings(
  context: ProviderContext,
  { answer, probed }: Answered,
  what: string,
): Finding[] {
  const value = answer.headers['cache-control'] ?? '';
  const written = /(?:^|[,\s])max-age\s*=\s*"?([^\s,";]*)/i.exec(value)?.[1];
  if (written !== undefined && !/^\d+$/.test(written)) {
    return [
      providerFinding(context, {
        code: 'provider.cache_control',
        probed,
        expected: 'max-age in whole seconds (RFC 9111, section 1.2.2)',
        seen: `Cache-Control: ${quoteForLog(value, 200)}`,
        remedy:
          'Correct the header at the provider, or whatever writes it on the way: it counts as stale at once.',
      }),
    ];
  }
  const age = Number(/^\s*(\d+)/.exec(answer.headers['age'] ?? '')?.[1] ?? 0);
  const limit = written === undefined ? context.settings.discovery.maxTtlMs / 1000 : Number(written);
  if (age <= limit) return [];
  return [
    providerFinding(context, {
      code: 'provider.cached_stale',
      probed,
      expected: `${what} not older than ${limit} seconds (max-age)`,
      seen: `Age: ${age}: a cache on the way serves an old copy`,
      remedy:
        'Let the cache in front of the provider keep to max-age, or pass this path through: a change of keys would come late.',
    }),
  ];
}
