import type { Metrics } from '../observability/metrics.ts';
import type { OutboundOutcome } from '../outbound/outbound.ts';

/** Counts requests to a provider and takes their time. */
export function countingRequests(
  metrics: Pick<Metrics, 'count' | 'observe'>,
  provider: string,
): (outcome: OutboundOutcome) => void {
  return ({ purpose: kind, outcome, seconds }) => {
    metrics.count('upstreamRequests', { provider, kind, outcome });
    metrics.observe('upstreamDuration', { provider, kind }, seconds);
  };
}
