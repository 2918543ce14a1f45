/** JSON that an IdP sends. Many write null for what they do not have, so null is absent, in every document and every token. */
import { parseJsonObject } from '../protocol/strict-json.ts';

/** Reads an object strictly, without its nulls at any depth. Throws `JsonFault`. */
export function parseProviderObject(text: string): Record<string, unknown> {
  return withoutNulls(parseJsonObject(text));
}

/** The same object without members and list entries that are null. */
export function withoutNulls(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return strip(object) as Record<string, unknown>;
}

function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((each) => each !== null).map(strip);
  if (typeof value !== 'object' || value === null) return value;
  const present = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(present.map(([name, member]) => [name, strip(member)]));
}

/** Claims of the protocol that may be left out. An empty text is how some write that they have none. */
const OPTIONAL_CLAIMS = ['acr', 'at_hash', 'auth_time', 'azp', 'c_hash', 'nbf', 'sid'];

/** The same claims without those of the protocol that are empty texts. */
export function withoutBlanks(claims: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(claims).filter(([name, value]) => value !== '' || !OPTIONAL_CLAIMS.includes(name)),
  );
}

/**
 * A JWT as the client library may read it, which takes null and an empty text for values of the wrong type: its payload without them. The signature is not
 * that of the new payload: it is verified over the JWT as it came. What cannot be read is left as it is, to be refused.
 */
export function jwtForLibrary(jwt: string): string {
  const [header = '', payload = '', ...rest] = jwt.split('.');
  try {
    const claims = withoutBlanks(parseProviderObject(Buffer.from(payload, 'base64url').toString()));
    return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), ...rest].join('.');
  } catch {
    return jwt;
  }
}
