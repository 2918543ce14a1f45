/** Error codes of RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 7591 §3.2.2, RFC 8628 §3.5, RFC 9126 and OpenID Connect Core §3.1.2.6. */
export type OAuthErrorCode =
  | 'access_denied'
  | 'authorization_pending'
  | 'expired_token'
  | 'insufficient_scope'
  | 'interaction_required'
  | 'invalid_client'
  | 'invalid_client_metadata'
  | 'invalid_grant'
  | 'invalid_redirect_uri'
  | 'invalid_request'
  | 'invalid_request_uri'
  | 'invalid_scope'
  | 'invalid_software_statement'
  | 'invalid_token'
  | 'login_required'
  | 'registration_not_supported'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'server_error'
  | 'slow_down'
  | 'temporarily_unavailable'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type';

export interface OAuthErrorOptions {
  /** HTTP status; 400 unless the RFC names another (401 for `invalid_client` and `invalid_token`, 403 for `insufficient_scope`). */
  readonly status?: number;
  /** Extra response headers, for instance `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the body. None is about a person: some servers take any answer that names one for a good one. */
  readonly members?: Readonly<Record<string, string>>;
  /** What exactly happened: for the log only, never for the wire. Must hold no secret. */
  readonly reason?: string;
  readonly cause?: unknown;
}

const defaultStatus: Partial<Record<OAuthErrorCode, number>> = {
  invalid_client: 401,
  invalid_token: 401,
  insufficient_scope: 403,
};

/** The longest `error_description` that is ever sent. */
const DESCRIPTION_LIMIT = 300;

/**
 * A refusal that the OAuth wire names. `description` goes to the client: it names the parameter and the
 * rule; whatever the caller put in it, only the characters of RFC 6749 §5.2 (printable ASCII without `"` and `\`)
 * survive, at most 300 of them.
 */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly code: OAuthErrorCode;
  readonly description: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, string>>;
  readonly reason: string;

  constructor(code: OAuthErrorCode, description: string, options: OAuthErrorOptions = {}) {
    super(`${code}: ${description}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.description = toDescription(description);
    this.status = options.status ?? defaultStatus[code] ?? 400;
    this.headers = options.headers ?? {};
    this.members = options.members ?? {};
    this.reason = options.reason ?? this.description;
  }

  toJSON(): { error: OAuthErrorCode; error_description: string } {
    return { error: this.code, error_description: this.description };
  }
}

/** Reduces text to what RFC 6749 §5.2 allows in `error_description`. */
export function toDescription(text: string): string {
  return text
    .replaceAll('"', "'")
    .replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
    .slice(0, DESCRIPTION_LIMIT);
}
