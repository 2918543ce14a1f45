/**
 * Something that we depend on cannot answer now: the database, the IdP, the homeserver, or we are overloaded.
 * On the wire it is always 503 with `Retry-After`, never a 4xx ("unavailable is 503", docs/session-model.md): a client that sees a
 * 4xx on refresh logs its user out.
 */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
  /** Whole seconds after which a retry makes sense; at least 1. */
  readonly retryAfterSeconds: number;
  /** What is unavailable, for the log and the page. Generic words only. */
  readonly what: string;
  /** Waiting does not cure it: somebody has to correct something. On the wire it is no different; a page does not say "try again". */
  readonly isLasting: boolean;

  constructor(
    what: string,
    options: { cause?: unknown; retryAfterSeconds?: number; isLasting?: boolean } = {},
  ) {
    super(`${what} is unavailable`, options.cause === undefined ? undefined : { cause: options.cause });
    this.what = what;
    this.isLasting = options.isLasting ?? false;
    this.retryAfterSeconds = Math.max(1, Math.ceil(options.retryAfterSeconds ?? 2));
  }
}
