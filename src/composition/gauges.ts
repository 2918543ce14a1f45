import { setTimeout as delay } from 'node:timers/promises';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../protocol/clock.ts';
import type { Database } from '../storage/engine/database.ts';
import { takeCensus } from '../storage/records/census.ts';
import { countOutboxEntries } from '../storage/records/outbox.ts';
import type { CachedDocumentState } from '../upstream/documents/http-cache.ts';
import type { Provider } from '../upstream/provider.ts';

const CENSUS_EVERY_MS = 5 * 60_000;
/** Well below the time that a scrape may take. */
const FIRST_CENSUS_MS = 1000;

/** Metrics that are read when somebody asks, rather than followed: the age of the providers' documents, the outbox, and how many users and sessions there are. */
export function readGauges(deps: {
  metrics: Metrics;
  db: Database;
  clock: Pick<Clock, 'monotonic'>;
  providers: readonly Provider[];
}): void {
  const { metrics, db, clock, providers } = deps;
  metrics.beforeCollect(census(deps, clock.monotonic() - CENSUS_EVERY_MS));
  const setAge = (
    provider: string,
    kind: 'metadata' | 'jwks',
    state: CachedDocumentState | undefined,
  ): void => {
    if (state?.ageMs === undefined) metrics.forget('upstreamDocumentAge', { provider, kind });
    else metrics.set('upstreamDocumentAge', { provider, kind }, state.ageMs / 1000);
  };
  metrics.beforeCollect(async () => {
    for (const provider of providers) {
      const { documents } = provider.state();
      setAge(provider.id, 'metadata', documents.metadata);
      setAge(provider.id, 'jwks', documents.jwks);
    }
    metrics.set('outbox', {}, await countOutboxEntries(db.query));
  });
}

/** The first exposition waits a little for the count; later ones have the last, which is taken anew in the background. */
function census(
  { metrics, db, clock }: { metrics: Metrics; db: Database; clock: Pick<Clock, 'monotonic'> },
  longAgo: number,
): () => Promise<void> {
  let takenAt = longAgo;
  let hasOne = false;
  const take = async (): Promise<void> => {
    const { users, sessions } = await takeCensus(db.query);
    metrics.set('users', {}, users);
    metrics.set('sessionsLive', {}, sessions);
    hasOne = true;
  };
  return async () => {
    if (clock.monotonic() - takenAt < CENSUS_EVERY_MS) return;
    takenAt = clock.monotonic();
    const taken = take().catch(() => undefined);
    if (!hasOne) await Promise.race([taken, delay(FIRST_CENSUS_MS, undefined, { ref: false })]);
  };
}
