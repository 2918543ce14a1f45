/** Why a login that came back from the IdP is not accepted. */
export type RefusalKind =
  /** The person or the IdP said no (`access_denied` and similar codes). */
  | 'denied'
  /** `prompt=none` could not be satisfied. */
  | 'login_required'
  /** The IdP refused our authorization request for another reason: usually a fault of the configuration. */
  | 'authorization_error'
  /** The callback is not an answer to this request: state, `iss`, duplicated or missing parameters. */
  | 'callback'
  /** The token endpoint refused the code: replayed, expired, injected. */
  | 'code'
  /** The token endpoint refused us as a client: wrong secret or method. */
  | 'client'
  /** The token endpoint's answer is not one. */
  | 'token_response'
  /** The ID token fails a check: signature, issuer, audience, nonce, times, hashes. */
  | 'id_token'
  /** The subject is missing, empty, of the wrong type or too long. */
  | 'subject'
  /** The token of back-channel logout fails a check. */
  | 'logout_token'
  /** Userinfo was refused, is malformed or speaks of somebody else. */
  | 'userinfo';

/**
 * The IdP, or what it answered, says no. `reason` is exact and for the log only: it holds no token, code or secret, but may
 * quote the IdP's error text, so it never goes to the wire. Pages say something generic by `kind`.
 */
export class UpstreamRefusal extends Error {
  override readonly name = 'UpstreamRefusal';
  readonly kind: RefusalKind;
  readonly reason: string;
  /** The IdP's own `error` code if it sent one (printable ASCII, at most 100 characters): for the log. */
  readonly idpError: string | undefined;

  constructor(kind: RefusalKind, reason: string, options: { idpError?: string | undefined } = {}) {
    super(`${kind}: ${reason}`);
    this.kind = kind;
    this.reason = reason;
    this.idpError = options.idpError;
  }
}

/** Text of a stranger made fit for one log line: printable ASCII, at most `limit` characters. */
export function quoteForLog(text: string, limit = 200): string {
  const printable = text.replace(/[^\x20-\x7e]/g, '?');
  return printable.length > limit ? `${printable.slice(0, limit)}…` : printable;
}
