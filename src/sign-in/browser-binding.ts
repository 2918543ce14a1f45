/**
 * The binding of a sign-in to the browser that began it: a cookie of its own for each, so that several tabs work. The cookie
 * holds a secret of which the sign-in has the hash.
 */
import { timingSafeEqual } from 'node:crypto';
import { clearCookie, cookieName, readCookie, setCookie } from '../http/cookies.ts';
import type { ApiRequest } from '../http/exchange.ts';
import { hashSecret } from '../protocol/token-format.ts';
import type { SignIn } from '../storage/records/sign-ins.ts';

/** How many sign-ins a browser can have under way; the oldest gives way. */
const TABS = 10;
const PREFIX = 'tx_';

/** `Set-Cookie` values that bind this browser to the request for `lifetime` milliseconds. */
export function bindBrowser(
  issuer: string,
  binding: { request: ApiRequest; id: string; browserSecret: string; lifetime: number },
): string[] {
  const { request, id, browserSecret, lifetime } = binding;
  return [
    setCookie(issuer, PREFIX + id, browserSecret, { maxAgeSeconds: lifetime / 1000 }),
    ...crowdedOut(issuer, request, id).map((name) => clearCookie(issuer, name)),
  ];
}

/** Whether this browser began the request. */
export function isBoundBrowser(issuer: string, request: ApiRequest, signIn: SignIn): boolean {
  const secret = browserSecretOf(issuer, request, signIn.id);
  if (secret === undefined) return false;
  return timingSafeEqual(Buffer.from(hashSecret(secret)), Buffer.from(signIn.browser_hash));
}

/** The secret that this browser holds for the request. */
export function browserSecretOf(issuer: string, request: ApiRequest, id: string): string | undefined {
  return readCookie(issuer, request, PREFIX + id);
}

/** `Set-Cookie` value that forgets the request. */
export function releaseBrowser(issuer: string, id: string): string {
  return clearCookie(issuer, PREFIX + id);
}

/** Request ids sort by age. */
function crowdedOut(issuer: string, request: ApiRequest, id: string): string[] {
  const full = cookieName(issuer, PREFIX);
  const others = Object.keys(request.cookies).filter((name) => name.startsWith(full) && name !== full + id);
  return others
    .sort()
    .slice(0, Math.max(0, others.length - TABS + 1))
    .map((name) => PREFIX + name.slice(full.length));
}
