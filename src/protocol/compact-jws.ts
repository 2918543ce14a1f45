/** The parts of a compact JWS (RFC 7515 section 7.1), decoded as strictly as RFC 8725 asks for. */
import { isUtf8 } from 'node:buffer';

/** Why a part cannot be decoded. The message quotes nothing. */
export class JwsPartFault extends Error {
  override readonly name = 'JwsPartFault';
}

/**
 * The bytes of a part. Node takes the other alphabet, padding, line breaks and stray bits: what does not come out the same is refused (RFC 7515
 * section 2, RFC 4648 section 3.5). Throws {@link JwsPartFault}.
 */
export function decodePart(part: string, what: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') === part) return bytes;
  throw new JwsPartFault(`its ${what} is not canonical base64url`);
}

/** The same as text. Throws {@link JwsPartFault}. */
export function decodeTextPart(part: string, what: string): string {
  const bytes = decodePart(part, what);
  if (!isUtf8(bytes)) throw new JwsPartFault(`its ${what} is not UTF-8`);
  return bytes.toString('utf8');
}
