/** Rules for URLs in the configuration. Each returns the broken rule as text, or `undefined`. */

/** Hosts on this machine: the only ones for which `http:` need not be allowed explicitly. */
function isLoopbackHost(hostname: string): boolean {
  const host = hostname.toLowerCase();
  if (host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || host === '::1') return true;
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** Whether the URL is `http:` to a host that is not loopback. Texts that are not URLs are not checked here. */
export function isPlainHttpAbroad(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.protocol === 'http:' && !isLoopbackHost(url.hostname);
}

/** A URL that requests can be sent to: absolute, http or https, without user name and fragment. */
export function webUrlFault(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text)) return 'must be an absolute URL that begins with https:// (or http://)';
  if (/\s/.test(text)) return 'must not contain spaces or line breaks';
  const url = URL.parse(text);
  if (url === null) return 'must be a valid URL';
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or a password';
  if (text.includes('#')) return 'must not contain a fragment (#)';
  return undefined;
}

/** Like {@link webUrlFault}, without a query: for an issuer or a base URL (RFC 8414 section 2). */
export function baseUrlFault(text: string): string | undefined {
  return webUrlFault(text) ?? (text.includes('?') ? 'must not contain a query (?)' : undefined);
}

/**
 * A base URL of this service, which its readers compare byte for byte: like {@link baseUrlFault}, in the normal form of URL parsers, with plain path segments.
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

/** The URL without parts that could be secret, for messages. */
export function withoutSecrets(text: string): string {
  return text.replace(/\/\/[^/?#]*@/, '//…@').replace(/[?#].*$/s, (rest) => `${rest.charAt(0)}…`);
}
