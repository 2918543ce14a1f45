/** URLs under the issuer. The issuer is `public_url` byte for byte; it may have a path, and may or may not end in a slash. */

/** The URL of a route of ours: `path` has no leading slash, for instance `oauth2/token`. */
export function endpointUrl(issuer: string, path: string): string {
  return issuer.endsWith('/') ? issuer + path : `${issuer}/${path}`;
}

/** The path under which our routes live, without a trailing slash; empty where the issuer has none. */
export function issuerPath(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/+$/, '');
}
