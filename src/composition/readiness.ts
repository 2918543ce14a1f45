import type { Readiness } from '../http/operations.ts';
import type { PublishedMetadata } from '../metadata/published-metadata.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Provider } from '../upstream/provider.ts';

/**
 * Unavailable only when the database is down, or where no metadata can be used: never had, or older than `stale_if_error_seconds`; an IdP outage with last good documents is
 * `degraded`.
 */
export async function judgeReadiness(
  db: Database,
  providers: readonly Provider[],
  published: PublishedMetadata,
): Promise<Readiness> {
  const reasons: string[] = [];
  let status: Readiness['status'] = 'ok';
  const worsen = (to: 'degraded' | 'unavailable', reason: string): void => {
    if (status !== 'unavailable') status = to;
    reasons.push(reason);
  };
  for (const provider of providers) {
    const { metadata, keys, lastError } = provider.state();
    const why = lastError === undefined ? '' : `: ${lastError}`;
    if (metadata === 'none')
      worsen('unavailable', `provider ${provider.id}: it has no metadata that may be used${why}`);
    else if (metadata === 'stale' || keys !== 'fresh' || lastError !== undefined) {
      worsen('degraded', `provider ${provider.id}: serving the last good documents${why}`);
    }
  }
  for (const fault of published.faults()) worsen('unavailable', `auth_metadata: ${fault}`);
  await db.check().catch(() => {
    worsen('unavailable', 'the database does not answer');
  });
  return { status, reasons };
}
