/**
 * The OpenAPI documents as a route table: every operation has a handler and every handler an operation, or the service does not start.
 * Our extensions: `x-gatehouse-hot` (may be answered without Express), `x-gatehouse-browser` (a person's browser comes here: pages), `x-gatehouse-error` (the OAuth error code of a body that does not fit), `x-gatehouse-failures: bare` (no `error` on 5xx), `x-gatehouse-judged-by: handler` (what the
 * document demands of the parameters is refused by the handler, in the words of its RFC, and never by the validator), `x-gatehouse-shed: last` (refused last when there is too much to do), and, on a
 * path, `x-gatehouse-also` (the paths of older versions of the API that it is served under as well) and `x-gatehouse-rest` (its last parameter takes the rest of the path, slashes
 * included).
 */
import { join } from 'node:path';
import type { OAuthErrorCode } from '../protocol/oauth-error.ts';
import { type ApiDocument, type Dialect, type Handler, type LimitRequest, speaksMatrix } from './exchange.ts';
import { HEADER_BYTES, TARGET_LIMIT, VALUE_LIMIT } from './longest.ts';
import { readDocument } from './openapi-document.ts';

/** How an operation takes its request body. */
export type BodyKind = 'none' | 'json' | 'form';

/** What an operation needs checked of its request and its answer beyond what every request is checked for. */
export interface OperationChecks {
  /** Throws a `RequestFault` if the request does not fit the document. Absent if nothing could fail. */
  readonly request?: (parts: RequestParts) => Promise<void>;
  /** Throws if the answer does not fit the document. Present in tests. */
  readonly response?: (answer: AnswerParts) => Promise<void>;
}

export interface RequestParts {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

export interface AnswerParts {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly contentType: string | undefined;
  /** As it goes on the wire; `undefined` if there is none. */
  readonly body: Buffer | undefined;
}

/** One operation, ready to be performed. */
export interface Operation {
  readonly operationId: string;
  /** Upper case. */
  readonly method: string;
  /** Path template of the document, `/a/{b}`. */
  readonly path: string;
  /** Whether its last parameter takes the rest of the path, slashes included. */
  readonly rest: boolean;
  /** Other templates with the same parameters that it is served under. */
  readonly also: readonly string[];
  readonly dialect: Dialect;
  readonly cors: boolean;
  readonly body: BodyKind;
  readonly bodyRequired: boolean;
  readonly hot: boolean;
  readonly contentError: OAuthErrorCode;
  readonly bareFailures: boolean;
  /** Whether it is refused last when there is too much to do: it ends or prolongs a session. */
  readonly shedLast: boolean;
  readonly handler: Handler;
  /** The limit that counts before the request is read. */
  readonly before?: LimitRequest;
  readonly checks?: OperationChecks;
}

/** An operation with what the validator needs to know of it. */
export interface DocumentedOperation extends Operation {
  /** The operation's object in the document, parameters of its path included, without references. */
  readonly documented: OperationObject;
  /** What the document says of its error codes: the operation's own description, and that of all operations. Empty if the operation has none. */
  readonly told: string;
  /** Whether the document says nothing about the request that could be violated, or leaves that to the handler. */
  readonly unconstrained: boolean;
}

/** What we read of an Operation Object of OpenAPI 3.1. */
export interface OperationObject {
  readonly operationId?: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
  };
  readonly responses?: Readonly<Record<string, DocumentedResponse>>;
  readonly 'x-gatehouse-browser'?: boolean;
  readonly 'x-gatehouse-error'?: OAuthErrorCode;
  readonly 'x-gatehouse-failures'?: 'bare';
  readonly 'x-gatehouse-hot'?: boolean;
  readonly 'x-gatehouse-judged-by'?: 'handler';
  readonly 'x-gatehouse-shed'?: 'last';
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}

export interface DocumentedResponse {
  readonly content?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>;
}

const METHODS = ['get', 'post', 'put', 'delete', 'patch'] as const;

type Schema = Readonly<Record<string, unknown>>;
type PathItem = { readonly [Key in (typeof METHODS)[number]]?: OperationObject } & {
  readonly parameters?: readonly Parameter[];
  readonly 'x-gatehouse-also'?: readonly string[];
  readonly 'x-gatehouse-rest'?: boolean;
};

/** Reads the documents; throws one error that lists every operation without a handler, handler without an operation, and other fault. */
export function loadOperations(openapiDir: string, documents: readonly ApiDocument[]): DocumentedOperation[] {
  const faults: string[] = [];
  const seen = new Map<string, string>();
  const all: DocumentedOperation[] = [];
  for (const document of documents) {
    const operations = operationsOf(join(openapiDir, document.file), document, faults);
    for (const { operationId } of operations) {
      const other = seen.get(operationId);
      if (other !== undefined)
        faults.push(`${document.file}: operationId ${operationId} is taken by ${other}`);
      seen.set(operationId, document.file);
    }
    for (const name of Object.keys(document.handlers)) {
      if (!operations.some(({ operationId }) => operationId === name)) {
        faults.push(`${document.file}: handler ${name} has no operation`);
      }
    }
    all.push(...operations);
  }
  if (faults.length > 0)
    throw new Error(`the OpenAPI documents and the handlers differ:\n  ${faults.join('\n  ')}`);
  return all;
}

function operationsOf(file: string, document: ApiDocument, faults: string[]): DocumentedOperation[] {
  const { paths = {}, info } = readDocument(file) as {
    paths?: Readonly<Record<string, PathItem>>;
    info?: { readonly description?: string };
  };
  const operations: DocumentedOperation[] = [];
  for (const [path, item] of Object.entries(paths)) {
    for (const method of METHODS) {
      const own = item[method];
      if (own === undefined) continue;
      const documented = { ...own, parameters: [...(item.parameters ?? []), ...(own.parameters ?? [])] };
      const complain = (text: string): void =>
        void faults.push(
          `${document.file}: operation ${documented.operationId ?? `${method} ${path}`} ${text}`,
        );
      const operation = createOperation(
        {
          method: method.toUpperCase(),
          path,
          rest: item['x-gatehouse-rest'] === true,
          also: item['x-gatehouse-also'] ?? [],
        },
        documented,
        document,
        complain,
      );
      const { description } = own;
      const told = description === undefined ? '' : `${description}\n${info?.description ?? ''}`;
      if (operation !== undefined) operations.push({ ...operation, told });
    }
  }
  return operations;
}

function createOperation(
  { method, path, rest, also }: Pick<Operation, 'method' | 'path' | 'rest' | 'also'>,
  documented: OperationObject,
  document: ApiDocument,
  complain: (text: string) => void,
): Omit<DocumentedOperation, 'told'> | undefined {
  const { operationId, parameters = [], requestBody = {} } = documented;
  if (operationId === undefined) {
    complain('has no operationId');
    return undefined;
  }
  const handler = Object.hasOwn(document.handlers, operationId) ? document.handlers[operationId] : undefined;
  if (handler === undefined) complain('has no handler');
  const browser = documented['x-gatehouse-browser'] === true;
  const dialect = browser ? pageDialect(document.dialect) : document.dialect;
  const body = kindOfBody(Object.keys(requestBody.content ?? {}), complain);
  const unconstrained =
    documented['x-gatehouse-judged-by'] === 'handler' ||
    (parameters.every((parameter) => isLoose(parameter, dialect)) &&
      (body === 'none' || (body === 'form' && isLooseForm(requestBody.content?.[FORM_TYPE]?.schema ?? {}))));
  const hot = documented['x-gatehouse-hot'] === true;
  if (hot && (path.includes('{') || !unconstrained)) {
    complain(
      'cannot be hot: only a static path that the validator has no say in can be, such as one with a form of optional strings',
    );
  }
  return {
    operationId,
    method,
    path,
    rest,
    also,
    dialect,
    cors: dialect === 'oauth' || speaksMatrix(dialect),
    body,
    bodyRequired: requestBody.required === true,
    hot,
    contentError: documented['x-gatehouse-error'] ?? 'invalid_request',
    bareFailures: documented['x-gatehouse-failures'] === 'bare',
    shedLast: documented['x-gatehouse-shed'] === 'last',
    handler: handler as unknown as Handler,
    ...(handler?.before && { before: handler.before }),
    documented,
    unconstrained,
  };
}

function pageDialect(dialect: Dialect): Dialect {
  return dialect === 'matrix' ? 'matrix-page' : 'page';
}

const FORM_TYPE = 'application/x-www-form-urlencoded';

function kindOfBody(types: readonly string[], complain: (text: string) => void): BodyKind {
  if (types.length === 0) return 'none';
  if (types.length === 1 && types[0] === 'application/json') return 'json';
  if (types.length === 1 && types[0] === FORM_TYPE) return 'form';
  complain(`has a request body that is neither application/json nor ${FORM_TYPE} alone`);
  return 'none';
}

/** Members of a schema that no value can violate. */
const HARMLESS = new Set(['type', 'description', 'title', 'example', 'examples', 'deprecated']);

/** What is longer never comes this far: the request's target, its fields and its header are bounded. */
const REACHED_LENGTH: Readonly<Record<string, number>> = {
  path: TARGET_LIMIT,
  query: TARGET_LIMIT,
  header: HEADER_BYTES,
  form: VALUE_LIMIT,
};

function isLoose(parameter: Parameter, dialect: Dialect): boolean {
  if (parameter.in === 'path') return isString(parameter.schema, 'path');
  // In the Matrix dialect the validator refuses a declared parameter that is given twice; OAuth handlers have their own answers.
  if (parameter.in === 'query' && speaksMatrix(dialect)) return false;
  return parameter.required !== true && isString(parameter.schema, parameter.in);
}

function isString({ maxLength, ...schema }: Schema = {}, place: string): boolean {
  return (
    schema['type'] === 'string' &&
    Object.keys(schema).every((member) => HARMLESS.has(member)) &&
    (maxLength === undefined || Number(maxLength) >= (REACHED_LENGTH[place] ?? Infinity))
  );
}

function isLooseForm({ properties = {}, ...rest }: Schema): boolean {
  return (
    Object.keys(rest).every((member) => HARMLESS.has(member)) &&
    Object.values(properties as Readonly<Record<string, Schema>>).every((schema) => isString(schema, 'form'))
  );
}
