/** The URL of an issuer's metadata: OpenID Connect Discovery appends, RFC 8414 §3.1 inserts before the path. */
export function discoveryUrl(issuer: string, method: 'oidc' | 'oauth2'): string {
  const url = new URL(issuer);
  const path = url.pathname.replace(/\/$/, '');
  url.pathname =
    method === 'oidc'
      ? `${path}/.well-known/openid-configuration`
      : `/.well-known/oauth-authorization-server${path}`;
  return url.href;
}
