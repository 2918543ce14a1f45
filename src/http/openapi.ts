/**
 * The OpenAPI documents as a route table: every operation has a handler and every handler an operation, or the service does not start.
 * Extensions of ours: `x-gatehouse-hot` (may be answered without Express), `x-gatehouse-browser` (a person's browser comes here: pages, no
 * CORS), `x-gatehouse-error` (the OAuth error code of a body that does not fit), `x-gatehouse-failures: bare` (no `error` on 5xx).
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import type { OAuthErrorCode } from '../protocol/oauth-error.ts';
import type { ApiDocument, Dialect, Handler } from './exchange.ts';

/** How an operation takes its request body. */
export type BodyKind = 'none' | 'json' | 'form';

/** What an operation needs checked of its request and its answer beyond what every request is checked for. */
export interface OperationChecks {
  /** Throws a `RequestFault` where the request does not fit the document. Absent where nothing could fail. */
  readonly request?: (parts: RequestParts) => Promise<void>;
  /** Throws where the answer does not fit the document. Present in tests. */
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
  /** As it goes on the wire; `undefined` where there is none. */
  readonly body: Buffer | undefined;
}

/** One operation, ready to be performed. */
export interface Operation {
  readonly operationId: string;
  /** Upper case. */
  readonly method: string;
  /** Path template of the document, `/a/{b}`. */
  readonly path: string;
  readonly dialect: Dialect;
  readonly cors: boolean;
  readonly body: BodyKind;
  readonly bodyRequired: boolean;
  readonly hot: boolean;
  readonly contentError: OAuthErrorCode;
  readonly bareFailures: boolean;
  readonly handler: Handler;
  readonly checks?: OperationChecks;
}

/** An operation with what the validator needs to know of it. */
export interface DocumentedOperation extends Operation {
  /** Declared parameters, references resolved. */
  readonly parameters: readonly Parameter[];
  /** Whether the document says nothing about the request that could be violated. */
  readonly unconstrained: boolean;
  readonly responses: Readonly<Record<string, DocumentedResponse>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Readonly<Record<string, unknown>>;
}

export interface DocumentedResponse {
  readonly content?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>;
}

type Json = Readonly<Record<string, unknown>>;

const METHODS = ['get', 'post', 'put', 'delete', 'patch'] as const;

/** Reads the documents; throws one error that lists every operation without a handler, handler without an operation, and other fault. */
export function loadOperations(
  openapiDir: string,
  documents: readonly ApiDocument[],
): ReadonlyMap<ApiDocument, readonly DocumentedOperation[]> {
  const faults: string[] = [];
  const seen = new Map<string, string>();
  const table = new Map<ApiDocument, readonly DocumentedOperation[]>();
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
    table.set(document, operations);
  }
  if (faults.length > 0)
    throw new Error(`the OpenAPI documents and the handlers differ:\n  ${faults.join('\n  ')}`);
  return table;
}

function operationsOf(file: string, document: ApiDocument, faults: string[]): DocumentedOperation[] {
  const source = createSource(file);
  const operations: DocumentedOperation[] = [];
  const complain = (text: string): void => void faults.push(`${document.file}: ${text}`);
  for (const [path, item] of Object.entries((source.root['paths'] ?? {}) as Record<string, Json>)) {
    for (const method of METHODS) {
      const raw = item[method] as Json | undefined;
      if (raw === undefined) continue;
      const operationId = raw['operationId'];
      if (typeof operationId !== 'string') {
        complain(`${method} ${path} has no operationId`);
        continue;
      }
      const handler = Object.hasOwn(document.handlers, operationId)
        ? document.handlers[operationId]
        : undefined;
      if (handler === undefined) complain(`operation ${operationId} has no handler`);
      const body = source.resolve(raw['requestBody']);
      const shared = (item['parameters'] ?? []) as readonly unknown[];
      const parameters = [...shared, ...((raw['parameters'] ?? []) as unknown[])].map(
        (parameter) => source.resolve(parameter) as unknown as Parameter,
      );
      const dialect = raw['x-gatehouse-browser'] === true ? 'page' : document.dialect;
      const bodyKind = kindOfBody(body, (text) => complain(`${operationId}: ${text}`));
      const unconstrained =
        parameters.every((parameter) => isLoose(parameter, dialect)) &&
        (bodyKind === 'none' || (bodyKind === 'form' && isLooseForm(body, source)));
      const hot = raw['x-gatehouse-hot'] === true;
      if (hot && (path.includes('{') || bodyKind === 'json' || !unconstrained)) {
        complain(
          `${operationId}: only a static path with a form of optional strings, or without a body, can be hot`,
        );
      }
      operations.push({
        operationId,
        method: method.toUpperCase(),
        path,
        dialect,
        cors: dialect === 'oauth' || dialect === 'matrix',
        body: bodyKind,
        bodyRequired: body['required'] === true,
        hot,
        contentError: (raw['x-gatehouse-error'] ?? 'invalid_request') as OAuthErrorCode,
        bareFailures: raw['x-gatehouse-failures'] === 'bare',
        handler: handler as unknown as Handler,
        parameters,
        unconstrained,
        responses: Object.fromEntries(
          Object.entries((raw['responses'] ?? {}) as Json).map(([status, response]) => [
            status,
            source.resolve(response),
          ]),
        ),
      });
    }
  }
  return operations;
}

function kindOfBody(body: Json, complain: (text: string) => void): BodyKind {
  const types = Object.keys(body['content'] ?? {});
  if (types.length === 0) return 'none';
  if (types.length === 1 && types[0] === 'application/json') return 'json';
  if (types.length === 1 && types[0] === 'application/x-www-form-urlencoded') return 'form';
  complain(
    `a request body is either application/json or application/x-www-form-urlencoded, not ${types.join(', ')}`,
  );
  return 'none';
}

/** Members of a schema that no value can violate. */
const HARMLESS = new Set(['type', 'description', 'title', 'example', 'examples', 'deprecated']);

function isLoose(parameter: Parameter, dialect: Dialect): boolean {
  if (parameter.in === 'path') return isString(parameter.schema);
  // In the Matrix dialect the validator refuses a declared parameter that is given twice; OAuth handlers have their own answers.
  if (parameter.in === 'query' && dialect === 'matrix') return false;
  return parameter.required !== true && isString(parameter.schema);
}

function isString(schema: Readonly<Record<string, unknown>> | undefined): boolean {
  return schema?.['type'] === 'string' && Object.keys(schema).every((member) => HARMLESS.has(member));
}

function isLooseForm(body: Json, source: Source): boolean {
  const content = (body['content'] as Json)['application/x-www-form-urlencoded'] as Json;
  const schema = source.resolve(content['schema']);
  const { properties, ...rest } = schema;
  return (
    Object.keys(rest).every((member) => HARMLESS.has(member)) &&
    Object.values((properties ?? {}) as Json).every((property) => isString(property as Json))
  );
}

interface Source {
  readonly root: Json;
  /** The object itself, or what its `$ref` leads to, through files. */
  resolve(node: unknown): Json;
}

function createSource(file: string): Source {
  const files = new Map<string, Json>();
  const load = (path: string): Json => {
    let root = files.get(path);
    if (root === undefined) {
      root = parse(readFileSync(path, 'utf8')) as Json;
      files.set(path, root);
    }
    return root;
  };
  const follow = (node: unknown, from: string): Json => {
    const reference = (node as Json | undefined)?.['$ref'];
    if (typeof reference !== 'string') return (node ?? {}) as Json;
    const [target = '', pointer = ''] = reference.split('#');
    const next = target === '' ? from : join(dirname(from), target);
    let found: unknown = load(next);
    for (const step of pointer.split('/').slice(1)) {
      found = (found as Json | undefined)?.[step.replaceAll('~1', '/').replaceAll('~0', '~')];
    }
    if (found === undefined) throw new Error(`${from}: ${reference} leads nowhere`);
    return follow(found, next);
  };
  return { root: load(file), resolve: (node) => follow(node, file) };
}
