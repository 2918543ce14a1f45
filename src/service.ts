/**
 * The composition root: from a configuration to a running service. The only file that knows all parts; it decides nothing but who gets what.
 */
import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { fileURLToPath } from 'node:url';
import { authorizationPurpose } from './authorization-server/authorization-response.ts';
import {
  absentAuthorizationServerHandlers,
  authorizationServerHandlers,
  signInPages,
} from './authorization-server/routes.ts';
import type { AuthorizationServerDeps } from './authorization-server/deps.ts';
import { assertionAlgorithms } from './authorization-server/client-assertion.ts';
import { readStaticClients } from './authorization-server/static-clients.ts';
import { openSigningKeys } from './authorization-server/signing-keys.ts';
import { ensureEncryptionKey } from './config/encryption-key.ts';
import type { Config } from './config/schema.ts';
import { noHomeserver } from './homeserver/none.ts';
import { createApp, type GatehouseApp } from './http/app.ts';
import { createCsrf } from './http/csrf.ts';
import type { Handler } from './http/exchange.ts';
import { createOperationsApp, type Readiness } from './http/operations.ts';
import { createRateLimiter } from './http/rate-limit.ts';
import { startServer } from './http/server.ts';
import {
  facadeDocuments,
  noDocuments,
  passthroughDocuments,
  type PublishedMetadata,
} from './matrix-api/published-metadata.ts';
import { matrixApiHandlers } from './matrix-api/routes.ts';
import type { Abilities } from './metadata/build.ts';
import { createEvents } from './observability/events.ts';
import { createLog, type Log, type LogOptions } from './observability/log.ts';
import { createMetrics, type Metrics } from './observability/metrics.ts';
import { type Clock, type Random, systemClock, systemRandom } from './protocol/clock.ts';
import { newRecordId } from './protocol/identifiers.ts';
import { type AccessVerdict, findAccess } from './sessions/find.ts';
import { deliverOutbox } from './sessions/outbox.ts';
import { cleanUp } from './storage/cleanup.ts';
import type { Database, DatabaseOptions } from './storage/database.ts';
import { startPeriodicWork } from './storage/periodic.ts';
import { openDatabase } from './storage/open-database.ts';
import { findIdpDocument, saveIdpDocument } from './storage/idp-documents.ts';
import { createSealer, deriveSubkey } from './storage/sealed.ts';
import type { DocumentStore } from './upstream/document-store.ts';
import { createProvider, type Provider } from './upstream/provider.ts';

/** Where the OpenAPI documents lie: beside `src/` in a checkout, beside `dist/` in the package. */
const OPENAPI_DIR = fileURLToPath(new URL('../openapi', import.meta.url));

export interface ServiceOptions {
  readonly config: Config;
  /** Default: the system's. */
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default: by `config.log`, on standard output. */
  readonly log?: Log;
  /** Checks every answer against the OpenAPI documents, and leaves the hot look-up out. For tests. */
  readonly validateResponses?: boolean;
}

export interface Service {
  /** Where it listens: the base URL, or the path of the socket. */
  readonly url: string;
  readonly operationsUrl: string;
  /** Stops taking requests, lets those under way finish, and lets go of everything. */
  close(): Promise<void>;
}

/** Everything but the listening: for somebody else's server, or for ours. */
export interface Gatehouse {
  /** For an Express app, mounted at its root before body parsers: passes on what is not ours. */
  readonly router: GatehouseApp['router'];
  /** For a server of its own: answers every request, the hot ones without Express. */
  readonly listener: RequestListener;
  /** Whose access token this is: read from the database at each call, a first use is noted. Throws `Unavailable`. */
  verify(accessToken: string): Promise<AccessVerdict>;
  /** As `/health/ready` tells it. */
  readonly readiness: () => Promise<Readiness>;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Finishes periodic work under way and lets go of the database and of connections. Stop listening first. */
  close(): Promise<void>;
}

/** Opens everything and starts the background work. Throws what `cli/start-fault.ts` explains; whatever was opened by then is closed again. */
export async function createGatehouse(options: ServiceOptions): Promise<Gatehouse> {
  const { config, clock = systemClock, random = systemRandom } = options;
  await using opened = new AsyncDisposableStack();
  const log = options.log ?? createLog(logOptions(config));
  const metrics = createMetrics();
  const { key, madeFile } = ensureEncryptionKey(config, random);
  if (madeFile !== undefined) log.info({ file: madeFile }, 'encryption key made: keep a copy of it');
  const db = await openDatabase(databaseOptions(config, { clock, random, log }));
  opened.defer(() => db.close());

  const providers = config.providers.map((settings) =>
    createProvider({ settings, clock, random, log, documents: idpDocumentStore(db) }),
  );
  for (const provider of providers) {
    opened.defer(() => provider.close());
    provider.start();
  }

  const deps = await composeDeps({ config, clock, random, log, metrics, db, key, providers });
  const published = publishedDocuments(config, deps);
  const { router, listener } = await composeApp(options, deps, published);
  opened.defer(startHousekeeping(deps));

  const held = opened.move();
  return {
    router,
    listener,
    verify: (accessToken) => findAccess(deps, accessToken),
    readiness: () => judgeReadiness(db, providers, published),
    metrics,
    log,
    close: () => held.disposeAsync(),
  };
}

/** Starts the service with its two listeners. Throws as {@link createGatehouse}, and where an address cannot be had. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { config, clock = systemClock } = options;
  await using opened = new AsyncDisposableStack();
  const gatehouse = await createGatehouse(options);
  opened.defer(() => gatehouse.close());
  const { log, metrics, readiness } = gatehouse;
  const operations = await createOperationsApp({ openapiDir: OPENAPI_DIR, log, metrics, clock, readiness });
  const operationsServer = await startServer({
    listener: operations.listener,
    listen: config.operations,
    log,
  });
  opened.defer(() => operationsServer.close());
  const { listen } = config;
  const server = await startServer({
    listener: gatehouse.listener,
    listen:
      listen.socket === undefined ? { host: listen.host, port: listen.port } : { socket: listen.socket },
    log,
  });
  opened.defer(() => server.close());
  log.info(
    { address: server.address, issuer: config.public_url, operations: operationsServer.address },
    'ready',
  );

  const held = opened.move();
  return { url: server.address, operationsUrl: operationsServer.address, close: () => held.disposeAsync() };
}

interface Parts {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly db: Database;
  readonly key: Buffer;
  readonly providers: readonly Provider[];
}

async function composeDeps(parts: Parts): Promise<AuthorizationServerDeps> {
  const { config, clock, random, log, metrics, db, key, providers } = parts;
  const sealer = createSealer(key, random);
  const { secret } = config.homeserver;
  return {
    db,
    clock,
    random,
    log,
    metrics,
    emit: createEvents({ log, metrics }),
    issuer: config.public_url,
    serverName: config.server_name,
    providers,
    purposes: { authorization: authorizationPurpose({ db, issuer: config.public_url }) },
    providerRules: new Map(config.providers.map(({ id, name = id, claims }) => [id, { name, claims }])),
    homeserver: noHomeserver,
    homeserverSecretHash: secret === undefined ? undefined : createHash('sha256').update(secret).digest(),
    policy: {
      accessTokenTtl: config.sessions.access_token_ttl_seconds * 1000,
      refreshReuseGrace: config.sessions.refresh_reuse_grace_seconds * 1000,
    },
    staticClients: readStaticClients(config.clients),
    registration: {
      mode: config.registration.mode,
      allowedHosts: config.registration.allowed_hosts,
      omittedAuthMethod: config.registration.omitted_auth_method,
      clientsCap: config.registration.clients_cap,
    },
    derivationKey: deriveSubkey(key, 'refresh successors'),
    csrf: createCsrf({ key: deriveSubkey(key, 'csrf tokens'), publicUrl: config.public_url }),
    sealer,
    signingKeys: await openSigningKeys({ db, sealer, clock }),
    onFirstUseLost: (error) => {
      log.warn({ err: error }, 'the first use of a token could not be written; it will be tried again');
    },
  };
}

async function composeApp(
  options: ServiceOptions,
  deps: AuthorizationServerDeps,
  published: PublishedMetadata,
): Promise<GatehouseApp> {
  const { config, validateResponses = false } = options;
  const { log, metrics, clock, random } = deps;
  const metadata: Handler = (request) => published.metadata.reply(request.headers);
  const registrationLimit = createRateLimiter({
    name: 'registrations_per_address',
    points: config.limits.registrations_per_address,
    windowSeconds: 60,
    clock,
    metrics,
  });
  return createApp({
    publicUrl: config.public_url,
    openapiDir: OPENAPI_DIR,
    documents: [
      {
        file: 'matrix-client.yaml',
        dialect: 'matrix',
        handlers: matrixApiHandlers(deps, {
          published,
          knowsTokens: config.mode === 'facade',
          wellKnown: {
            homeserverUrl: config.homeserver.public_url,
            issuer: config.oauth_api ? issuerOf(config) : undefined,
            cacheControl: cacheControl(config.metadata),
          },
        }),
      },
      {
        file: 'authorization-server.yaml',
        dialect: 'oauth',
        handlers: offersOAuth(config)
          ? authorizationServerHandlers(deps, { metadata, registrationLimit })
          : absentAuthorizationServerHandlers(metadata),
      },
    ],
    pages: offersOAuth(config) ? signInPages(deps) : [],
    trustedProxies: config.listen.trusted_proxies,
    bodyLimitBytes: config.limits.body_bytes,
    log,
    metrics,
    clock,
    random,
    validateResponses,
    hotPaths: !validateResponses,
  });
}

/** Whether clients get their tokens here. In passthrough mode they get them from the provider. */
function offersOAuth(config: Config): boolean {
  return config.oauth_api && config.mode === 'facade';
}

/** The issuer that clients are told. */
function issuerOf(config: Config): string {
  return config.mode === 'facade' ? config.public_url : (config.providers[0]?.issuer ?? config.public_url);
}

function publishedDocuments(config: Config, deps: AuthorizationServerDeps): PublishedMetadata {
  if (!config.oauth_api) return noDocuments();
  if (config.mode === 'facade') {
    return facadeDocuments({
      issuer: config.public_url,
      cacheControl: cacheControl(config.metadata),
      abilities: () => abilitiesOf(deps),
      onChange: (listener) => {
        for (const provider of deps.providers) provider.onMetadataChange(listener);
      },
    });
  }
  const [provider] = deps.providers;
  const [settings] = config.providers;
  if (provider === undefined || settings === undefined) throw new Error('no provider is configured');
  return passthroughDocuments({
    provider,
    overrides: settings.discovery.overrides,
    allowHttp: settings.issuer.startsWith('http:'),
    clock: deps.clock,
    log: deps.log,
  });
}

/** What the metadata tells beyond what always works. */
function abilitiesOf({ staticClients, providers }: AuthorizationServerDeps): Abilities {
  const clients = [...staticClients.values()].map(({ metadata }) => metadata);
  const hasKeys = clients.some((client) => client.token_endpoint_auth_method === 'private_key_jwt');
  return {
    assertionAlgorithms: hasKeys ? assertionAlgorithms : [],
    clientCredentials: clients.some((client) => client.grant_types.includes('client_credentials')),
    createAccount: providers.every((provider) => provider.createsAccounts()),
  };
}

/** `public`, and what RFC 5861 allows; no `s-maxage`, which would cancel both. */
function cacheControl(metadata: Config['metadata']): string {
  return [
    'public',
    `max-age=${String(metadata.max_age_seconds)}`,
    `stale-while-revalidate=${String(metadata.stale_while_revalidate_seconds)}`,
    `stale-if-error=${String(metadata.stale_if_error_seconds)}`,
  ].join(', ');
}

function databaseOptions(
  { database }: Config,
  shared: Pick<DatabaseOptions, 'clock' | 'random' | 'log'>,
): DatabaseOptions {
  return {
    ...shared,
    url: database.url,
    poolSize: database.pool_size,
    ...(database.direct_url === undefined ? {} : { directUrl: database.direct_url }),
  };
}

function logOptions({ log }: Config): LogOptions {
  return { level: log.level, ...(log.format === 'auto' ? {} : { pretty: log.format === 'pretty' }) };
}

/** Where the providers' last good documents survive a restart. */
function idpDocumentStore(db: Database): DocumentStore {
  return {
    async load(providerId, kind) {
      const row = await findIdpDocument(db.query, { providerId, kind });
      if (row === undefined) return undefined;
      const headers = JSON.parse(row.headers_json) as Record<string, string>;
      return { providerId, kind, url: row.url, body: row.body, headers, fetchedAt: row.fetched_at };
    },
    save: (document) =>
      db.write((tx) =>
        saveIdpDocument(tx, {
          provider_id: document.providerId,
          kind: document.kind,
          url: document.url,
          body: document.body,
          headers_json: JSON.stringify(document.headers),
          fetched_at: document.fetchedAt,
        }),
      ),
  };
}

/** Unavailable only when the database is down or no metadata was ever had; an IdP outage with last good documents is `degraded`. */
async function judgeReadiness(
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
      worsen('unavailable', `provider ${provider.id}: its metadata was never had${why}`);
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

/** How often the homeserver's outbox is looked through, and how often what is over is removed, in milliseconds. */
const OUTBOX_INTERVAL = 5_000;
const CLEANUP_INTERVAL = 5 * 60_000;

/** Periodic work, done by one of all processes. Returns what stops it, once the rounds under way are over. */
function startHousekeeping(deps: AuthorizationServerDeps): () => Promise<void> {
  const { db: database, log, clock } = deps;
  const shared = { database, holder: newRecordId(clock.now(), deps.random), log };
  const works = [
    startPeriodicWork({
      ...shared,
      name: 'cleanup',
      everyMs: CLEANUP_INTERVAL,
      work: async (signal) => {
        const removed = await cleanUp({ database, now: clock.now(), signal });
        log.debug({ removed }, 'what is over was removed');
      },
    }),
  ];
  if (deps.homeserver.listens) {
    const work = async (): Promise<void> => {
      await deliverOutbox(deps);
    };
    works.push(startPeriodicWork({ ...shared, name: 'outbox', everyMs: OUTBOX_INTERVAL, work }));
  }
  return async () => {
    await Promise.all(works.map((work) => work.close()));
  };
}
