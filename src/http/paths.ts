/** Where a document's paths are served: under the path of the public URL, some at the root as well. */
import { type Dialect, speaksMatrix } from './exchange.ts';

/** The path of the public URL without its last slash; empty if it has none. */
export function basePathOf(publicUrl: string): string {
  return new URL(publicUrl).pathname.replace(/\/+$/, '');
}

const INSERTED = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];

/**
 * All paths of an operation. Matrix routes are served at the root too, because clients look for them there. The issuer's documents are served
 * in suffix form (OpenID Connect Discovery §4) and, at the root, with the issuer's path inserted (RFC 8414 §3.1); clients disagree on whether
 * its last slash stays.
 */
export function servedPaths(path: string, dialect: Dialect, basePath: string): readonly string[] {
  if (basePath === '') return [path];
  if (speaksMatrix(dialect)) return [basePath + path, path];
  if (INSERTED.includes(path)) return [basePath + path, path + basePath, `${path}${basePath}/`];
  return [basePath + path];
}

/** An OpenAPI path template in the syntax of Express 5; with `rest`, its last parameter takes the rest of the path. */
export function expressPath(path: string, rest = false): string {
  return path.replace(/\{([^}]+)\}|[*:()[\]+?!\\]/g, (match, name: string | undefined, at: number) => {
    if (name === undefined) return `\\${match}`;
    return rest && at + match.length === path.length ? `*${name}` : `:${name}`;
  });
}

/** Sorts templates so that a literal segment comes before a parameter. */
export function compareTemplates(one: string, other: string): number {
  const key = (path: string): string => path.replace(/\{[^}]+\}|:[A-Za-z0-9_]+/g, '\uffff');
  const [a, b] = [key(one), key(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What a path that nobody serves is answered in. */
export function dialectOf(path: string, basePath: string): Dialect {
  const local = basePath !== '' && path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path;
  // Clients put these together from whatever they take for the base URL: a page of the web has to be able to read the 404.
  if (/\/(?:_|%5f)(?:matrix|synapse)/i.test(local) || /^\/\.well-known\/matrix(\/|$)/.test(local))
    return 'matrix';
  if (local.startsWith('/oauth2/') || local.startsWith('/.well-known/')) return 'oauth';
  return 'page';
}

/** The path of a request target as it came, not decoded; without scheme and host if the target has them. */
export function pathOf(target = '/'): string {
  const at = target.indexOf('?');
  const path = at === -1 ? target : target.slice(0, at);
  return path.startsWith('/') ? path : path.replace(/^https?:\/\/[^/]*/i, '');
}
