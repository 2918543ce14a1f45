/** User codes (RFC 8628 section 6.1): eight of twenty consonants, so that they spell no word; 20^8 of them. */
import { createHmac } from 'node:crypto';
import type { Random } from '../../protocol/clock.ts';
import type { SecretHash } from '../../protocol/token-format.ts';

const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
const LENGTH = 8;
const OURS = new RegExp(`^[${ALPHABET}]+$`);

/** A new user code, without its dash; each as likely as any other. */
export function newUserCode(random: Random): string {
  let code = '';
  while (code.length < LENGTH) {
    for (const byte of random(LENGTH)) {
      // 240 is the largest multiple of 20 in a byte: what lies above would favour the first letters.
      if (byte < 240 && code.length < LENGTH) code += ALPHABET.charAt(byte % ALPHABET.length);
    }
  }
  return code;
}

/** As people read it: `WDJB-MJHT`. */
export function showUserCode(code: string): string {
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`;
}

/**
 * What a person typed, as a user code: case, spaces, dashes and dots do not matter. `undefined` for anything else; letters of other alphabets that
 * look alike are not taken for ours.
 */
export function readUserCode(text: string): string | undefined {
  if (text.length > 64) return undefined;
  const letters = text.replace(/[\s.\u2010-\u2015\u2212_-]/g, '');
  // Before the case is changed: some letters of other alphabets become ours by it.
  if (!/^[A-Za-z]{8}$/.test(letters)) return undefined;
  const code = letters.toUpperCase();
  return OURS.test(code) ? code : undefined;
}

/** What is stored of a user code. Keyed, because a plain hash of so few letters could be searched through. */
export function hashUserCode(key: Buffer, code: string): SecretHash {
  return createHmac('sha256', key).update(code).digest('base64url') as SecretHash;
}
