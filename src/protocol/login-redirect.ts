/**
 * Where a legacy client wants its login token sent: the `redirectUrl` of `/login/sso/redirect` (client-server API, "SSO client login"). Nothing is
 * registered beforehand, so any client may name any URL: what can never be an app is refused here, and a person confirms the rest.
 */

import { appSchemeFault } from './app-scheme.ts';

/** The longest, in characters. */
const LIMIT = 4096;

/** Controls; browsers drop some of them, and then it is another URL. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

const SCHEME = /^([a-z][a-z0-9+.-]*):/i;

/** What stands between `//` and the path, as apps write it: for the web, a browser would also take `https:host` and `https:\\host`. */
const AUTHORITY = /^[^:/?#]+:\/\/([^/?#]*)/;

/** Host and port; nothing that one reader would encode and another end the host at. */
const HOST = /^[A-Za-z0-9.\-_~%[\]:]*$/;

/**
 * Why a login token cannot be sent to this URL; `undefined` if it can. It is absolute, of http or https with a host and without user information, or
 * of the own scheme of an app (`element://connect`, `im.fluffychat://login`; see `appSchemeFault`).
 */
export function loginRedirectFault(text: string): string | undefined {
  if (text.length > LIMIT) return `is longer than ${LIMIT} characters`;
  if (!text.isWellFormed() || CONTROL.test(text)) return 'has control characters';
  if (text !== text.trim()) return 'begins or ends with a space';
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  const url = URL.parse(text);
  if (scheme === undefined || url === null) return 'is not an absolute URL';
  const isWeb = scheme === 'https' || scheme === 'http';
  const foreign = isWeb ? undefined : appSchemeFault(scheme);
  if (foreign !== undefined) return foreign;
  if (url.username !== '' || url.password !== '') return 'must hold no user information';
  const host = AUTHORITY.exec(text)?.[1] ?? '';
  if (!HOST.test(host) || (isWeb && host === '')) return 'must name a host, in ASCII';
  return undefined;
}

/**
 * The URL with the login token in its query. What stood there as `loginToken` is gone; everything else stays byte for byte, except for characters that no
 * URL may have, which are percent-encoded.
 */
export function withLoginToken(redirectUrl: string, loginToken: string): string {
  const [, rest = '', fragment = ''] = /^([^#]*)(#.*)?$/s.exec(redirectUrl) ?? [];
  const [, base = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(rest) ?? [];
  const kept = query.split('&').filter((parameter) => !isLoginToken(parameter));
  if (kept.at(-1) === '') kept.pop();
  const parameters = [...kept, `loginToken=${encodeURIComponent(loginToken)}`];
  return encodeForbidden(`${base}?${parameters.join('&')}${fragment}`);
}

/** The name decides, in whatever spelling a client would read it. */
function isLoginToken(parameter: string): boolean {
  return new URLSearchParams(parameter).has('loginToken');
}

function encodeForbidden(text: string): string {
  return text.replace(/[^\x21\x23-\x3b\x3d\x3f-\x7e]+/g, encodeURIComponent);
}

/** Why no redirect URL could be trusted by this entry of the operator's list; `undefined` if one could. */
export function trustedRedirectFault(entry: string): string | undefined {
  if (/[?#]/.test(entry)) return 'must have neither query nor fragment';
  return loginRedirectFault(entry);
}

/**
 * Whether the operator's list has the URL: the same scheme, host and port, and the path of an entry or one below it, by whole segments. An encoded
 * slash or backslash in the path makes it unknown, as servers disagree on where that leads.
 */
export function isTrustedRedirect(redirectUrl: string, trusted: readonly string[]): boolean {
  const url = URL.parse(redirectUrl);
  if (url === null || loginRedirectFault(redirectUrl) !== undefined) return false;
  if (/%2f|%5c|\\/i.test(url.pathname)) return false;
  return trusted.some((entry) => {
    const other = new URL(entry);
    return (
      url.protocol === other.protocol && url.host === other.host && isBelow(url.pathname, other.pathname)
    );
  });
}

function isBelow(path: string, parent: string): boolean {
  return path === parent || path.startsWith(parent.endsWith('/') ? parent : `${parent}/`);
}
