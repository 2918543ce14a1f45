/** Initial responses of SASL mechanisms that carry a token: RFC 7628, Google's XOAUTH2, ejabberd's X-OAUTH2, and PLAIN (RFC 4616). */

/** The mechanisms that are understood. */
export type SaslMechanism = 'OAUTHBEARER' | 'XOAUTH2' | 'X-OAUTH2' | 'PLAIN';

/** What the client sent. `secret` is an access token, with PLAIN perhaps a password. */
export type InitialResponse =
  | {
      readonly kind: 'read';
      /** Who the client says it is, and who it wants to be; undefined if it leaves that to the token. */
      readonly names: readonly string[];
      readonly secret: string;
    }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Longer ones hold no token. */
const LENGTH_LIMIT = 32_768;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads what comes over the wire: base64 with padding (RFC 4648 section 4). `reason` quotes nothing. */
export function readInitialResponse(mechanism: SaslMechanism, base64: string): InitialResponse {
  if (base64.length > LENGTH_LIMIT) return malformed('it is too long');
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64 || bytes.length === 0)
    return malformed('it is not canonical base64');
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return malformed('it is not UTF-8');
  }
  switch (mechanism) {
    case 'OAUTHBEARER':
      return readOAuthBearer(text);
    case 'XOAUTH2':
      return readXOAuth2(text);
    case 'X-OAUTH2':
    case 'PLAIN':
      return readPlain(text);
  }
}

/** RFC 7628 section 3.1 and RFC 5801 section 4: `n,a=user@example.com,^Ahost=…^Aauth=Bearer …^A^A`. */
function readOAuthBearer(text: string): InitialResponse {
  const header = /^(n|y|p=[^,]*),(?:a=([^,\x01]*))?,\x01/.exec(text);
  if (header === null) return malformed('it has no GS2 header');
  const [whole, flag = '', escaped] = header;
  if (flag.startsWith('p')) return malformed('it wants channel binding, which OAUTHBEARER has not');
  const name = escaped === undefined ? undefined : saslName(escaped);
  if (name === '') return malformed('its authorization identity is not written as RFC 5801 has it');
  return readPairs(text.slice(whole.length), name);
}

/** `user=someuser@example.com^Aauth=Bearer …^A^A`. */
function readXOAuth2(text: string): InitialResponse {
  const name = /^user=([^\x01]*)\x01/.exec(text)?.[1];
  if (name === undefined) return malformed('it does not begin with user=');
  return readPairs(text.slice(`user=${name}\x01`.length), name === '' ? undefined : name);
}

/** Pairs, each ended by ^A, and a last ^A. */
function readPairs(text: string, name: string | undefined): InitialResponse {
  if (!text.endsWith('\x01')) return malformed('its last ^A is missing');
  const pairs = text.slice(0, -1).split('\x01');
  if (pairs.pop() !== '') return malformed('a pair is not ended by ^A');
  const values: string[] = [];
  for (const pair of pairs) {
    const value = /^([A-Za-z]+)=([^\0]*)$/s.exec(pair);
    if (value === null) return malformed('it has something that is no pair');
    if (value[1] === 'auth') values.push(value[2] ?? '');
  }
  const [auth, ...more] = values;
  if (auth === undefined || more.length > 0) return malformed('it does not have exactly one auth');
  const [scheme = '', token = '', ...rest] = auth.split(/ +/);
  if (scheme.toLowerCase() !== 'bearer') return malformed('auth is of another scheme than Bearer');
  if (!/^[\x21-\x7e]+$/.test(token) || rest.length > 0) return malformed('auth does not hold one token');
  return { kind: 'read', names: name === undefined ? [] : [name], secret: token };
}

/** RFC 4616 section 2: `authzid NUL authcid NUL passwd`. */
function readPlain(text: string): InitialResponse {
  const parts = text.split('\0');
  const [authzid = '', authcid = '', secret = ''] = parts;
  if (parts.length !== 3) return malformed('it does not have two NUL');
  if (authcid === '' || secret === '') return malformed('name or secret is empty');
  return { kind: 'read', names: authzid === '' ? [authcid] : [authzid, authcid], secret };
}

/** RFC 5801 section 4: a comma and an equals sign are escaped, and nothing else is. Empty if it is not written so. */
function saslName(escaped: string): string {
  if (/=(?!2C|3D)/.test(escaped)) return '';
  return escaped.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function malformed(reason: string): InitialResponse {
  return { kind: 'malformed', reason };
}
