/** Rules for the URLs of the configuration. All return the broken rule as text, or `undefined`. */

/** Hosts that never leave this machine: the only ones for which `http:` needs no explicit allowance. */
function isLoopbackHost(hostname: string): boolean {
  const host = hostname.toLowerCase();
  if (host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || host === '::1') return true;
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** Whether the URL is `http:` to a host that is not loopback. Texts that are no URL are not judged here. */
export function isPlainHttpAbroad(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.protocol === 'http:' && !isLoopbackHost(url.hostname);
}

/** A URL that something can be asked at: absolute, http or https, no user name, no fragment. */
export function webUrlFault(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text)) return 'must be an absolute URL that begins with https:// (or http://)';
  if (/\s/.test(text)) return 'must not contain spaces or line breaks';
  const url = URL.parse(text);
  if (url === null) return 'must be a valid URL';
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or a password';
  if (text.includes('#')) return 'must not contain a fragment (#)';
  return undefined;
}

/** As {@link webUrlFault}, without a query: what an issuer or a base URL may be (RFC 8414 section 2). */
export function baseUrlFault(text: string): string | undefined {
  return webUrlFault(text) ?? (text.includes('?') ? 'must not contain a query (?)' : undefined);
}

/**
 * A base URL of our own, which is compared byte for byte by everybody who reads it: as {@link baseUrlFault}, and written as every
 * URL parser would write it again, with plain path segments.
 */
export function ownUrlFault(text: string): string | undefined {
  const fault = baseUrlFault(text);
  if (fault !== undefined) return fault;
  const url = new URL(text);
  if (!/^(\/[A-Za-z0-9._~-]+)*\/?$/.test(url.pathname)) {
    return 'must have a path of plain segments (letters, digits and . _ ~ -)';
  }
  if (url.href !== text && url.href !== `${text}/`) return `must be written in its normal form, ${url.href}`;
  return undefined;
}

/** The URL without what could be a secret in it: for messages. */
export function withoutSecrets(text: string): string {
  return text.replace(/\/\/[^/?#]*@/, '//…@').replace(/[?#].*$/s, (rest) => `${rest.charAt(0)}…`);
}
