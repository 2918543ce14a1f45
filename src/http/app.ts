/**
 * The HTTP face of the service: routes by the OpenAPI documents and the pages, through Express. Operations that are marked hot are found by an
 * exact-match look-up in front of Express and performed by the same code, so both ways answer the same.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import express from 'express';
import type { ErrorRequestHandler, Router } from 'express';
import type { Log } from '../observability/log.ts';
import { createRequestLog } from '../observability/request-log.ts';
import type { Metrics } from '../observability/metrics.ts';
import { systemRandom } from '../protocol/clock.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import { createClientAddress } from './client-ip.ts';
import type { ApiDocument, Dialect, Handler } from './exchange.ts';
import { RequestFault, tellablePath } from './fault.ts';
import { loadOperations } from './openapi.ts';
import type { Operation } from './openapi.ts';
import { basePathOf, compareTemplates, dialectOf, expressPath, servedPaths } from './paths.ts';
import { perform } from './perform.ts';
import type { Surroundings } from './perform.ts';
import type { Exchange } from './request.ts';
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

export interface AppOptions {
  /** The issuer; its path is where the routes live. */
  readonly publicUrl: string;
  readonly documents: readonly ApiDocument[];
  readonly pages: readonly PageRoute[];
  /** Folder of the documents. */
  readonly openapiDir: string;
  /** Addresses and CIDR ranges whose `X-Forwarded-For` counts. */
  readonly trustedProxies: readonly string[];
  /** The largest request body. Default 64 KiB. */
  readonly bodyLimitBytes?: number;
  /** How long a request body may take. Default 10 s. */
  readonly bodyTimeoutMs?: number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** For request ids. Default: the system's. */
  readonly random?: Random;
  /** Answers that do not fit the document become 500 and an error in the log. For tests. Default false. */
  readonly validateResponses?: boolean;
  /** Whether hot operations are answered before Express. Default true. */
  readonly hotPaths?: boolean;
}

export interface GatehouseApp {
  /** For a server of our own: answers every request. */
  readonly listener: RequestListener;
  /** For someone else's Express app, mounted at its root, before body parsers: passes on what is not ours. */
  readonly router: Router;
}

/** The operations of one path, by method. */
interface Place {
  readonly operations: Map<string, Operation>;
  /** Answers every method that the path does not have. */
  readonly otherMethods: Operation;
  readonly options: Operation;
}

/** Loads and compiles the documents. Throws where a document and its handlers differ. */
export async function createApp(options: AppOptions): Promise<GatehouseApp> {
  const basePath = basePathOf(options.publicUrl);
  const surroundings = createSurroundings(options);
  const operations = await loadChecked(options);
  const places = createPlaces([
    ...operations.flatMap((operation) =>
      servedPaths(operation.path, operation.dialect, basePath).map((path) => ({
        path: expressPath(path),
        operation,
      })),
    ),
    ...options.pages.map((route) => ({ path: basePath + route.path, operation: pageOperation(route) })),
  ]);
  const operatorsOnly = options.documents.every(({ dialect }) => dialect === 'operations');
  const unmatched = createUnmatched((path) => (operatorsOnly ? 'operations' : dialectOf(path, basePath)));
  const router = createRouter(places, unmatched, surroundings);
  const cold = createColdListener(router, unmatched, surroundings);
  const hot = options.hotPaths === false ? new Map<string, Place>() : hotPlaces(places);
  const listener: RequestListener = (message, response) => {
    const place = hot.get(pathOf(message));
    const operation = place && operationFor(place, message.method);
    if (operation?.hot === true) perform(operation, message, response, surroundings);
    else cold(message, response);
  };
  return { listener, router };
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
    bounds: { limitBytes: bodyLimitBytes, timeoutMs: bodyTimeoutMs },
    addressOf: createClientAddress(trustedProxies),
    nextRequestId: () => `${boot}-${(++count).toString(36)}`,
  };
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
    ...plain,
    operationId,
    method,
    path,
    dialect: 'page',
    body: form === true ? 'form' : 'none',
    bodyRequired: form === true,
    handler,
  };
}

const plain = {
  cors: false,
  body: 'none',
  bodyRequired: false,
  hot: false,
  contentError: 'invalid_request',
  bareFailures: false,
} as const;

function createPlaces(routes: readonly { path: string; operation: Operation }[]): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const { path, operation } of [...routes].sort((a, b) => compareTemplates(a.path, b.path))) {
    const { dialect, cors, method } = operation;
    let place = places.get(path);
    if (place === undefined) {
      const methods = new Map<string, Operation>();
      place = { operations: methods, ...methodOperations(methods, dialect, cors) };
      places.set(path, place);
    }
    if (place.operations.has(method)) throw new Error(`${method} ${path} is there twice`);
    place.operations.set(method, operation);
  }
  return places;
}

/** What a path answers to OPTIONS and to the methods that it does not have. */
function methodOperations(
  operations: ReadonlyMap<string, Operation>,
  dialect: Dialect,
  cors: boolean,
): Pick<Place, 'otherMethods' | 'options'> {
  const allow = (): string => {
    const methods = [...operations.keys()];
    return [...methods, ...(operations.has('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  };
  const shared = { ...plain, path: '', dialect, cors };
  return {
    options: {
      ...shared,
      operationId: 'preflight',
      method: 'OPTIONS',
      handler: () => ({ status: 204, headers: { allow: allow() } }),
    },
    otherMethods: {
      ...shared,
      operationId: 'unmatched',
      method: '*',
      handler: () => {
        throw new RequestFault('method', 405, 'M_UNRECOGNIZED', 'this path does not have this method', {
          headers: { allow: allow() },
        });
      },
    },
  };
}

function operationFor(place: Place, method: string | undefined): Operation {
  const wanted = method === 'HEAD' ? 'GET' : (method ?? '');
  return place.operations.get(wanted) ?? (method === 'OPTIONS' ? place.options : place.otherMethods);
}

function hotPlaces(places: ReadonlyMap<string, Place>): Map<string, Place> {
  const isHot = ({ operations }: Place): boolean => [...operations.values()].some(({ hot }) => hot);
  return new Map(
    [...places]
      .filter(([, place]) => isHot(place))
      .map(([path, place]) => [path.replaceAll('\\', ''), place]),
  );
}

function createRouter(
  places: ReadonlyMap<string, Place>,
  unmatched: (message: IncomingMessage) => Operation,
  surroundings: Surroundings,
): Router {
  const router = express.Router({ strict: true, caseSensitive: true });
  for (const [path, place] of places) {
    router.all(path, (message, response) => {
      const params = message.params as Readonly<Record<string, string>>;
      perform(operationFor(place, message.method), message, response, surroundings, params);
    });
  }
  // Four parameters: that is how Express knows an error handler. The one error that it has for us is a path parameter that cannot be decoded.
  const onError: ErrorRequestHandler = (error: unknown, message, response, next) => {
    if (error instanceof URIError)
      perform(unmatched(message), message, response, surroundings, undefined, undecodable());
    else next(error);
  };
  router.use(onError);
  return router;
}

function undecodable(): RequestFault {
  return new RequestFault('path', 400, 'M_INVALID_PARAM', 'the path is not percent-encoded UTF-8');
}

/** Express for everything that is not hot; its own answers, 404 and error pages, never appear. */
function createColdListener(
  router: Router,
  unmatched: (message: IncomingMessage) => Operation,
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
    perform(unmatched(message), message, response, surroundings);
  });
  const onError: ErrorRequestHandler = (error: Error, message, response, _next) => {
    perform(unmatched(message), message, response, surroundings, undefined, error);
  };
  app.use(onError);
  return app;
}

function createUnmatched(speech: (path: string) => Dialect): (message: IncomingMessage) => Operation {
  const make = (dialect: Dialect): Operation => ({
    ...plain,
    operationId: 'unmatched',
    method: '*',
    path: '',
    dialect,
    cors: dialect === 'oauth' || dialect === 'matrix',
    handler: (request) => {
      const reason = `there is nothing at ${tellablePath(pathOf((request as Exchange).message))}`;
      throw new RequestFault('path', 404, 'M_UNRECOGNIZED', 'there is nothing at this path', { reason });
    },
  });
  const preflight = (operation: Operation): Operation => ({
    ...operation,
    operationId: 'preflight',
    method: 'OPTIONS',
    handler: () => ({ status: 204 }),
  });
  const operations = {
    matrix: make('matrix'),
    oauth: make('oauth'),
    page: make('page'),
    operations: make('operations'),
  };
  const preflights = { matrix: preflight(operations.matrix), oauth: preflight(operations.oauth) };
  return (message) => {
    const dialect = speech(pathOf(message));
    if (message.method === 'OPTIONS' && (dialect === 'matrix' || dialect === 'oauth'))
      return preflights[dialect];
    return operations[dialect];
  };
}

/** The path of the request target as it came, not decoded. */
function pathOf({ url = '' }: IncomingMessage): string {
  const at = url.indexOf('?');
  return at === -1 ? url : url.slice(0, at);
}
