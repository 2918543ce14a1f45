/** Redirect URIs: what may be registered (Matrix specification, "Redirect URI validation"; RFC 8252), and what matches at authorization. */
import { appSchemeFault } from '../protocol/app-scheme.ts';
import { isHostOrSubdomain } from './client-hosts.ts';

/** A host name as WHATWG URL gives it. `*` would look as if any host below it matched. */
const HOST_NAME = /^[a-z0-9_.-]+$/;

const LOOPBACK = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?(?=[/?]|$)/;

/** The longest redirect URI. */
const LIMIT = 2048;

/** Printable ASCII without space, `"`, `<`, `>`, `\`, `^`, backtick, `{`, `|`, `}`: what RFC 3986 allows. */
const URI_CHARACTERS = /^[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/;

export interface RedirectRules {
  readonly applicationType: 'web' | 'native';
  /** The client's `client_uri`. */
  readonly clientUri: URL;
}

/** Why a redirect URI cannot be registered; `undefined` if it can. */
export function redirectUriFault(uri: string, rules: RedirectRules): string | undefined {
  if (uri.length > LIMIT) return `is longer than ${LIMIT} characters`;
  if (!URI_CHARACTERS.test(uri)) return 'has a character that RFC 3986 does not allow';
  if (!URL.canParse(uri)) return 'is not an absolute URI';
  if (uri.includes('#')) return 'must have no fragment';
  const url = new URL(uri);
  if (url.protocol === 'https:') return httpsFault(url, rules.clientUri);
  if (rules.applicationType === 'web') return 'of a web client must be https';
  if (url.protocol === 'http:') return loopbackFault(uri);
  return privateSchemeFault(uri, url, rules.clientUri);
}

function httpsFault(url: URL, clientUri: URL): string | undefined {
  if (url.username !== '' || url.password !== '') return 'must hold no user information';
  if (!HOST_NAME.test(url.hostname)) return 'must name one host, in letters, digits, hyphens and dots';
  if (isLoopbackHost(url.hostname)) return 'must not be https on a loopback host';
  if (!isHostOrSubdomain(url.hostname, clientUri.hostname)) {
    return 'must be on the host of client_uri or a subdomain of it';
  }
  return undefined;
}

function loopbackFault(uri: string): string | undefined {
  const match = LOOPBACK.exec(uri);
  if (match === null) return 'over http must be on localhost, 127.0.0.1 or [::1]';
  return isPort(match[1]) ? undefined : 'on a loopback host must have a port from 1 to 65535, or none';
}

/** RFC 8252 section 7.1 as the Matrix specification narrows it: a scheme that begins with the reversed host of client_uri, and no authority. */
function privateSchemeFault(uri: string, url: URL, clientUri: URL): string | undefined {
  const scheme = url.protocol.slice(0, -1);
  const reversed = clientUri.hostname.split('.').reverse().join('.');
  if (scheme !== reversed && !scheme.startsWith(`${reversed}.`)) {
    return 'must be https, http on a loopback host, or have a scheme that begins with the reversed host of client_uri';
  }
  if (uri.slice(scheme.length + 1).startsWith('//'))
    return 'with a private-use scheme must have no authority';
  return appSchemeFault(scheme);
}

function isLoopbackHost(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    /^127\.\d+\.\d+\.\d+$/.test(host) ||
    host === '[::1]'
  );
}

/**
 * Whether a redirect URI of an authorization request is one of the registered ones: byte for byte (RFC 9700 section 2.1), except that a native
 * client may be on any port of its loopback address (RFC 8252 section 7.3), also if it has registered one.
 */
export function matchesRegistered(
  uri: string,
  registered: readonly string[],
  applicationType: string,
): boolean {
  if (registered.includes(uri)) return true;
  const loopback = LOOPBACK.exec(uri);
  if (applicationType !== 'native' || loopback === null || !isPort(loopback[1])) return false;
  return registered.some((known) => LOOPBACK.test(known) && withoutPort(known) === withoutPort(uri));
}

/** Of a loopback `:port`; none is the usual one. */
function isPort(port: string | undefined): boolean {
  if (port === undefined) return true;
  const number = Number(port.slice(1));
  return number >= 1 && number <= 65535;
}

function withoutPort(uri: string): string {
  return uri.replace(LOOPBACK, (origin, port: string | undefined) =>
    port === undefined ? origin : origin.slice(0, -port.length),
  );
}

/** Appends the parameters of an authorization response to a redirect URI, the rest of which stays byte for byte. */
export function authorizationResponseUrl(
  redirect: { redirectUri: string; responseMode: 'query' | 'fragment' },
  parameters: Readonly<Record<string, string | null | undefined>>,
): string {
  const encoded = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value != null) encoded.append(name, value);
  const { redirectUri } = redirect;
  if (redirect.responseMode === 'fragment') return `${redirectUri}#${encoded.toString()}`;
  const separator = redirectUri.includes('?') ? (/[?&]$/.test(redirectUri) ? '' : '&') : '?';
  return redirectUri + separator + encoded.toString();
}
