import * as oauth from 'oauth4webapi';

/**
 * Options of every request that the client library makes: by our own way out. The library's rule that all must be https is off, because
 * `outbound.ts` decides what may be http, and it knows the operator's allowances.
 */
export function requestOptions<Fetch>(fetch: Fetch): { readonly [oauth.customFetch]: Fetch } {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the library marks it so that nobody uses it by habit; see above
  const anyScheme = { [oauth.allowInsecureRequests]: true };
  return { ...anyScheme, [oauth.customFetch]: fetch };
}
