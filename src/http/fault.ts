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

/** A name out of a request as it may be told and logged: `…` where it is not a plain short word, because a secret may stand there. */
export function tellableName(name: string): string {
  return /^[A-Za-z0-9_.:#[\]-]{1,40}$/.test(name) ? name : '…';
}
