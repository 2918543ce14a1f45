/** ES256K (RFC 8812 section 3.2), which neither Web Crypto nor the JOSE library has: verified by Node's own cryptography. */
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';

export const ES256K = 'ES256K';

/** Two numbers of 32 bytes each (RFC 7518 section 3.4). */
const SIGNATURE_BYTES = 64;

/** Throws if the members make no key on the curve. */
export function importEs256k(jwk: object): KeyObject {
  return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
}

/** The payload, if the key verifies the signature of this compact JWS. Its header is for others to judge. */
export function verifyEs256k(jws: string, key: KeyObject): Uint8Array | undefined {
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  if (bytes.length !== SIGNATURE_BYTES) return undefined;
  const signed = Buffer.from(`${header}.${payload}`);
  const isGood = verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, bytes);
  return isGood ? Buffer.from(payload, 'base64url') : undefined;
}
