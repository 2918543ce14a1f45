/** Error codes of the Matrix client-server API that this service sends. */
export type MatrixErrorCode =
  | 'M_APPSERVICE_LOGIN_UNSUPPORTED'
  | 'M_BAD_JSON'
  | 'M_FORBIDDEN'
  | 'M_INVALID_PARAM'
  | 'M_LIMIT_EXCEEDED'
  | 'M_MISSING_PARAM'
  | 'M_MISSING_TOKEN'
  | 'M_NOT_FOUND'
  | 'M_NOT_JSON'
  | 'M_TOO_LARGE'
  | 'M_UNAUTHORIZED'
  | 'M_UNKNOWN'
  | 'M_UNKNOWN_TOKEN'
  | 'M_UNRECOGNIZED'
  | 'M_USER_DEACTIVATED'
  | 'M_USER_LOCKED';

export interface MatrixErrorOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the body, for instance `soft_logout`. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** What exactly happened: for the log only. Must hold no secret. */
  readonly reason?: string;
  readonly cause?: unknown;
}

/** A refusal in the dialect of `/_matrix`: both `errcode` and `error` are always present (ruma needs both). */
export class MatrixError extends Error {
  override readonly name = 'MatrixError';
  readonly status: number;
  readonly errcode: MatrixErrorCode;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;
  readonly reason: string;

  constructor(status: number, errcode: MatrixErrorCode, text: string, options: MatrixErrorOptions = {}) {
    super(`${errcode}: ${text}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.errcode = errcode;
    this.text = text;
    this.headers = options.headers ?? {};
    this.members = options.members ?? {};
    this.reason = options.reason ?? text;
  }

  toJSON(): Record<string, unknown> {
    return { errcode: this.errcode, error: this.text, ...this.members };
  }
}
