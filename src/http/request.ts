/** A request as handlers see it. What most handlers never ask for (query, cookies, address) is worked out when it is asked for. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { parseCookie } from 'cookie';
import type { Origin } from '../observability/origin.ts';
import { chooseLanguage, type Language } from '../texts/language.ts';
import type { ApiRequest, RequestAnnotations } from './exchange.ts';
import { RequestFault } from './fault.ts';
import { queryPairs } from './form-body.ts';
import { TARGET_LIMIT } from './longest.ts';
import type { Operation } from './openapi.ts';

const noFields: ReadonlyMap<string, string> = new Map();

/** The most header fields. */
const HEADER_LIMIT = 100;

/** A class for speed: getters on a prototype cost nothing per request. */
export class Exchange implements ApiRequest, Origin {
  readonly actor = 'person';
  readonly operation: Operation;
  readonly message: IncomingMessage;
  readonly params: Readonly<Record<string, string>>;
  readonly requestId: string;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  body: unknown = undefined;
  form: ReadonlyMap<string, string> = noFields;
  annotations: RequestAnnotations | undefined;
  readonly #addressOf: (message: IncomingMessage) => string;
  #query: URLSearchParams | undefined;
  #cookies: Readonly<Record<string, string | undefined>> | undefined;
  #address: string | undefined;

  constructor(
    operation: Operation,
    message: IncomingMessage,
    params: Readonly<Record<string, string>>,
    requestId: string,
    startedAt: number,
    addressOf: (message: IncomingMessage) => string,
  ) {
    this.operation = operation;
    this.message = message;
    this.params = params;
    this.requestId = requestId;
    this.startedAt = startedAt;
    this.#addressOf = addressOf;
  }

  annotate(members: RequestAnnotations): void {
    this.annotations = this.annotations === undefined ? members : { ...this.annotations, ...members };
  }

  get operationId(): string {
    return this.operation.operationId;
  }

  get method(): string {
    return this.message.method ?? 'GET';
  }

  get headers(): IncomingHttpHeaders {
    return this.message.headers;
  }

  /** Throws a `RequestFault` if the query is not percent-encoded UTF-8. */
  get query(): URLSearchParams {
    if (this.#query === undefined) {
      const { url = '' } = this.message;
      const at = url.indexOf('?');
      this.#query = at === -1 ? new URLSearchParams() : new URLSearchParams(queryPairs(url.slice(at + 1)));
    }
    return this.#query;
  }

  get cookies(): Readonly<Record<string, string | undefined>> {
    this.#cookies ??= parseCookie(this.message.headers.cookie ?? '');
    return this.#cookies;
  }

  get language(): Language {
    const { url = '', headers } = this.message;
    const at = url.indexOf('?');
    const uiLocales = at === -1 ? null : new URLSearchParams(url.slice(at)).get('ui_locales');
    return chooseLanguage({ uiLocales, acceptLanguage: headers['accept-language'] });
  }

  get clientAddress(): string {
    this.#address ??= this.#addressOf(this.message);
    return this.#address;
  }
}

/** Throws if the message itself cannot be trusted to mean one thing (RFC 9112 §3.2, §6.1; RFC 6750 §2: one set of credentials), or is too large. */
export function checkMessage(message: IncomingMessage): void {
  const { rawHeaders, url = '', httpVersionMajor } = message;
  if (httpVersionMajor !== 1 && httpVersionMajor !== 2) throw malformed('the HTTP version is not supported');
  if (url.length > TARGET_LIMIT)
    throw new RequestFault(
      'transport',
      414,
      'M_TOO_LARGE',
      `the URL is longer than ${TARGET_LIMIT} characters`,
    );
  if (rawHeaders.length > 2 * HEADER_LIMIT) {
    throw new RequestFault(
      'transport',
      431,
      'M_TOO_LARGE',
      `there are more than ${HEADER_LIMIT} header fields`,
    );
  }
  let hosts = 0;
  let credentials = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === 4) {
      if (name.toLowerCase() === 'host' && ++hosts > 1) throw malformed('there is more than one Host header');
    } else if (name.length === 13) {
      if (name.toLowerCase() === 'authorization' && ++credentials > 1)
        throw malformed('there is more than one Authorization header');
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      if (rawHeaders[at + 1]?.trim().toLowerCase() !== 'chunked')
        throw malformed('the transfer encoding is not supported');
    }
  }
}

/** Throws if a path parameter cannot name anything here. */
export function checkParams(params: Readonly<Record<string, string>>): void {
  for (const value of Object.values(params)) {
    if (value.includes('\0'))
      throw new RequestFault('transport', 400, 'M_INVALID_PARAM', 'the path has a NUL character');
  }
}

function malformed(text: string): RequestFault {
  return new RequestFault('transport', 400, 'M_UNKNOWN', text, { closes: true });
}
