/**
 * The composition root: from a configuration to a running service. Which wing gets what stands in `composition/`; the order in which things are
 * opened and closed stands here.
 */
import type { RequestListener } from 'node:http';
import { fileURLToPath } from 'node:url';
import { composeApp } from './composition/app.ts';
import { publishedDocuments } from './composition/documents.ts';
import { layFoundation } from './composition/foundation.ts';
import { readGauges } from './composition/gauges.ts';
import { startHousekeeping } from './composition/housekeeping.ts';
import { judgeReadiness } from './composition/readiness.ts';
import { composeShared } from './composition/shared.ts';
import type { Config } from './config/schema.ts';
import type { GatehouseApp } from './http/app.ts';
import { createOperationsApp, type Readiness } from './http/operations.ts';
import { startServer } from './http/server.ts';
import { createLog, type Log, type LogOptions } from './observability/log.ts';
import type { Metrics } from './observability/metrics.ts';
import { type Clock, type Random, systemClock, systemRandom } from './protocol/clock.ts';
import { openSigningKeys } from './signing-keys/signing-keys.ts';
import { packageVersion } from './observability/version.ts';
import type { Verify } from './verification/access-verdict.ts';

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
  readonly log: Log;
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
  /** Whose access token this is: read from the database at each call, a first use is noted. An outage is a verdict. */
  readonly verify: Verify;
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
  const { config, clock = systemClock, random = systemRandom, validateResponses = false } = options;
  await using opened = new AsyncDisposableStack();
  const log = options.log ?? createLog(logOptions(config));
  const foundation = await layFoundation({ config, clock, random, log }, opened);
  const { db, providers, metrics, broken } = foundation;
  const signingKeys = await openSigningKeys(foundation);
  const shared = composeShared(foundation, signingKeys);
  const published = publishedDocuments(foundation, shared);
  const { router, listener } = await composeApp(foundation, shared, {
    published,
    signingKeys,
    openapiDir: OPENAPI_DIR,
    validateResponses,
  });
  opened.defer(startHousekeeping(foundation, shared));
  metrics.set('buildInfo', { version: packageVersion(), node: process.version, engine: db.engine }, 1);
  readGauges({ metrics, db, clock, providers });

  const held = opened.move();
  return {
    router,
    listener,
    verify: shared.verify,
    readiness: () => judgeReadiness(db, providers),
    metrics,
    log,
    broken,
    close: () => held.disposeAsync(),
  };
}

/** Starts the service with its two listeners. Throws as {@link createGatehouse}, and if an address is not available. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { config, clock = systemClock } = options;
  await using opened = new AsyncDisposableStack();
  const gatehouse = await createGatehouse(options);
  opened.defer(() => gatehouse.close());
  const { log, metrics, readiness } = gatehouse;
  const operations = await createOperationsApp({
    openapiDir: OPENAPI_DIR,
    host: config.operations,
    log,
    metrics,
    clock,
    readiness,
  });
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
    log,
    broken,
    close: () => held.disposeAsync(),
  };
}

function logOptions({ log }: Config): LogOptions {
  return { level: log.level, ...(log.format === 'auto' ? {} : { pretty: log.format === 'pretty' }) };
}
