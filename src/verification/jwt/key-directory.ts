/**
 * Keys in a folder, as Dovecot's local validation keeps them: `<azp>/<ALG>/<kid>`, `default` if a token names no azp or no kid. A file holds a
 * public key in PEM form, or, for HS256 and similar algorithms, the secret in base64.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { compactVerify, errors } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../protocol/clock.ts';
import { Unavailable } from '../../protocol/unavailable.ts';
import type { SignatureResult } from '../../upstream/documents/jwks.ts';
import type { UnverifiedJwt } from './read-jwt.ts';

/** How long a file, or its absence, is remembered, in milliseconds: a key that was taken away stops counting within this time. */
const REMEMBERED = 30_000;
const REMEMBERED_LIMIT = 1000;
/** The longest name that file systems take. */
const NAME_LIMIT = 255;

const HMAC_ALGORITHMS: readonly string[] = ['HS256', 'HS384', 'HS512'];

export interface KeyDirectory {
  /** Verifies by the one key that the token's azp, alg and kid name. Throws Unavailable if the folder cannot be read. */
  verify(token: string, jwt: UnverifiedJwt, algorithms: readonly string[]): Promise<SignatureResult>;
}

/** Reads nothing before a token needs it. A file is read again after half a minute. */
export function openKeyDirectory(options: { folder: string; clock: Clock }): KeyDirectory {
  const { folder, clock } = options;
  const held = new LRUCache<string, { key: KeyObject | undefined; at: number }>({ max: REMEMBERED_LIMIT });

  const keyAt = async (path: string, algorithm: string): Promise<KeyObject | undefined> => {
    const known = held.get(path);
    if (known !== undefined && clock.monotonic() - known.at < REMEMBERED) return known.key;
    const key = await readKey(path, algorithm);
    held.set(path, { key, at: clock.monotonic() });
    return key;
  };

  return {
    async verify(token, { algorithm, kid, claims }, algorithms) {
      if (!algorithms.includes(algorithm)) {
        return refuse('algorithm', `its algorithm is none of ${algorithms.join(', ')}`);
      }
      const { azp } = claims;
      if (azp !== undefined && typeof azp !== 'string') return refuse('malformed', 'azp is not a string');
      const names = [azp ?? 'default', algorithm, kid ?? 'default'].map(escapeName);
      if (names.some((name) => name.length > NAME_LIMIT))
        return refuse('unknown_key', 'azp or kid is too long');
      const key = await keyAt(join(folder, ...names), algorithm);
      if (key === undefined) return refuse('unknown_key', 'there is no key for its azp, alg and kid');
      try {
        const { payload } = await compactVerify(token, key, { algorithms: [algorithm] });
        return { ok: true, payload, algorithm };
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof TypeError) {
          return refuse('signature', 'the key does not verify the signature');
        }
        throw error;
      }
    },
  };
}

/**
 * A text of the token as the name of a file. Dovecot escapes `/` and `%`; leaving `..` as it was let a token choose its key (CVE-2021-29157 and similar), so
 * everything that is not plainly a name is escaped, and a name of dots alone too.
 */
export function escapeName(text: string): string {
  if (/^\.*$/.test(text)) return text === '' ? '%' : '%2e'.repeat(text.length);
  return Array.from(Buffer.from(text), (byte) => {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9._@:+=~,-]/.test(character)) return character;
    return `%${byte.toString(16).padStart(2, '0')}`;
  }).join('');
}

async function readKey(path: string, algorithm: string): Promise<KeyObject | undefined> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    throw new Unavailable('the folder of keys', { cause: error });
  }
  try {
    return HMAC_ALGORITHMS.includes(algorithm) ? secretOf(text) : publicKeyOf(text);
  } catch {
    return undefined;
  }
}

/** A public key is never a secret, and a secret never a public key: that is how HS256 with a published key gets nowhere. */
function secretOf(text: string): KeyObject | undefined {
  const bytes = Buffer.from(text.replace(/\s+/g, ''), 'base64');
  return text.includes('-----BEGIN') || bytes.length < 32 ? undefined : createSecretKey(bytes);
}

function publicKeyOf(text: string): KeyObject | undefined {
  if (!text.includes('-----BEGIN') || text.includes('PRIVATE KEY')) return undefined;
  const key = createPublicKey(text);
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && (modulusLength < 2048 || modulusLength > 16_384)) return undefined;
  return publicExponent !== undefined && publicExponent < 3n ? undefined : key;
}

function refuse(
  kind: 'malformed' | 'algorithm' | 'unknown_key' | 'signature',
  reason: string,
): SignatureResult {
  return { ok: false, fault: { kind, reason } };
}
