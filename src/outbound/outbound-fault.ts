/** Why a request to the IdP brought nothing: exact for the log, without bodies, queries or secrets. */
export type OutboundFaultKind =
  | 'url'
  | 'address'
  | 'overload'
  | 'timeout'
  | 'dns'
  | 'connect'
  | 'proxy'
  | 'tls'
  | 'broken'
  | 'redirect'
  | 'too_large'
  | 'encoding'
  | 'content_type'
  | 'status'
  | 'closed';

/** A request to the IdP brought no usable answer. */
export class OutboundFault extends Error {
  override readonly name = 'OutboundFault';
  readonly kind: OutboundFaultKind;
  readonly status: number | undefined;
  /** What the answer's `Retry-After` says, in seconds. */
  readonly retryAfterSeconds: number | undefined;
  /** Asking again brings the same until somebody corrects it, here or there. */
  readonly isLasting: boolean;

  constructor(
    kind: OutboundFaultKind,
    message: string,
    options: {
      status?: number | undefined;
      retryAfterSeconds?: number | undefined;
      isLasting?: boolean | undefined;
    } = {},
  ) {
    super(message);
    this.kind = kind;
    this.status = options.status;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.isLasting = options.isLasting ?? isLasting(kind, options.status);
  }
}

const LASTING: ReadonlySet<OutboundFaultKind> = new Set([
  'url',
  'address',
  'tls',
  'redirect',
  'too_large',
  'encoding',
  'content_type',
]);

function isLasting(kind: OutboundFaultKind, status = 500): boolean {
  if (kind !== 'status') return LASTING.has(kind);
  return status < 500 && ![403, 408, 425, 429].includes(status);
}

/** A URL fit for logs: without credentials, query and fragment. */
export function plainUrl(url: URL): string {
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.origin + url.pathname : url.protocol;
}

/** Names the cause of whatever a request threw. */
export function faultOf(error: unknown, url: URL, timeoutMs: number, timedOut: boolean): OutboundFault {
  if (error instanceof OutboundFault) return error;
  const where = plainUrl(url);
  const code = codeOf(error);
  if (
    timedOut ||
    code === 'UND_ERR_CONNECT_TIMEOUT' ||
    code === 'UND_ERR_HEADERS_TIMEOUT' ||
    code === 'UND_ERR_BODY_TIMEOUT'
  ) {
    return new OutboundFault('timeout', `${where} did not answer completely within ${timeoutMs} ms`);
  }
  const inner = findFault(error);
  if (inner !== undefined) return inner;
  if (code === 'ENOTFOUND' || code.startsWith('EAI_')) {
    return new OutboundFault('dns', `${url.hostname} cannot be resolved (${code})`);
  }
  if (CONNECT_CODES.has(code)) return new OutboundFault('connect', `${where} cannot be reached (${code})`);
  if (/CERT|SIGNED|ALTNAME|^ERR_(SSL|TLS)|^UNABLE_TO|EPROTO|CRL/.test(code)) {
    return new OutboundFault('tls', `the TLS certificate or handshake of ${url.host} is refused (${code})`);
  }
  const detail = code === '' ? '' : ` (${code})`;
  return new OutboundFault('broken', `${where} broke off or answered what is not HTTP${detail}`);
}

const CONNECT_CODES = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'EACCES',
]);

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') return code;
  const cause = (error as { cause?: unknown } | null)?.cause;
  return cause === undefined || cause === null ? '' : codeOf(cause);
}

/** The fault that our own look-up or connector threw, wherever the client library put it. */
function findFault(error: unknown, depth = 0): OutboundFault | undefined {
  if (error instanceof OutboundFault) return error;
  if (typeof error !== 'object' || error === null || depth > 4) return undefined;
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  for (const each of [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : [])]) {
    const found = findFault(each, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
