/** Refusals of the HTTP layer itself: the request could not be read, matched or validated. Each dialect has its own words for them. */
import type { MatrixErrorCode } from '../protocol/matrix-error.ts';

/** What is wrong with a request. `content`: well-formed, but against the document of the operation. */
export type FaultKind = 'transport' | 'path' | 'method' | 'body' | 'content' | 'rate';

export interface RequestFaultOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** What exactly happened, for the log; default: the text. No secrets, nothing of the body. */
  readonly reason?: string;
  /** Whether the connection is of no further use, because the rest of the body was not read. */
  readonly closes?: boolean;
}

/** `text` goes to the client, in every dialect: it names the place and the rule, never a value. */
export class RequestFault extends Error {
  override readonly name = 'RequestFault';
  readonly kind: FaultKind;
  readonly status: number;
  readonly errcode: MatrixErrorCode;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly reason: string;
  readonly closes: boolean;

  constructor(
    kind: FaultKind,
    status: number,
    errcode: MatrixErrorCode,
    text: string,
    options: RequestFaultOptions = {},
  ) {
    super(text);
    this.kind = kind;
    this.status = status;
    this.errcode = errcode;
    this.text = text;
    this.headers = options.headers ?? {};
    this.reason = options.reason ?? text;
    this.closes = options.closes ?? false;
  }
}

/** The client went away before the exchange was over: nobody is left to answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
  constructor() {
    super('the client closed the connection');
  }
}

/** The body did not arrive in time. Answered 503, because clients take any 4xx on a refresh as the end of the session. */
export class SlowBody extends Error {
  override readonly name = 'SlowBody';
  constructor() {
    super('the request body did not arrive in time');
  }
}

/** A path as it may be logged: what is not a short plain segment is `*`, because a secret may stand there; at most 6 segments. */
export function tellablePath(path: string): string {
  const segments = path.split('/', 8).slice(1);
  const told = segments
    .slice(0, 6)
    .map((segment) => (/^[A-Za-z0-9._~-]{0,24}$/.test(segment) ? segment : '*'));
  return `/${told.join('/')}${segments.length > 6 ? '/…' : ''}`;
}

/** A name out of a request as it may be told and logged: `…` if it is not a plain short word, because a secret may stand there. */
export function tellableName(name: string): string {
  return /^[A-Za-z0-9_.:#[\]-]{1,40}$/.test(name) ? name : '…';
}
