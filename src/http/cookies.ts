/**
 * Cookies of ours: `HttpOnly`, `SameSite=Lax`, for the whole host. Over https `__Host-` and `Secure`; on loopback http a browser would refuse
 * both. Names begin with `gatehouse`, because ports of a host share a jar.
 */
import { stringifySetCookie } from 'cookie';
import type { ApiRequest } from './exchange.ts';

export interface CookieOptions {
  /** Whether the public URL is https. */
  readonly secure: boolean;
}

/** The name on the wire of a cookie of ours. `name`: letters, digits, `-` and `_`. */
export function cookieName(name: string, { secure }: CookieOptions): string {
  return `${secure ? '__Host-' : ''}gatehouse-${name}`;
}

/** A `Set-Cookie` value. Without `maxAgeSeconds` the cookie lasts as long as the browser runs. */
export function setCookie(
  name: string,
  value: string,
  options: CookieOptions & { readonly maxAgeSeconds?: number },
): string {
  return stringifySetCookie({
    name: cookieName(name, options),
    value,
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    secure: options.secure,
    ...(options.maxAgeSeconds === undefined ? {} : { maxAge: Math.floor(options.maxAgeSeconds) }),
  });
}

/** A `Set-Cookie` value that makes the browser forget the cookie. */
export function clearCookie(name: string, options: CookieOptions): string {
  return setCookie(name, '', { ...options, maxAgeSeconds: 0 });
}

/** The value of a cookie of ours; `undefined` where the browser did not send it. */
export function readCookie(
  request: Pick<ApiRequest, 'cookies'>,
  name: string,
  options: CookieOptions,
): string | undefined {
  return request.cookies[cookieName(name, options)];
}
