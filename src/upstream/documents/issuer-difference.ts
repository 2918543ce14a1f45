/** Issuers are compared byte for byte (RFC 8414 §3.3, OpenID Connect Discovery §4.3); where two differ, we can at least say how. */

/** One sentence naming the difference between the configured issuer and the one that the document states, with the remedy. */
export function describeIssuerDifference(configured: string, stated: string): string {
  return `the document states the issuer "${stated}", the configuration says "${configured}": ${difference(configured, stated)}`;
}

function difference(configured: string, stated: string): string {
  if (`${configured}/` === stated) return 'the configured one lacks the slash at the end';
  if (configured === `${stated}/`) return 'the configured one has a slash too many at the end';
  if (configured.trim() === stated.trim()) return 'they differ in white space only';
  if (configured.toLowerCase() === stated.toLowerCase()) return 'they differ in upper and lower case';
  const ours = URL.parse(configured);
  const theirs = URL.parse(stated);
  if (ours === null || theirs === null) return 'the stated one is not a URL';
  if (ours.hostname !== theirs.hostname) {
    return `the host differs (${ours.hostname}, ${theirs.hostname}): does the IdP know its public name?`;
  }
  if (ours.protocol !== theirs.protocol) {
    return `the scheme differs (${ours.protocol}, ${theirs.protocol}): does the IdP know that it is behind https?`;
  }
  if (ours.port !== theirs.port)
    return `the port differs (${ours.port || 'default'}, ${theirs.port || 'default'})`;
  if (ours.href === theirs.href)
    return 'they are written differently though they mean the same; write the stated one';
  if (ours.pathname !== theirs.pathname) return `the path differs (${ours.pathname}, ${theirs.pathname})`;
  return 'they differ';
}
