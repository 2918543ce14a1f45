import type { Metrics } from '../observability/metrics.ts';
import type { Database } from '../storage/engine/database.ts';
import { countOutboxEntries } from '../storage/records/outbox.ts';
import type { CachedDocumentState, FetchCounts } from '../upstream/documents/http-cache.ts';
import type { Provider } from '../upstream/provider.ts';

const outcomes: Readonly<Record<keyof Omit<FetchCounts, 'failedBy'>, string>> = {
  changed: 'ok',
  unchanged: 'ok',
  notModified: 'not_modified',
  failed: 'failed',
};

/** Metrics that are read when somebody asks, rather than followed: the providers' documents, and the outbox. */
export function readGauges(deps: { metrics: Metrics; db: Database; providers: readonly Provider[] }): void {
  const { metrics, db, providers } = deps;
  const counted = new Map<string, number>();
  const readDocument = (provider: string, kind: string, state: CachedDocumentState | undefined): void => {
    if (state === undefined) return;
    const labels = { provider, kind };
    if (state.ageMs === undefined) metrics.forget('upstreamDocumentAge', labels);
    else metrics.set('upstreamDocumentAge', labels, state.ageMs / 1000);
    for (const [name, outcome] of Object.entries(outcomes)) {
      const key = `${provider} ${kind} ${name}`;
      const total = state.fetches[name as keyof typeof outcomes];
      metrics.count('upstreamRequests', { ...labels, outcome }, total - (counted.get(key) ?? 0));
      counted.set(key, total);
    }
  };
  metrics.beforeCollect(async () => {
    for (const provider of providers) {
      const { documents } = provider.state();
      readDocument(provider.id, 'metadata', documents.metadata);
      readDocument(provider.id, 'jwks', documents.jwks);
    }
    metrics.set('outbox', {}, await countOutboxEntries(db.query));
  });
}
