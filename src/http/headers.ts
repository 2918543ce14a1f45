/** Response headers that guard an answer, by its kind. Written by hand, because helmet's defaults break forms, loopback http and window.opener here. */
import { createHash } from 'node:crypto';

/** On every answer: what it says it is, is what it is. */
const everywhere = { 'x-content-type-options': 'nosniff' } as const;

export interface PagePolicy {
  /** The text of the page's one `<style>` element. */
  readonly style?: string;
  /**
   * The text of the page's one `<script>` element, which may ask this origin for more. Apps that show the page in a web view hear of it by frames whose
   * address begins with `js:`. Default: nothing runs.
   */
  readonly script?: string;
  /** `data`: pictures that are part of the page. Default: there are none. */
  readonly images?: 'data';
  /**
   * Where the page's forms may lead, redirects after the POST included. `self` (default): to this service only. `anywhere`: leaves
   * `form-action` out, for forms whose answer redirects to a client (browsers apply `form-action` to each hop).
   */
  readonly forms?: 'self' | 'anywhere';
}

/**
 * Headers of an HTML page: nothing is loaded, nothing runs but what was named, nobody frames it, nobody keeps it. `Referrer-Policy: same-origin`, because with
 * `no-referrer` forms are posted with `Origin: null`.
 */
export function pageHeaders(policy: PagePolicy = {}): Readonly<Record<string, string>> {
  const directives = [
    "default-src 'none'",
    policy.style === undefined ? undefined : `style-src '${cspHash(policy.style)}'`,
    policy.script === undefined
      ? undefined
      : `script-src '${cspHash(policy.script)}'; connect-src 'self'; frame-src js:`,
    policy.images === 'data' ? 'img-src data:' : undefined,
    policy.forms === 'anywhere' ? undefined : "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': directives.filter((directive) => directive !== undefined).join('; '),
    'referrer-policy': 'same-origin',
    'x-frame-options': 'DENY',
    'cache-control': 'no-store',
    ...everywhere,
  };
}

const hashes = new Map<string, string>();

function cspHash(text: string): string {
  let hash = hashes.get(text);
  if (hash === undefined) {
    hash = `sha256-${createHash('sha256').update(text).digest('base64')}`;
    // Styles and scripts are constants of the program; the bound guards against one that is not.
    if (hashes.size < 100) hashes.set(text, hash);
  }
  return hash;
}

/** A header value that Node sends: characters that it would refuse are percent-encoded in a URL, `?` elsewhere. Never CR or LF. */
export function headerValue(name: string, value: string): string {
  if (!/[^\t\x20-\x7e]/.test(value)) return value;
  const isUrl = name === 'location' || name === 'content-location';
  return value.toWellFormed().replace(/[^\t\x20-\x7e]+/g, (text) => (isUrl ? encodeURIComponent(text) : '?'));
}
