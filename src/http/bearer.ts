/** The `Authorization` header of a request that carries a Bearer token (RFC 6750 section 2.1): the one place that reads it. */

/**
 * What the header holds. The scheme counts in any case, and one or more spaces follow it (RFC 9110 sections 11.1 and 11.4). A token may be any visible ASCII:
 * secrets that an operator chose need not be of the RFC's `b64token`, and a token that we did not issue is refused where it is looked up.
 */
export type Authorization =
  | { readonly kind: 'absent' }
  | { readonly kind: 'bearer'; readonly token: string }
  /** Another scheme, in lower case, or a Bearer header without exactly one token; an empty scheme if it has none. */
  | { readonly kind: 'other'; readonly scheme: string };

/** Reads the header. */
export function readAuthorization(headers: { readonly authorization?: string | undefined }): Authorization {
  const { authorization } = headers;
  if (authorization === undefined) return { kind: 'absent' };
  const token = /^bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1];
  if (token !== undefined) return { kind: 'bearer', token };
  return { kind: 'other', scheme: /^[a-z]+/i.exec(authorization)?.[0].toLowerCase() ?? '' };
}
