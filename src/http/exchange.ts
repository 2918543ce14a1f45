/**
 * What a handler sees of a request and what it answers: no Express, no sockets. `http/app.ts` turns these into HTTP, through
 * Express and the OpenAPI validator, or straight from the exact-match look-up for the hot routes.
 */
import type { ClientId, InternalUserId, SessionId } from '../protocol/identifiers.ts';
import type { IncomingHttpHeaders } from 'node:http';
import type { Language } from '../texts/language.ts';

/** One request of an operation of an OpenAPI document. `Body` is the validated JSON body's type. */
export interface ApiRequest<Body = unknown> {
  readonly operationId: string;
  readonly method: string;
  /** Path parameters, percent-decoded once. */
  readonly params: Readonly<Record<string, string>>;
  /** The query as sent: duplicates are still there. */
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Cookies by name; the first of a name wins. */
  readonly cookies: Readonly<Record<string, string | undefined>>;
  /** JSON operations: the validated body. Form operations: `undefined`. */
  readonly body: Body;
  /** Form operations: the fields, strictly decoded, no name twice (refused before the handler). Others: empty. */
  readonly form: ReadonlyMap<string, string>;
  /** In which a person who looks at the answer is spoken to. */
  readonly language: Language;
  /** Names this request in the log; may be shown to a person as a reference. */
  readonly requestId: string;
  /** Address of the client, `X-Forwarded-For` taken into account only from trusted proxies. */
  readonly clientAddress: string;
  /** Adds members to this request's log line: ids only, never a secret. */
  annotate(members: RequestAnnotations): void;
}

/** What a handler may add to its request's log line. */
export interface RequestAnnotations {
  readonly clientId?: ClientId;
  readonly sessionId?: SessionId;
  readonly userId?: InternalUserId;
  /** Why the request was refused, in exact words, no secrets. */
  readonly reason?: string;
}

/** An answer. An object `body` is sent as JSON, a string as HTML unless `content-type` is given, a Buffer as it is; header names are lower case. */
export interface Reply<Body = unknown> {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: Body;
}

export type Handler<Body = unknown, Answer = unknown> = ((
  request: ApiRequest<Body>,
) => Reply<Answer> | Promise<Reply<Answer>>) & { readonly before?: LimitRequest };

/** Throws if a caller has asked too often. It sees nothing that would have to be read or judged first. */
export type LimitRequest = (request: Pick<ApiRequest, 'clientAddress'>) => void;

/** A handler with a limit that counts before a request's body is read, parsed or judged: a refusal must cost less than what it refuses. */
export function limitedBy<Limited extends Handler<never>>(
  limit: { take(address: string): void },
  handler: Limited,
): Limited & { readonly before: LimitRequest } {
  return Object.assign(handler, {
    before: ({ clientAddress }: Pick<ApiRequest, 'clientAddress'>) => {
      limit.take(clientAddress);
    },
  });
}

/**
 * In which dialect a mount answers its errors. `page`: HTML if `Accept` names text/html, else the JSON of OAuth. `matrix-page`: HTML likewise, else
 * the JSON of Matrix. `verification`: the JSON of OAuth, and nothing for browsers: a proxy asks, and any answer of 200 to 299 lets a request pass.
 */
export type Dialect = 'oauth' | 'matrix' | 'operations' | 'verification' | 'page' | 'matrix-page';

/** Whether it is one of the dialects below `/_matrix`. */
export function speaksMatrix(dialect: Dialect): boolean {
  return dialect === 'matrix' || dialect === 'matrix-page';
}

/** An OpenAPI document with its handlers, by operationId. */
export interface ApiDocument {
  /** File name under `openapi/`, for instance `matrix-client.yaml`. */
  readonly file: string;
  readonly dialect: Dialect;
  readonly handlers: Readonly<Record<string, Handler<never>>>;
}

/** `Cache-Control` and `Pragma` of answers that nobody may keep (RFC 6749 §5.1); on every refusal and every token answer. */
export const noStore = { 'cache-control': 'no-store', pragma: 'no-cache' } as const;
