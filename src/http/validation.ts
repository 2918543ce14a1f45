/**
 * `express-openapi-validator` as a pure function of request and answer. It is given a stand-in request that holds the declared parameters and the
 * parsed body only, so its defaults cannot refuse what the RFCs allow (unknown parameters, reserved characters, a missing content type, HEAD,
 * form content types), nor change what the handler sees. Its search for the route, which compiles a pattern per route and request, runs once
 * per operation, at start.
 */
import { middleware } from 'express-openapi-validator';
import { speaksMatrix } from './exchange.ts';
import { RequestFault, tellableName } from './fault.ts';
import type { AnswerParts, DocumentedOperation, OperationChecks, RequestParts } from './openapi.ts';

type Next = (error?: unknown) => void;
type Middleware = (request: StandIn, response: StandInResponse, next: Next) => void;

/** What the validator reads of an Express request. */
interface StandIn {
  readonly method: string;
  readonly originalUrl: string;
  readonly url: string;
  readonly path: string;
  readonly baseUrl: string;
  readonly app: { enabled(setting: string): boolean; param(): void };
  readonly headers: Record<string, unknown>;
  readonly query: Record<string, unknown>;
  params: Readonly<Record<string, string>>;
  readonly body: unknown;
  openapi?: Route;
}

/** What the validator's search finds; the rest of it is its own affair. */
interface Route {
  readonly openApiRoute: string;
  readonly pathParams: Readonly<Record<string, string>>;
}

interface StandInResponse {
  statusCode: number;
  getHeaders(): Record<string, unknown>;
  json(body: unknown): unknown;
}

const app = { enabled: () => true, param: () => undefined };

const contentTypes = {
  none: undefined,
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
} as const;

/** The checks of each operation, compiled, by operationId. With `responses`, answers are checked too, and the documents themselves. */
export async function createChecks(
  operations: readonly DocumentedOperation[],
  responses: boolean,
): Promise<ReadonlyMap<string, OperationChecks>> {
  const checks = new Map<string, OperationChecks>();
  const checked = responses ? operations : operations.filter(({ unconstrained }) => !unconstrained);
  if (checked.length === 0) return checks;
  const chain = middleware({
    apiSpec: documentOf(checked),
    validateApiSpec: responses,
    validateRequests: { allowUnknownQueryParameters: true, coerceTypes: false, allErrors: false },
    validateResponses: responses ? { removeAdditional: false, coerceTypes: false } : false,
    validateSecurity: false,
    fileUploader: false,
    useRequestUrl: true,
  }) as unknown as Middleware[];
  const route = stage(chain, 'metadataMiddleware');
  const check = stage(chain, 'requestMiddleware');
  const checkAnswer = responses ? stage(chain, 'responseMiddleware') : undefined;
  // The stages before the search report a document that could not be loaded.
  const search = chain.slice(0, chain.indexOf(route) + 1);
  // All routes are found before anything is checked: checking changes the schemas that are found.
  const routes = new Map<string, Route>();
  for (const operation of checked) routes.set(operation.operationId, await findRoute(search, operation));
  for (const operation of checked) {
    const found = routes.get(operation.operationId) as Route;
    const request = operation.unconstrained ? undefined : createRequestCheck(operation, found, check);
    const response = checkAnswer && createAnswerCheck(operation, found, checkAnswer);
    // Compiles the schemas now: the first real request is as fast as the second.
    await request?.({ ...nothing }).catch(() => undefined);
    checks.set(operation.operationId, { ...(request && { request }), ...(response && { response }) });
  }
  return checks;
}

const nothing: RequestParts = { params: {}, query: new URLSearchParams(), headers: {}, body: undefined };

/** One document with these operations alone. */
function documentOf(operations: readonly DocumentedOperation[]): Parameters<typeof middleware>[0]['apiSpec'] {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { path, method, documented } of operations) {
    paths[path] = { ...paths[path], [method.toLowerCase()]: documented };
  }
  return { openapi: '3.1.0', info: { title: 'Gatehouse', version: '1' }, paths } as unknown as ReturnType<
    typeof documentOf
  >;
}

function stage(chain: readonly Middleware[], name: string): Middleware {
  const found = chain.find((candidate) => candidate.name === name);
  if (found === undefined)
    throw new Error(`express-openapi-validator has no ${name} any more: src/http/validation.ts must follow`);
  return found;
}

async function findRoute(search: readonly Middleware[], operation: DocumentedOperation): Promise<Route> {
  const request = standIn(operation, operation.path.replace(/\{[^}]+\}/g, 'x'), nothing);
  for (const middleware of search) {
    const fault = await run(middleware, request, standInResponse(200, {}));
    if (fault !== undefined)
      throw new Error(`${operation.operationId} cannot be validated`, { cause: fault });
  }
  if (request.openapi?.openApiRoute !== operation.path) {
    throw new Error(`${operation.path} is not found by the validator`);
  }
  return request.openapi;
}

function standIn(operation: DocumentedOperation, url: string, parts: RequestParts): StandIn {
  const contentType = contentTypes[operation.body];
  const headers: Record<string, unknown> = contentType === undefined ? {} : { 'content-type': contentType };
  const query: Record<string, unknown> = {};
  for (const parameter of operation.documented.parameters ?? []) {
    if (parameter.in === 'query') {
      const values = parts.query.getAll(parameter.name);
      const single = !speaksMatrix(operation.dialect) && parameter.schema?.['type'] !== 'array';
      if (values.length > 0) query[parameter.name] = values.length === 1 || single ? values[0] : values;
    } else if (parameter.in === 'header') {
      const name = parameter.name.toLowerCase();
      if (parts.headers[name] !== undefined) headers[name] = parts.headers[name];
    }
  }
  return {
    method: operation.method,
    originalUrl: url,
    url,
    path: url,
    baseUrl: '',
    app,
    headers,
    query,
    params: parts.params,
    body: parts.body,
  };
}

function standInResponse(statusCode: number, headers: Record<string, unknown>): StandInResponse {
  return { statusCode, getHeaders: () => headers, json: (body) => body };
}

function run(middleware: Middleware, request: StandIn, response: StandInResponse): Promise<unknown> {
  return new Promise((resolve) => {
    middleware(request, response, resolve);
  });
}

function createRequestCheck(
  operation: DocumentedOperation,
  route: Route,
  check: Middleware,
): (parts: RequestParts) => Promise<void> {
  return async (parts) => {
    const request = standIn(operation, operation.path, parts);
    request.openapi = { ...route, pathParams: parts.params };
    const fault = await run(check, request, standInResponse(200, {}));
    if (fault !== undefined) throw toFault(fault);
  };
}

/** One violation, as the validator tells it: `/body/name`. */
interface Violation {
  readonly path: string;
  readonly message: string;
  readonly errorCode?: string;
}

/** How many violations are told. */
const TOLD_VIOLATIONS = 3;

function toFault(fault: unknown): unknown {
  const { status, errors } = fault as { status?: number; errors?: readonly Violation[] };
  const [first] = errors ?? [];
  if (status !== 400 || errors === undefined || first === undefined) return fault;
  const text = errors.slice(0, TOLD_VIOLATIONS).map(describe).join('; ');
  const inBody = first.path.startsWith('/body');
  const missing = first.errorCode?.startsWith('required') === true;
  const code = inBody ? 'M_BAD_JSON' : missing ? 'M_MISSING_PARAM' : 'M_INVALID_PARAM';
  return new RequestFault('content', 400, code, text, { reason: `does not fit the document: ${text}` });
}

function describe({ path, message, errorCode }: Violation): string {
  const [, place = '', ...steps] = path.split('/');
  const name = steps.map(tellableName).join('.') || (place === 'body' ? 'the body' : place);
  return errorCode?.startsWith('required') === true ? `${name} is missing` : `${name} ${message}`;
}

function createAnswerCheck(
  operation: DocumentedOperation,
  route: Route,
  check: Middleware,
): (answer: AnswerParts) => Promise<void> {
  const { responses = {} } = operation.documented;
  return async ({ status, headers, contentType, body }) => {
    const complain = (text: string): never => {
      throw new Error(`the answer ${status} of ${operation.operationId} does not fit the document: ${text}`);
    };
    const documented =
      responses[status] ?? responses[`${Math.floor(status / 100)}XX`] ?? responses['default'];
    if (documented === undefined) return complain('the status is not documented');
    for (const [name, header] of Object.entries(documented.headers ?? {})) {
      if (header.required === true && headers[name.toLowerCase()] === undefined)
        complain(`the header ${name} is missing`);
    }
    const types = Object.keys(documented.content ?? {});
    if (body === undefined || body.length === 0)
      return types.length > 0 ? complain('it has no body') : undefined;
    const essence = contentType?.split(';')[0];
    if (essence === undefined || !types.includes(essence))
      return complain(`${essence ?? 'no content type'} is not documented`);
    if (essence !== 'application/json' || headers['content-encoding'] !== undefined) return undefined;
    let fault: unknown;
    const request = standIn(operation, operation.path, nothing);
    request.openapi = route;
    const response = standInResponse(status, { 'content-type': essence });
    await new Promise<void>((resolve) => {
      check(request, response, (error) => {
        fault ??= error;
        resolve();
      });
    });
    const json = JSON.parse(body.toString('utf8')) as unknown;
    response.json(json);
    if (fault !== undefined) complain(fault instanceof Error ? fault.message : 'unknown fault');
    const code = status < 400 ? undefined : codeOf(json);
    if (code !== undefined && !tellsOf(operation.told, status, code))
      complain(`the description does not say when it is ${code}`);
  };
}

/** The code of an error body, OAuth's or Matrix's. */
function codeOf(json: unknown): string | undefined {
  const { errcode, error } = json as { readonly errcode?: unknown; readonly error?: unknown };
  const code = errcode ?? error;
  return typeof code === 'string' ? code : undefined;
}

/** Whether one line says both, as a list of error codes has them. What is not described at all tells nothing of any. */
function tellsOf(told: string, status: number, code: string): boolean {
  if (told === '') return true;
  return told.split('\n').some((line) => line.includes(String(status)) && line.includes(`\`${code}\``));
}
