/**
 * Our cookies: `HttpOnly`, `SameSite=Lax`, for the whole host. If the public URL is https, `__Host-` and `Secure`; on loopback http a browser would refuse
 * both. Names begin with `gatehouse`, because ports of a host share a jar.
 */
import { stringifySetCookie } from 'cookie';
import type { Random } from '../protocol/clock.ts';
import { isWellFormedSecret, issueSecret } from '../protocol/token-format.ts';
import type { ApiRequest } from './exchange.ts';

/** The name on the wire of one of our cookies. `name`: letters, digits, `-` and `_`. */
export function cookieName(publicUrl: string, name: string): string {
  return `${isSecure(publicUrl) ? '__Host-' : ''}gatehouse-${name}`;
}

/** A `Set-Cookie` value. Without `maxAgeSeconds` the cookie lasts as long as the browser runs. */
export function setCookie(
  publicUrl: string,
  name: string,
  value: string,
  { maxAgeSeconds }: { readonly maxAgeSeconds?: number } = {},
): string {
  return stringifySetCookie({
    name: cookieName(publicUrl, name),
    value,
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    secure: isSecure(publicUrl),
    ...(maxAgeSeconds === undefined ? {} : { maxAge: Math.floor(maxAgeSeconds) }),
  });
}

/** A `Set-Cookie` value that makes the browser forget the cookie. */
export function clearCookie(publicUrl: string, name: string): string {
  return setCookie(publicUrl, name, '', { maxAgeSeconds: 0 });
}

/** The value of one of our cookies; `undefined` if the browser did not send it. */
export function readCookie(
  publicUrl: string,
  request: Pick<ApiRequest, 'cookies'>,
  name: string,
): string | undefined {
  return request.cookies[cookieName(publicUrl, name)];
}

/** All values of one of our cookies, as they came: a browser may have several of one name, for several paths or domains. */
export function readCookies(publicUrl: string, request: Pick<ApiRequest, 'headers'>, name: string): string[] {
  const prefix = `${cookieName(publicUrl, name)}=`;
  return (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(prefix))
    .map((pair) => pair.slice(prefix.length));
}

/** The secret of a browser that nobody is signed in at, to which a form is bound. It lasts as long as the browser runs. */
export function readBrowserSecret(
  publicUrl: string,
  request: Pick<ApiRequest, 'cookies'>,
  name: string,
): string | undefined {
  const secret = readCookie(publicUrl, request, name);
  return secret !== undefined && isWellFormedSecret('browserSecret', secret) ? secret : undefined;
}

/** As {@link readBrowserSecret}; a browser that has none gets one, by the headers. */
export function ensureBrowserSecret(
  deps: { readonly issuer: string; readonly random: Random },
  request: Pick<ApiRequest, 'cookies'>,
  name: string,
): { readonly secret: string; readonly headers: Readonly<Record<string, string>> } {
  const known = readBrowserSecret(deps.issuer, request, name);
  if (known !== undefined) return { secret: known, headers: {} };
  const secret = issueSecret('browserSecret', deps.random);
  return { secret, headers: { 'set-cookie': setCookie(deps.issuer, name, secret) } };
}

/** The public URL decides, never the request: it may have come through a proxy. */
function isSecure(publicUrl: string): boolean {
  return publicUrl.startsWith('https:');
}
