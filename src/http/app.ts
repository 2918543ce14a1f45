/**
 * The HTTP face of the service: routes by the OpenAPI documents and the pages, through Express. Operations that are marked hot are found by an
 * exact-match look-up in front of Express and performed by the same code, so both ways answer the same.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import express from 'express';
import type { ErrorRequestHandler, Router } from 'express';
import type { Log } from '../observability/log.ts';
import { createRequestLog } from '../observability/request-log.ts';
import type { Metrics } from '../observability/metrics.ts';
import { systemRandom } from '../protocol/clock.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import { createAdmission } from './admission.ts';
import { createClientAddress } from './client-ip.ts';
import type { ApiDocument, Handler } from './exchange.ts';
import { RequestFault } from './fault.ts';
import { loadOperations } from './openapi.ts';
import type { Operation } from './openapi.ts';
import { basePathOf, dialectOf, expressPath, pathOf, servedPaths } from './paths.ts';
import { perform, shed } from './perform.ts';
import type { Surroundings } from './perform.ts';
import { createPlaces, hotPlaces, operationFor, undocumented } from './places.ts';
import type { RoutePlace } from './places.ts';
import { createUnmatched } from './unmatched.ts';
import type { Unmatched } from './unmatched.ts';
import { createChecks } from './validation.ts';

/** An HTML route: no OpenAPI, the same kind of handler. Errors are pages. */
export interface PageRoute {
  readonly method: 'GET' | 'POST';
  /** In the syntax of Express 5, below the path of the public URL: `/consent/:id`. */
  readonly path: string;
  readonly operationId: string;
  readonly handler: Handler;
  /** Whether a POST takes a form; without it the body is not read. */
  readonly form?: true;
}

/** `Strict-Transport-Security`: `http.hsts` of the configuration. */
export interface Hsts {
  /** 0: none. */
  readonly max_age_seconds: number;
  readonly include_subdomains: boolean;
}

export interface AppOptions {
  /** The issuer; its path is where the routes live. */
  readonly publicUrl: string;
  readonly documents: readonly ApiDocument[];
  readonly pages: readonly PageRoute[];
  /** Answers the public URL itself, on a server of our own: in somebody else's app that place is theirs. */
  readonly home?: Handler;
  /** Folder of the documents. */
  readonly openapiDir: string;
  /** Addresses and CIDR ranges whose `X-Forwarded-For` counts. */
  readonly trustedProxies: readonly string[];
  /** The largest request body. Default 64 KiB. */
  readonly bodyLimitBytes?: number;
  /** How long a request body may take. Default 10 s. */
  readonly bodyTimeoutMs?: number;
  /** How many requests may be under way at once. Default 2048. */
  readonly requestsInFlight?: number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** For request ids. Default: the system's. */
  readonly random?: Random;
  /** Answers that do not fit the document become 500 and an error in the log. For tests. Default false. */
  readonly validateResponses?: boolean;
  /** Counts only if the public URL is https. Default: none. */
  readonly hsts?: Hsts;
  /** Whether hot operations are answered before Express. Default true. */
  readonly hotPaths?: boolean;
}

export interface GatehouseApp {
  /** For a server of our own: answers every request. */
  readonly listener: RequestListener;
  /** For someone else's Express app, mounted at its root, before body parsers: passes on what is not ours. */
  readonly router: Router;
}

/** Loads and compiles the documents. Throws if a document and its handlers differ. */
export async function createApp(options: AppOptions): Promise<GatehouseApp> {
  const basePath = basePathOf(options.publicUrl);
  const surroundings = createSurroundings(options);
  const operations = await loadChecked(options);
  const places = createPlaces([
    ...operations.flatMap((operation) =>
      [operation.path, ...operation.also]
        .flatMap((path) => servedPaths(path, operation.dialect, basePath))
        .map((path) => ({ path: expressPath(path, operation.rest), operation })),
    ),
    ...options.pages.map((route) => ({ path: basePath + route.path, operation: pageOperation(route) })),
  ]);
  const operatorsOnly = options.documents.every(({ dialect }) => dialect === 'operations');
  const { home } = options;
  const unmatched = createUnmatched(
    (path) => (operatorsOnly ? 'operations' : dialectOf(path, basePath)),
    home && { basePath, handler: home },
  );
  const router = createRouter(places, unmatched, surroundings);
  const cold = createColdListener(router, unmatched, surroundings);
  const hot = options.hotPaths === false ? new Map<string, RoutePlace>() : hotPlaces(places);
  // Known without a route, as finding one costs more than the refusal.
  const lasts = new Set(
    [...places].filter(([, place]) => isShedLast(place)).map(([path]) => path.replaceAll('\\', '')),
  );
  // What is refused last has words of its own for it.
  const mayCome = (socket: Socket, path: string): boolean =>
    surroundings.admission.hasRoom(socket, lasts.has(path)) || (lasts.has(path) && !socket.destroyed);
  const listener: RequestListener = (message, response) => {
    const path = pathOf(message.url);
    const place = hot.get(path);
    const operation = place && operationFor(place, message.method);
    if (operation?.hot === true) perform(operation, message, response, surroundings);
    else if (mayCome(message.socket, path)) cold(message, response);
    else shed(unmatched(message).operation, response, surroundings);
  };
  return { listener, router };
}

function isShedLast({ operations }: RoutePlace): boolean {
  return [...operations.values()].some(({ shedLast }) => shedLast);
}

function createSurroundings(options: AppOptions): Surroundings {
  const { clock, log, metrics, trustedProxies, bodyLimitBytes = 65_536, bodyTimeoutMs = 10_000 } = options;
  const boot = (options.random ?? systemRandom)(4).toString('hex');
  let count = 0;
  return {
    clock,
    log,
    logRequest: createRequestLog(log),
    metrics,
    admission: createAdmission(clock, { inFlight: options.requestsInFlight ?? 2048 }),
    bounds: { limitBytes: bodyLimitBytes, timeoutMs: bodyTimeoutMs },
    addressOf: createClientAddress(trustedProxies),
    nextRequestId: () => `${boot}-${++count}`,
    home: options.publicUrl,
    everywhere: hstsHeader(options),
  };
}

/** RFC 6797 section 7: on every answer over https, on none over http. */
function hstsHeader({ publicUrl, hsts }: Pick<AppOptions, 'publicUrl' | 'hsts'>): string[] {
  if (hsts === undefined || hsts.max_age_seconds === 0 || !publicUrl.startsWith('https:')) return [];
  const subdomains = hsts.include_subdomains ? '; includeSubDomains' : '';
  return ['strict-transport-security', `max-age=${String(hsts.max_age_seconds)}${subdomains}`];
}

async function loadChecked(options: AppOptions): Promise<Operation[]> {
  const operations = loadOperations(options.openapiDir, options.documents);
  const checks = await createChecks(operations, options.validateResponses ?? false);
  return operations.map((operation) => {
    const found = checks.get(operation.operationId);
    return found === undefined ? operation : { ...operation, checks: found };
  });
}

function pageOperation({ method, path, operationId, handler, form }: PageRoute): Operation {
  return {
    ...undocumented,
    operationId,
    method,
    path,
    dialect: 'page',
    body: form === true ? 'form' : 'none',
    bodyRequired: form === true,
    handler,
    ...(handler.before && { before: handler.before }),
  };
}

function createRouter(
  places: ReadonlyMap<string, RoutePlace>,
  unmatched: (message: IncomingMessage) => Unmatched,
  surroundings: Surroundings,
): Router {
  const router = express.Router({ strict: true, caseSensitive: true });
  for (const [path, place] of places) {
    router.all(path, (message, response) => {
      const params = joinedParams(message.params);
      perform(operationFor(place, message.method), message, response, surroundings, params);
    });
  }
  // Four parameters: that is how Express knows an error handler. The one error that it has for us is a path parameter that cannot be decoded.
  const onError: ErrorRequestHandler = (error: unknown, message, response, next) => {
    const { operation } = unmatched(message);
    if (error instanceof URIError)
      perform(operation, message, response, surroundings, undefined, undecodable());
    else next(error);
  };
  router.use(onError);
  return router;
}

/** What takes the rest of a path comes as its segments. */
function joinedParams(params: Readonly<Record<string, string | string[]>>): Readonly<Record<string, string>> {
  const values = Object.entries(params);
  if (values.every(([, value]) => typeof value === 'string'))
    return params as Readonly<Record<string, string>>;
  return Object.fromEntries(
    values.map(([name, value]) => [name, typeof value === 'string' ? value : value.join('/')]),
  );
}

function undecodable(): RequestFault {
  return new RequestFault('path', 400, 'M_INVALID_PARAM', 'the path is not percent-encoded UTF-8');
}

/** Express for everything that is not hot; its own answers, 404 and error pages, never appear. */
function createColdListener(
  router: Router,
  unmatched: (message: IncomingMessage) => Unmatched,
  surroundings: Surroundings,
): RequestListener {
  const app = express();
  app
    .disable('x-powered-by')
    .disable('etag')
    .disable('query parser')
    .enable('strict routing')
    .enable('case sensitive routing');
  app.use(router);
  app.use((message, response) => {
    const { operation, fault } = unmatched(message);
    perform(operation, message, response, surroundings, undefined, fault);
  });
  const onError: ErrorRequestHandler = (error: Error, message, response, _next) => {
    perform(unmatched(message).operation, message, response, surroundings, undefined, error);
  };
  app.use(onError);
  return app;
}
