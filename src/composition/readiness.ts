import type { Readiness } from '../http/operations.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Provider } from '../upstream/provider.ts';

/**
 * Unavailable only if the database is down, or nobody can sign in because no provider has metadata that may be used: it was never fetched, or is older than
 * `stale_if_error_seconds`. One broken provider of several is `degraded`, as is an outage with last good documents.
 */
export async function judgeReadiness(
  db: Pick<Database, 'check'>,
  providers: readonly Pick<Provider, 'id' | 'state'>[],
): Promise<Readiness> {
  const reasons: string[] = [];
  let status: Readiness['status'] = 'ok';
  const worsen = (to: 'degraded' | 'unavailable', reason: string): void => {
    if (status !== 'unavailable') status = to;
    reasons.push(reason);
  };
  const isWithoutAny = providers.every((provider) => provider.state().metadata === 'none');
  for (const provider of providers) {
    const { metadata, keys, lastError } = provider.state();
    const why = lastError === undefined ? '' : `: ${lastError}`;
    if (metadata === 'none') {
      const who = isWithoutAny ? 'nobody can sign in' : 'who uses it cannot sign in';
      worsen(
        isWithoutAny ? 'unavailable' : 'degraded',
        `provider ${provider.id}: it has no metadata that may be used; ${who}${why}`,
      );
    } else if (metadata === 'stale' || keys !== 'fresh' || lastError !== undefined) {
      worsen('degraded', `provider ${provider.id}: serving the last good documents${why}`);
    }
  }
  await db.check().catch(() => {
    worsen('unavailable', 'the database does not answer');
  });
  return { status, reasons };
}
