/** The request that a proxy asks about, as it says it in `X-Forwarded-Method`, `X-Forwarded-Host` and `X-Forwarded-Uri`. */
import type { ApiRequest } from '../http/exchange.ts';

export interface OriginalRequest {
  /** In capitals. */
  readonly method: string;
  /** In lower case, without port; empty if the proxy did not say. */
  readonly host: string;
  /** Without dot segments, empty segments, parameters of segments and percent-encoding; undefined if the proxy did not say, or it can be read in two ways. */
  readonly path: string | undefined;
  readonly query: URLSearchParams;
}

/** What is not said is unknown, and no rule is taken to fit it. Each part is worked out when somebody asks for it. */
export function readOriginalRequest({
  headers,
  method,
}: Pick<ApiRequest, 'headers' | 'method'>): OriginalRequest {
  const uri = textOf(headers['x-forwarded-uri']);
  const at = uri.indexOf('?');
  return {
    get method() {
      return (textOf(headers['x-forwarded-method']) || method).toUpperCase();
    },
    get host() {
      return hostOf(textOf(headers['x-forwarded-host']) || textOf(headers.host));
    },
    get path() {
      return uri === '' ? undefined : plainPath(at === -1 ? uri : uri.slice(0, at));
    },
    get query() {
      return new URLSearchParams(at === -1 ? '' : uri.slice(at + 1));
    },
  };
}

/** If the proxy asks with the request's own method, host, path and query: headers that a client could have sent say nothing then. */
export function readPrefixedRequest(
  request: Pick<ApiRequest, 'headers' | 'method' | 'params' | 'query'>,
): OriginalRequest {
  return {
    method: request.method,
    host: hostOf(textOf(request.headers.host)),
    path: decodedPath(`/${request.params['original'] ?? ''}`),
    query: request.query,
  };
}

function textOf(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value.trim() : '';
}

function hostOf(value: string): string {
  return value.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
}

/**
 * The path as a server behind the proxy could read it at most: rules protect what is below a path, and `/public/../admin`, `//admin`, `/%61dmin` and
 * `/admin;x` may all be `/admin` to it. Undefined if two servers would read it differently: an encoded slash, a backslash, twice encoded.
 */
export function plainPath(path: string): string | undefined {
  if (!path.startsWith('/') || /%(2f|5c|00)|\\/i.test(path)) return undefined;
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  return decodedPath(decoded);
}

/** As `plainPath`, of a path that was decoded once. */
function decodedPath(decoded: string): string | undefined {
  if (/[\x00-\x1f\x7f\\]|%[0-9a-f]{2}/i.test(decoded)) return undefined;
  const segments: string[] = [];
  for (const segment of decoded.split('/')) {
    const name = segment.replace(/;.*$/s, '');
    if (name === '..') segments.pop();
    else if (name !== '' && name !== '.') segments.push(name);
  }
  return `/${segments.join('/')}`;
}
