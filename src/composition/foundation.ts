/** What every wing stands on: opened once from the configuration. It knows no wing. */
import { watchChanges } from '../storage/changes.ts';
import type { ChangeWatcher } from '../storage/changes.ts';
import { ensureEncryptionKey } from '../config/encryption-key.ts';
import type { Config } from '../config/schema.ts';
import { homeserverOf } from '../homeserver/choose.ts';
import type { Homeserver } from '../homeserver/connector.ts';
import { createEvents, type EmitEvent } from '../observability/events.ts';
import type { Log } from '../observability/log.ts';
import { inOrigin } from '../observability/origin.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import type { Database, DatabaseOptions } from '../storage/engine/database.ts';
import { openDatabase } from '../storage/engine/open-database.ts';
import { createSealer, deriveSubkey, type Sealer } from '../storage/sealed.ts';
import { createProvider, type Provider } from '../upstream/provider.ts';
import type { TokenVerifier } from '../verification/token-verifier.ts';
import { idpDocumentStore } from './idp-document-store.ts';
import { operatorScopes } from './operator-scopes.ts';
import { countingRequests } from './provider-requests.ts';
import { passthroughFitness, upstreamSettings } from './provider-rules.ts';
import { openTokenVerifiers } from './token-verifiers.ts';

/** The neutral parts of a running service: each wing's composer takes from it what its wing declares. */
export interface Foundation {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly emit: EmitEvent;
  readonly db: Database;
  readonly changes: ChangeWatcher;
  /** The IdPs, in the operator's order; at least one. */
  readonly providers: readonly Provider[];
  /** One for each provider whose access tokens count here. */
  readonly tokenVerifiers: readonly TokenVerifier[];
  readonly homeserver: Homeserver;
  readonly sealer: Sealer;
  /** The key for one purpose, derived from the encryption key. */
  readonly subkey: (purpose: string) => Buffer;
  /** Resolves when the disk has failed to store something. */
  readonly broken: Promise<Error>;
}

/** Opens the database and the providers. What has to be closed again is handed to `opened`, also if a later step fails. */
export async function layFoundation(
  options: {
    readonly config: Config;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Log;
  },
  opened: AsyncDisposableStack,
): Promise<Foundation> {
  const { config, clock, random, log } = options;
  const metrics = createMetrics({ providers: config.providers.map(({ id }) => id) });
  const emit = createEvents({ log, metrics });
  const { key, madeFile } = ensureEncryptionKey(config, random);
  if (madeFile !== undefined) log.info({ file: madeFile }, 'encryption key made: keep a copy of it');
  const broken = Promise.withResolvers<Error>();
  const onDiskFailure = broken.resolve;
  const db = await openDatabase(
    databaseOptions(config, {
      clock,
      random,
      log,
      onDiskFailure,
      onTime: (operation, seconds) => {
        metrics.observe('databaseDuration', { operation }, seconds);
      },
    }),
  );
  opened.defer(() => db.close());

  const documents = idpDocumentStore(db);
  const providers = config.providers.map((settings) =>
    createProvider({
      settings: upstreamSettings(settings, operatorScopes(config)),
      clock,
      random,
      log,
      documents,
      whyUnfit: passthroughFitness(config, settings),
      onOutcome: countingRequests(metrics, settings.id),
      onDocumentNews: ({ kind, document, ...why }) => {
        const event = kind === 'changed' ? 'upstream_document_changed' : 'upstream_document_refused';
        // A request may have been the occasion to look; it is not the cause.
        const tell = (): void => {
          emit(event, { provider: settings.id, document, ...why });
        };
        inOrigin({ actor: 'system' }, tell, undefined);
      },
    }),
  );
  for (const provider of providers) {
    opened.defer(() => provider.close());
    provider.start();
  }

  const homeserver = homeserverOf(config.homeserver, { clock, random });
  opened.defer(() => homeserver.close());
  const changes = watchChanges({ database: db, log });
  opened.defer(() => changes.close());
  return {
    config,
    clock,
    random,
    log,
    metrics,
    emit,
    db,
    changes,
    providers,
    tokenVerifiers: openTokenVerifiers({ config, providers, clock, random, log, metrics }, opened),
    homeserver,
    sealer: createSealer(key, random),
    subkey: (purpose) => deriveSubkey(key, purpose),
    broken: broken.promise,
  };
}

function databaseOptions(
  { database }: Config,
  shared: Pick<DatabaseOptions, 'clock' | 'random' | 'log' | 'onDiskFailure' | 'onTime'>,
): DatabaseOptions {
  return {
    ...shared,
    url: database.url,
    poolSize: database.pool_size,
    ...(database.direct_url === undefined ? {} : { directUrl: database.direct_url }),
  };
}
