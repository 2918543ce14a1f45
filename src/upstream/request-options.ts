import * as oauth from 'oauth4webapi';

/** A `fetch` as the client library calls it. */
type LibraryFetch = NonNullable<oauth.TokenEndpointRequestOptions[typeof oauth.customFetch]>;

/**
 * Options of every request that the client library makes: by our own way out. The library's rule that all must be https is off, because
 * `outbound.ts` decides what may be http, and it knows the operator's allowances.
 */
export function requestOptions(fetch: LibraryFetch): oauth.TokenEndpointRequestOptions {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the library marks it so that nobody uses it by habit; see above
  return { [oauth.allowInsecureRequests]: true, [oauth.customFetch]: fetch };
}
