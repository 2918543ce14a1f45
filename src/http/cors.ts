/**
 * Cross-origin access (client-server API, "Web Browser Clients"): every API answer may be read by any page, without credentials; on errors
 * too. Pages for people have none.
 */

/** On every answer of an API route; flat name and value pairs, as `writeHead` takes them. */
export const corsHeaders: readonly string[] = [
  'access-control-allow-origin',
  '*',
  'access-control-allow-methods',
  'GET, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers',
  'X-Requested-With, Content-Type, Authorization, Accept, Accept-Language, Content-Language, If-None-Match',
  'access-control-expose-headers',
  'Retry-After, ETag',
];

/** Seconds that a browser may remember the answer to a preflight. */
export const preflightHeaders: readonly string[] = [...corsHeaders, 'access-control-max-age', '86400'];
