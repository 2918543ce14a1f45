/**
 * Cross-origin access (client-server API, "Web Browser Clients"): every API answer may be read by any page, without credentials; on errors
 * too. Pages for people have none.
 */

const readable: readonly string[] = [
  'access-control-allow-origin',
  '*',
  'access-control-expose-headers',
  'Retry-After, ETag',
];

const methodsAndHeaders: readonly string[] = [
  'access-control-allow-methods',
  'GET, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers',
  'X-Requested-With, Content-Type, Authorization, Accept, Accept-Language, Content-Language, If-None-Match',
];

/** Who may read an answer, and whether it answers a preflight. */
export type Sharing = 'none' | 'oauth' | 'matrix' | 'preflight';

/** Headers of an answer, as flat name and value pairs for `writeHead`. The Matrix specification wants the whole set on every answer. */
export const sharingHeaders: Readonly<Record<Sharing, readonly string[]>> = {
  none: [],
  oauth: readable,
  matrix: [...readable, ...methodsAndHeaders],
  // Seconds that a browser may remember it.
  preflight: [...readable, ...methodsAndHeaders, 'access-control-max-age', '86400'],
};
