/**
 * Authenticated encryption of what must be readable again: signing keys, PKCE verifiers, IdP tokens. The key lies outside the database.
 * AES-256-GCM with random 96-bit nonces: one key is good for some 2^32 values (NIST SP 800-38D §8.3), which this service never reaches.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import type { Random } from '../protocol/clock.ts';

export interface Sealer {
  /** `context` names the row and column, for instance `signing_keys:<kid>`; the value opens only under the same one. */
  seal(plain: string, context: string): string;
  /** Throws when the value was sealed under another key or context, or was altered. */
  open(sealed: string, context: string): string;
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** A sealer under a subkey of `key` (32 bytes). Sealed values read `v1.<key id>.<base64url of nonce, ciphertext, tag>`. */
export function createSealer(key: Buffer, random: Random): Sealer {
  if (key.length !== KEY_BYTES)
    throw new Error(`the encryption key must have ${String(KEY_BYTES)} bytes, not ${String(key.length)}`);
  const sealingKey = deriveSubkey(key, 'sealed columns');
  const keyId = createHash('sha256').update(deriveSubkey(key, 'key id')).digest('base64url').slice(0, 8);
  const prefix = `v1.${keyId}.`;

  return {
    seal(plain, context) {
      const nonce = random(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, sealingKey, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(prefix + context));
      const body = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return prefix + body.toString('base64url');
    },
    open(sealed, context) {
      if (!sealed.startsWith(prefix)) {
        const other = /^v1\.([A-Za-z0-9_-]{8})\./.exec(sealed)?.[1];
        throw new Error(
          other === undefined
            ? `${context} holds no sealed value`
            : `${context} was sealed under encryption key ${other}, but the configured one is ${keyId}: restore the key file that belongs to this database`,
        );
      }
      const body = Buffer.from(sealed.slice(prefix.length), 'base64url');
      if (body.length < NONCE_BYTES + TAG_BYTES)
        throw new Error(`the sealed value of ${context} is cut short`);
      const decipher = createDecipheriv(CIPHER, sealingKey, body.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(prefix + context));
      decipher.setAuthTag(body.subarray(-TAG_BYTES));
      try {
        return (
          decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
        );
      } catch (error) {
        throw new Error(`the sealed value of ${context} was altered or belongs to another row`, {
          cause: error,
        });
      }
    },
  };
}

/** A 32-byte key for one purpose (HKDF-SHA256, RFC 5869), so that no two uses share a key. */
export function deriveSubkey(key: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `gatehouse ${purpose}`, KEY_BYTES));
}
