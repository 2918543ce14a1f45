/**
 * The shape of every secret that this service issues: a prefix that tells its kind, 256 random (or derived) bits as
 * 43 characters of base64url, and a CRC-32 of all that as 6 more. A malformed one is recognised without a database query,
 * and secret scanners can find leaked ones. Only the SHA-256 of a secret is ever stored.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Random } from './clock.ts';

/** Kinds of secrets and their prefixes. A prefix is never reused for another kind. */
export const secretPrefixes = {
  accessToken: 'gat_',
  refreshToken: 'grt_',
  authorizationCode: 'gac_',
  deviceCode: 'gdc_',
  loginToken: 'glt_',
  clientSecret: 'gcs_',
  pushedRequest: 'gpr_',
  upstreamState: 'gus_',
  browserSecret: 'gbs_',
  accountSession: 'gas_',
  userInteractive: 'gui_',
} as const;

export type SecretKind = keyof typeof secretPrefixes;

declare const hashed: unique symbol;
/** base64url SHA-256 of a secret: what the database holds. */
export type SecretHash = string & { readonly [hashed]: true };

/** Bytes of entropy in a secret. */
const SECRET_BYTES = 32;

const BODY = /^[A-Za-z0-9_-]{43}$/;

/** A new secret of the given kind. */
export function issueSecret(kind: SecretKind, random: Random): string {
  return formatSecret(kind, random(SECRET_BYTES));
}

/** The secret of the given kind over exactly {@link SECRET_BYTES} bytes, random or derived. */
export function formatSecret(kind: SecretKind, bytes: Buffer): string {
  const head = secretPrefixes[kind] + bytes.toString('base64url');
  return head + checksum(head);
}

/** Whether `text` is a well-formed secret of the given kind. Says nothing on whether it was ever issued. */
export function isWellFormedSecret(kind: SecretKind, text: string): boolean {
  const prefix = secretPrefixes[kind];
  if (text.length !== prefix.length + 49 || !text.startsWith(prefix)) return false;
  if (!BODY.test(text.slice(prefix.length, -6))) return false;
  return checksum(text.slice(0, -6)) === text.slice(-6);
}

/** What is stored of a secret, and looked up. */
export function hashSecret(secret: string): SecretHash {
  return hash('sha256', secret, 'base64url') as SecretHash;
}

/** CRC-32 in base64url, big end first. */
function checksum(head: string): string {
  const crc = crc32(head);
  let text = '';
  for (const shift of [26, 20, 14, 8, 2]) text += BASE64URL.charAt((crc >>> shift) & 63);
  return text + BASE64URL.charAt((crc << 4) & 63);
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
