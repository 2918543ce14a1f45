/** Reading a compact JWS before any of it is believed: RFC 7515 section 7.1, as strictly as RFC 8725 asks for. */
import { decodePart, decodeTextPart, JwsPartFault } from '../../protocol/compact-jws.ts';
import { JsonFault, parseJsonObject } from '../../protocol/strict-json.ts';
import type { Claims } from '../../protocol/claim-path.ts';

/** Longer tokens are refused before anything is decoded. Node lets no longer header in anyway. */
const LENGTH_LIMIT = 16_384;

/** What a JWT says of itself. Nothing is verified yet. */
export interface UnverifiedJwt {
  readonly algorithm: string;
  readonly kid: string | undefined;
  /** Lower case, without `application/`; undefined if there is none. */
  readonly type: string | undefined;
  readonly claims: Claims;
}

/** `foreign`: no JWT at all, which an opaque token is not either; `malformed`: one that breaks a rule. `reason` quotes nothing. */
export type JwtReading =
  | { readonly kind: 'jwt'; readonly jwt: UnverifiedJwt }
  | { readonly kind: 'foreign'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Members of the header that change what the rest means. We understand none, so each is refused (RFC 7515 section 4.1.11, RFC 7797 section 6). */
const REFUSED = ['crit', 'b64', 'enc', 'zip', 'p2c', 'p2s'] as const;

/** Splits and decodes. Keys that the header brings or points to (`jwk`, `jku`, `x5c`, `x5u`) are not even looked at. */
export function readJwt(token: string): JwtReading {
  if (token.length > LENGTH_LIMIT) return malformed(`it is longer than ${String(LENGTH_LIMIT)} characters`);
  const parts = token.split('.');
  const [head = '', body = '', signature = ''] = parts;
  // A text that begins with a brace, in base64url.
  if (parts.length < 3 || !/^e[w-z0-9_-]/.test(head)) return { kind: 'foreign', reason: 'it is not a JWT' };
  if (parts.length === 5) return malformed('it is encrypted (JWE)');
  if (parts.length !== 3) return malformed(`it has ${String(parts.length)} parts, a signed JWT has 3`);
  if (signature === '') return malformed('it has no signature');
  try {
    const header = readOnce(head);
    decodePart(signature, 'signature');
    const claims = parseJsonObject(decodeTextPart(body, 'payload'));
    return readHeader(header, claims);
  } catch (error) {
    if (error instanceof JsonFault || error instanceof JwsPartFault) return malformed(error.message);
    throw error;
  }
}

function readHeader(header: Claims, claims: Claims): JwtReading {
  const { alg, kid, typ, cty } = header;
  if (typeof alg !== 'string') return malformed('alg is not a string');
  if (kid !== undefined && typeof kid !== 'string') return malformed('kid is not a string');
  if (kid === '') return malformed('kid is empty');
  if (typ !== undefined && typeof typ !== 'string') return malformed('typ is not a string');
  const refused = REFUSED.find((name) => Object.hasOwn(header, name));
  if (refused !== undefined) return malformed(`its header has ${refused}`);
  if (cty !== undefined) return malformed('it is nested: its header has cty');
  return {
    kind: 'jwt',
    jwt: { algorithm: alg, kid, type: typ?.toLowerCase().replace(/^application\//, ''), claims },
  };
}

/** The tokens of a provider have one header: it is read once, as long as no other comes between. */
let lastRead: { readonly text: string; readonly header: Claims } | undefined;

function readOnce(head: string): Claims {
  if (lastRead?.text !== head)
    lastRead = { text: head, header: parseJsonObject(decodeTextPart(head, 'header')) };
  return lastRead.header;
}

function malformed(reason: string): JwtReading {
  return { kind: 'malformed', reason };
}

/**
 * What shows that it is a token for something else, if its type does not say that it is an access token: an ID token, a logout token, one to
 * refresh by (RFC 8725 section 3.12). Keycloak writes `typ: Bearer` among the claims.
 */
export function otherPurpose({ type, claims }: UnverifiedJwt): string | undefined {
  if (type === 'at+jwt') return undefined;
  const { typ } = claims;
  if (typeof typ === 'string' && typ.toLowerCase() === 'bearer') return undefined;
  if (typ !== undefined) return 'its claim typ is not Bearer';
  const telltale = ['at_hash', 'c_hash', 's_hash', 'nonce', 'events'].find((name) =>
    Object.hasOwn(claims, name),
  );
  return telltale === undefined ? undefined : `it has ${telltale}, as no access token has`;
}
