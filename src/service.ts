/**
 * The composition root: from a configuration to a running service. The only file that knows all parts; it decides nothing but who gets what.
 */
import { createSecretKey } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { fileURLToPath } from 'node:url';
import { accountPages } from './account/routes.ts';
import { accountPurpose } from './account/visit.ts';
import { authorizationPurpose } from './authorization-server/authorization-response.ts';
import {
  absentAuthorizationServerHandlers,
  authorizationServerHandlers,
  authorizationPages,
  restartPage,
} from './authorization-server/routes.ts';
import type { AuthorizationServerDeps } from './authorization-server/deps.ts';
import { deviceGrantPurpose } from './authorization-server/device/device-verification.ts';
import { clientNaming } from './clients/clients.ts';
import { readStaticClients } from './clients/static-clients.ts';
import { openSigningKeys } from './signing-keys/signing-keys.ts';
import { cacheControl, issuerOf, offersOAuth, publishedDocuments } from './composition/documents.ts';
import { readGauges } from './composition/gauges.ts';
import { startHousekeeping } from './composition/housekeeping.ts';
import { providerRules, upstreamSettings } from './composition/provider-rules.ts';
import { loginMethods } from './composition/login-methods.ts';
import { loginOffer } from './composition/login-offer.ts';
import { idpDocumentStore } from './composition/idp-document-store.ts';
import { judgeReadiness } from './composition/readiness.ts';
import { ensureEncryptionKey } from './config/encryption-key.ts';
import type { Config } from './config/schema.ts';
import { homeserverOf } from './homeserver/choose.ts';
import { createApp, type GatehouseApp, type PageRoute } from './http/app.ts';
import { createCsrf } from './http/csrf.ts';
import type { Handler } from './http/exchange.ts';
import { createFloodGuard } from './http/flood-guard.ts';
import { createOperationsApp, type Readiness } from './http/operations.ts';
import { createRateLimiter } from './http/rate-limit.ts';
import { startServer } from './http/server.ts';
import type { PublishedMetadata } from './metadata/published-metadata.ts';
import type { MatrixApiDeps } from './matrix-api/deps.ts';
import { hasLegacyLogin, type LoginMethods } from './matrix-api/login/methods.ts';
import { legacyLoginPurpose } from './matrix-api/login/sso-confirmation.ts';
import { ssoPages } from './matrix-api/login/sso-routes.ts';
import { matrixApiHandlers } from './matrix-api/routes.ts';
import { userInteractivePages, userInteractivePurpose } from './matrix-api/user-interactive/confirm.ts';
import { createEvents } from './observability/events.ts';
import { createLog, type Log, type LogOptions } from './observability/log.ts';
import { createMetrics, type Metrics } from './observability/metrics.ts';
import { type Clock, type Random, systemClock, systemRandom } from './protocol/clock.ts';
import { type AccessVerdict, findAccess } from './verification/own-token.ts';
import { type ChangeWatcher, watchChanges } from './storage/changes.ts';
import type { Database, DatabaseOptions } from './storage/engine/database.ts';
import { openDatabase } from './storage/engine/open-database.ts';
import { createSealer, deriveSubkey } from './storage/sealed.ts';
import { createProvider, type Provider } from './upstream/provider.ts';

const DAY = 86_400_000;
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
  /** As of {@link Gatehouse}. */
  readonly broken: Promise<Error>;
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
  /** Resolves when the disk has failed to store something: nothing can be acknowledged any more until the process is started anew. */
  readonly broken: Promise<Error>;
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
  const broken = Promise.withResolvers<Error>();
  const onDiskFailure = broken.resolve;
  const db = await openDatabase(databaseOptions(config, { clock, random, log, onDiskFailure }));
  opened.defer(() => db.close());

  const providers = config.providers.map((settings) =>
    createProvider({
      settings: upstreamSettings(settings),
      clock,
      random,
      log,
      documents: idpDocumentStore(db),
    }),
  );
  for (const provider of providers) {
    opened.defer(() => provider.close());
    provider.start();
  }

  const changes = watchChanges({ database: db, log });
  opened.defer(() => {
    changes.close();
  });
  const deps = await composeDeps({ config, clock, random, log, metrics, db, key, providers, changes });
  const published = publishedDocuments(config, deps);
  const { router, listener } = await composeApp(options, deps, published);
  opened.defer(startHousekeeping(deps, { signingKeyDays: config.signing_keys.rotate_after_days }));
  readGauges(deps);

  const held = opened.move();
  return {
    router,
    listener,
    verify: (accessToken) => findAccess(deps, accessToken),
    readiness: () => judgeReadiness(db, providers, published),
    metrics,
    log,
    broken: broken.promise,
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
  const { broken } = gatehouse;
  return {
    url: server.address,
    operationsUrl: operationsServer.address,
    broken,
    close: () => held.disposeAsync(),
  };
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
  readonly changes: ChangeWatcher;
}

async function composeDeps(parts: Parts): Promise<AuthorizationServerDeps> {
  const { config, clock, random, log, metrics, db, key, providers, changes } = parts;
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
    purposes: {
      authorization: authorizationPurpose({ db, issuer: config.public_url }),
      device_grant: deviceGrantPurpose({ issuer: config.public_url }),
      account: accountPurpose({ issuer: config.public_url }),
      legacy_login: legacyLoginPurpose({ db, issuer: config.public_url }),
      user_interactive: userInteractivePurpose({ issuer: config.public_url }),
    },
    providerRules: providerRules(config.providers),
    homeserver: homeserverOf(config.homeserver.kind),
    homeserverSecret: secret === undefined ? undefined : Buffer.from(secret),
    policy: {
      accessTokenTtl: config.sessions.access_token_ttl_seconds * 1000,
      refreshReuseGrace: config.sessions.refresh_reuse_grace_seconds * 1000,
      idleExpiry: config.sessions.idle_expiry_days * DAY,
      absoluteExpiry: config.sessions.absolute_expiry_days * DAY,
    },
    staticClients: readStaticClients(config.clients),
    registration: {
      mode: config.registration.mode,
      allowedHosts: config.registration.allowed_hosts,
      omittedAuthMethod: config.registration.omitted_auth_method,
      clientsCap: config.registration.clients_cap,
    },
    deviceGrants: {
      perAddress: config.limits.device_grants_per_address,
      waitingCap: config.limits.device_grants,
      userCodeKey: deriveSubkey(key, 'user codes'),
    },
    sessionLimits: {
      perUser: config.sessions.limits.per_user,
      perClient: config.sessions.limits.per_client,
    },
    derivationKey: createSecretKey(deriveSubkey(key, 'refresh successors')),
    signInGuard: createFloodGuard({
      name: 'sign_ins_per_address',
      what: 'signing in',
      perAddress: config.limits.sign_ins_per_address,
      total: config.limits.sign_ins,
      clock,
      metrics,
    }),
    csrf: createCsrf({ key: deriveSubkey(key, 'csrf tokens'), publicUrl: config.public_url }),
    sealer,
    signingKeys: await openSigningKeys({ db, sealer, clock, changes }),
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
  const nameClient = clientNaming(deps);
  const matrix = { ...deps, nameClient, homeserverUrl: config.homeserver.public_url };
  const login = loginMethods(config, deps);
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
        handlers: matrixApiHandlers(
          { ...matrix, login },
          {
            published,
            knowsTokens: config.mode === 'facade',
            hasAccountPage: hasAccountPage(config, login),
            loginOffer: loginOffer(config, login),
            wellKnown: {
              homeserverUrl: config.homeserver.public_url,
              issuer: config.oauth_api ? issuerOf(config) : undefined,
              cacheControl: cacheControl(config.metadata),
            },
          },
        ),
      },
      {
        file: 'authorization-server.yaml',
        dialect: 'oauth',
        handlers: offersOAuth(config)
          ? authorizationServerHandlers(deps, { metadata, registrationLimit })
          : absentAuthorizationServerHandlers(metadata, hasLegacyLogin(login) ? deps : undefined),
      },
    ],
    pages: pagesOf(config, matrix, login),
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

/** People come here wherever there are sessions of ours, whichever API began them. */
function hasAccountPage(config: Config, login: LoginMethods): boolean {
  return offersOAuth(config) || hasLegacyLogin(login);
}

function pagesOf(
  config: Config,
  deps: AuthorizationServerDeps & MatrixApiDeps,
  login: LoginMethods,
): PageRoute[] {
  const { login_token_ttl_seconds: ttl, trusted_redirects: trustedRedirects } = config.legacy_login;
  if (!hasAccountPage(config, login)) return [];
  return [
    restartPage(deps),
    ...(offersOAuth(config) ? authorizationPages(deps) : []),
    ...(login.sso ? ssoPages({ ...deps, loginTokenTtl: ttl * 1000, trustedRedirects }) : []),
    ...accountPages(deps),
    ...userInteractivePages(deps),
  ];
}

function databaseOptions(
  { database }: Config,
  shared: Pick<DatabaseOptions, 'clock' | 'random' | 'log' | 'onDiskFailure'>,
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
