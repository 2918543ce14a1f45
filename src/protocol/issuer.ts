/** URLs under the issuer. The issuer is `public_url` byte for byte; it may have a path, and may or may not end in a slash. */

/** The URL of one of our routes: `path` has no leading slash, for instance `oauth2/token`. */
export function endpointUrl(issuer: string, path: string): string {
  return issuer.endsWith('/') ? issuer + path : `${issuer}/${path}`;
}
