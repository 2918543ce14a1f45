/** How two URLs differ that must be the same byte for byte, such as issuers (RFC 8414 section 3.3, OpenID Connect Discovery section 4.3). */

/** One clause, such as `it has a slash at the end that the expected one lacks (from byte 24 on)`. */
export function differenceOf(expected: string, seen: string): string {
  return `${inWords(expected, seen)} (from byte ${firstDifference(expected, seen)} on)`;
}

function inWords(expected: string, seen: string): string {
  if (`${expected}/` === seen) return 'it has a slash at the end that the expected one lacks';
  if (expected === `${seen}/`) return 'it lacks the slash at the end';
  if (expected.trim() === seen.trim()) return 'they differ in white space only';
  if (expected.toLowerCase() === seen.toLowerCase()) return 'they differ in upper and lower case';
  const one = URL.parse(expected);
  const other = URL.parse(seen);
  if (other === null) return 'it is not a URL';
  if (one === null) return 'they differ';
  const parts: string[] = [];
  if (one.protocol !== other.protocol)
    parts.push(`the scheme differs (${one.protocol} and ${other.protocol})`);
  if (one.hostname !== other.hostname) parts.push(`the host differs (${one.hostname} and ${other.hostname})`);
  if (one.port !== other.port && (one.protocol === other.protocol || one.port === '' || other.port === '')) {
    parts.push(`the port differs (${one.port || 'default'} and ${other.port || 'default'})`);
  }
  if (one.pathname !== other.pathname) parts.push(`the path differs (${one.pathname} and ${other.pathname})`);
  if (parts.length > 0) return parts.join(', ');
  return 'they mean the same and are written differently';
}

/** Counted from 1. */
function firstDifference(expected: string, seen: string): number {
  const [one, other] = [Buffer.from(expected), Buffer.from(seen)];
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return at + 1;
}
