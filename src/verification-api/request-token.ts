import { parseCookie } from 'cookie';
import { readAuthorization } from '../http/bearer.ts';
import type { ApiRequest } from '../http/exchange.ts';
import type { OriginalRequest } from './original-request.ts';

export interface TokenSources {
  readonly from: readonly ('header' | 'query' | 'cookie')[];
  /** Name of the cookie. */
  readonly cookie: string;
}

export type RequestToken =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'ambiguous'; readonly reason: string };

/** The token of a request, from where it may come. More than one is none (RFC 6750 section 2). */
export function readRequestToken(
  { from, cookie }: TokenSources,
  request: Pick<ApiRequest, 'headers'>,
  original: OriginalRequest,
): RequestToken {
  const found: string[] = [];
  const authorization = readAuthorization(request.headers);
  if (authorization.kind === 'bearer') {
    if (from.includes('header')) found.push(authorization.token);
  } else if (authorization.kind === 'other' && authorization.scheme === 'bearer') {
    return { kind: 'ambiguous', reason: 'the Authorization header does not hold one Bearer token' };
  }
  if (from.includes('query')) found.push(...original.query.getAll('access_token'));
  if (from.includes('cookie')) {
    const value = parseCookie(request.headers.cookie ?? '')[cookie];
    if (value !== undefined && value !== '') found.push(value);
  }
  const [token, ...more] = found;
  if (token === undefined) return { kind: 'missing' };
  if (more.length > 0) return { kind: 'ambiguous', reason: 'there is more than one access token' };
  return token === '' ? { kind: 'ambiguous', reason: 'access_token is empty' } : { kind: 'token', token };
}
