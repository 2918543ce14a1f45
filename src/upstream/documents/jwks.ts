/** The IdP's signing keys: which ones of its set we use, which fits a signature, and when the set is asked for again. */
import { compactVerify, decodeProtectedHeader, importJWK, errors, type CryptoKey, type JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../protocol/clock.ts';
import { DocumentFault } from './document-fault.ts';
import { ES256K, importEs256k, verifyEs256k } from './es256k.ts';
import type { CachedDocument } from './http-cache.ts';
import type { PartLog } from '../../observability/part-log.ts';
import { quoteForLog } from '../login/refusal.ts';
import { isJsonObject, JsonFault } from '../../protocol/strict-json.ts';
import { parseProviderObject } from '../provider-json.ts';

export const JWKS_BYTES = 512 * 1024;
const KEY_LIMIT = 100;
/** A set is asked for out of turn at most this often, whether or not that brought anything. */
export const COOL_DOWN_MS = 30_000;
/** How many key ids that the IdP does not have are remembered. */
const ABSENT_LIMIT = 1000;

/** The usable keys of a set. */
export interface KeySet {
  readonly keys: readonly VerificationKey[];
}

export interface VerificationKey {
  readonly kid: string | undefined;
  readonly kty: string;
  readonly crv: string | undefined;
  /** The one algorithm that it is for, if it says so. */
  readonly alg: string | undefined;
  /** The payload of a compact JWS that it verifies; `undefined` if it does not. Throws if the JWS is none. */
  readonly verify: (jws: string, algorithm: string) => Promise<Uint8Array | undefined>;
}

export type SignatureResult =
  | { readonly ok: true; readonly payload: Uint8Array; readonly algorithm: string }
  | { readonly ok: false; readonly fault: SignatureFault };

/** `unknown_key_yet`: no key fits, but the set could not be asked for again just now, so a later try may succeed. */
export type SignatureFault =
  | { readonly kind: 'malformed' | 'algorithm' | 'unknown_key' | 'signature'; readonly reason: string }
  | { readonly kind: 'unknown_key_yet'; readonly reason: string; readonly retryAfterSeconds: number };

export interface SignatureVerifier {
  /** Verifies a compact JWS by the IdP's keys, `algorithms` being the only ones that count. Throws Unavailable if no keys are available. */
  verify(jws: string, algorithms: readonly string[]): Promise<SignatureResult>;
}

interface SignatureHeader {
  readonly alg: string;
  readonly kid: string | undefined;
}

/** Reads a key set. Keys that cannot verify a signature are left out; throws {@link DocumentFault} if nothing is left. */
export async function parseKeySet(body: string, alarm: (message: string) => void): Promise<KeySet> {
  const listed = listKeys(body);
  const keys: VerificationKey[] = [];
  for (const jwk of listed) {
    if (isSecret(jwk)) {
      alarm(
        'the IdP publishes a private or symmetric key in its key set: it is ignored, and must be considered lost',
      );
      continue;
    }
    const key = await usableKey(jwk);
    if (key !== undefined) keys.push(key);
  }
  if (keys.length === 0) {
    throw new DocumentFault(`the key set has no usable signing key among its ${listed.length}`);
  }
  return { keys };
}

function listKeys(body: string): Record<string, unknown>[] {
  let set: Record<string, unknown>;
  try {
    set = parseProviderObject(body);
  } catch (error) {
    if (error instanceof JsonFault) throw new DocumentFault(`the key set is malformed: ${error.message}`);
    throw error;
  }
  const { keys } = set;
  if (!Array.isArray(keys)) throw new DocumentFault('the key set has no array "keys"');
  if (keys.length > KEY_LIMIT) throw new DocumentFault(`the key set has more than ${KEY_LIMIT} keys`);
  return keys.filter(isJsonObject).map(withoutBlanks);
}

/** An empty text says no more than an absent member does. */
function withoutBlanks(jwk: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(jwk).filter(([, value]) => value !== ''));
}

function isSecret(jwk: Record<string, unknown>): boolean {
  return (
    jwk['kty'] === 'oct' ||
    ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'priv'].some((member) => member in jwk) ||
    (Array.isArray(jwk['oth']) && jwk['oth'].length > 0)
  );
}

async function usableKey(jwk: Record<string, unknown>): Promise<VerificationKey | undefined> {
  const { kty, kid, alg, use, crv, key_ops: operations } = jwk;
  if (typeof kty !== 'string' || (use !== undefined && use !== 'sig')) return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return undefined;
  if (kid !== undefined && typeof kid !== 'string') return undefined;
  // Shorter ones are too weak, longer ones too slow: the cost of a check grows with the square.
  if (kty === 'RSA' && (rsaBits(jwk['n']) < 2048 || rsaBits(jwk['n']) > 16_384)) return undefined;
  if (kty === 'RSA' && !isSoundExponent(jwk['e'])) return undefined;
  const key = {
    kid,
    kty,
    crv: typeof crv === 'string' ? crv : undefined,
    alg: typeof alg === 'string' ? alg : undefined,
  };
  const algorithm = key.alg ?? VERIFIABLE_ALGORITHMS.find((each) => fitsType(key, each));
  if (algorithm === undefined || !fitsType(key, algorithm)) return undefined;
  try {
    return { ...key, verify: await importedKey(publicPart(jwk), algorithm) };
  } catch {
    return undefined;
  }
}

/** Imports the key for the first algorithm at once, and for others when they are met. Throws if it cannot be imported. */
async function importedKey(jwk: JWK, first: string): Promise<VerificationKey['verify']> {
  if (first === ES256K) {
    const key = importEs256k(jwk);
    return (jws) => Promise.resolve(verifyEs256k(jws, key));
  }
  const imported = new Map<string, Promise<CryptoKey>>();
  const importFor = (algorithm: string): Promise<CryptoKey> => {
    let promise = imported.get(algorithm);
    if (promise === undefined) {
      promise = importJWK({ ...jwk, alg: algorithm }, algorithm) as Promise<CryptoKey>;
      imported.set(algorithm, promise);
    }
    return promise;
  };
  await importFor(first);
  return async (jws, algorithm) => {
    try {
      return (await compactVerify(jws, await importFor(algorithm), { algorithms: [algorithm] })).payload;
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) return undefined;
      throw error;
    }
  };
}

function publicPart(jwk: Record<string, unknown>): JWK {
  const { kty, crv, x, y, n, e, pub } = jwk;
  return Object.fromEntries(
    Object.entries({ kty, crv, x, y, n, e, pub }).filter(([, value]) => value !== undefined),
  );
}

/** With 1 every padded text is its own signature, and an even one has no inverse; RFC 8017 section 3.1 asks for an odd one of 3 or more. */
function isSoundExponent(exponent: unknown): boolean {
  if (typeof exponent !== 'string') return false;
  const bytes = Buffer.from(exponent, 'base64url');
  const value = BigInt(`0x${bytes.toString('hex') || '0'}`);
  return value >= 3n && value % 2n === 1n && value < 2n ** 64n;
}

function rsaBits(modulus: unknown): number {
  return typeof modulus === 'string' ? Buffer.from(modulus, 'base64url').length * 8 : 0;
}

/** The asymmetric signature algorithms that count if nobody says more, the likeliest first. */
export const SIGNATURE_ALGORITHMS: readonly string[] = [
  'RS256',
  'ES256',
  'EdDSA',
  'Ed25519',
  'PS256',
  'RS384',
  'RS512',
  'PS384',
  'PS512',
  'ES384',
  'ES512',
];

/** Those that count if the provider or the operator names them, too. */
export const VERIFIABLE_ALGORITHMS: readonly string[] = [...SIGNATURE_ALGORITHMS, ES256K];

const TYPES: Readonly<Record<string, { kty: string; crv?: string }>> = {
  RS: { kty: 'RSA' },
  PS: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES256K: { kty: 'EC', crv: 'secp256k1' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
};

function fitsType(key: Pick<VerificationKey, 'kty' | 'crv'>, algorithm: string): boolean {
  if (!VERIFIABLE_ALGORITHMS.includes(algorithm)) return false;
  const type = TYPES[algorithm] ?? TYPES[algorithm.slice(0, 2)];
  return type !== undefined && type.kty === key.kty && (type.crv === undefined || type.crv === key.crv);
}

/** RFC 7515 §6 and OpenID Connect Core §10.1: by `kid` if the signature names one, else every key that fits. */
function candidates(set: KeySet, header: SignatureHeader): VerificationKey[] {
  return set.keys.filter(
    (key) =>
      (header.kid === undefined || key.kid === header.kid) &&
      fitsType(key, header.alg) &&
      (key.alg === undefined || sameAlgorithm(key.alg, header.alg)),
  );
}

/** RFC 9864 gave EdDSA over Ed25519 a second name. */
function sameAlgorithm(one: string, other: string): boolean {
  const name = (algorithm: string): string => (algorithm === 'EdDSA' ? 'Ed25519' : algorithm);
  return name(one) === name(other);
}

/** Signature checks over a cached key set, which is asked for out of turn, with a cool-down, if no key fits. */
export function createSignatureVerifier(options: {
  document: CachedDocument<KeySet>;
  clock: Clock;
  log: PartLog;
  providerId: string;
}): SignatureVerifier {
  const { document, clock } = options;
  /** Key ids that a fetch has shown to be absent, and when. */
  const absent = new LRUCache<string, number>({ max: ABSENT_LIMIT });

  /** Milliseconds until the set may be asked for out of turn. */
  const coolDownMs = (): number => {
    const { lastAttemptAt } = document.state();
    return lastAttemptAt === undefined ? 0 : Math.max(0, lastAttemptAt + COOL_DOWN_MS - clock.monotonic());
  };

  const attempt = async (
    jws: string,
    header: SignatureHeader,
    keys: readonly VerificationKey[],
  ): Promise<Uint8Array | undefined> => {
    for (const key of keys) {
      const payload = await key.verify(jws, header.alg);
      if (payload !== undefined) return payload;
    }
    return undefined;
  };

  /** Asks the IdP again if the cool-down has passed; whether an answer came that was not there before. */
  const askAgain = async (): Promise<boolean> => {
    if (coolDownMs() > 0 && !document.isRefreshing()) return false;
    await document.refresh();
    return document.state().lastError === undefined;
  };

  return {
    async verify(jws, algorithms) {
      const header = readHeader(jws);
      if (header === undefined)
        return refuse('malformed', 'it is not a compact JWS with an alg and without crit');
      if (!algorithms.includes(header.alg)) {
        return refuse(
          'algorithm',
          `it is signed with ${quoteForLog(header.alg, 20)}, allowed are ${algorithms.join(', ')}`,
        );
      }
      const set = await document.get();
      const tried = candidates(set, header);
      const kid = header.kid ?? '';
      const remembered = absent.get(kid);
      if (tried.length === 0 && remembered !== undefined && clock.monotonic() - remembered < COOL_DOWN_MS) {
        return refuse('unknown_key', `the IdP has no key "${quoteForLog(kid, 60)}"`);
      }
      try {
        const payload = await attempt(jws, header, tried);
        if (payload !== undefined) return { ok: true, payload, algorithm: header.alg };
        const asked = await askAgain();
        // Another caller's fetch, or the background's, may have changed the set in the meantime.
        const fresh = candidates(document.peek() ?? set, header).filter((key) => !tried.includes(key));
        const second = await attempt(jws, header, fresh);
        if (second !== undefined) return { ok: true, payload: second, algorithm: header.alg };
        if (tried.length + fresh.length > 0)
          return refuse('signature', 'no key of the IdP verifies the signature');
        if (asked) {
          absent.set(kid, clock.monotonic());
          return refuse('unknown_key', `the IdP has no key "${quoteForLog(kid, 60)}"`);
        }
        return {
          ok: false,
          fault: {
            kind: 'unknown_key_yet',
            reason: `no key "${quoteForLog(kid, 60)}" is held, and the IdP's keys cannot be asked for again just now`,
            retryAfterSeconds: Math.max(1, Math.ceil(coolDownMs() / 1000)),
          },
        };
      } catch (error) {
        if (error instanceof errors.JOSEError) return refuse('malformed', error.message);
        throw error;
      }
    },
  };
}

/** The tokens of a provider have one header: it is read once, as long as no other comes between. */
let lastRead: { readonly text: string; readonly header: SignatureHeader | undefined } | undefined;

function readHeader(jws: string): SignatureHeader | undefined {
  const text = jws.slice(0, Math.max(0, jws.indexOf('.')));
  if (lastRead?.text !== text) lastRead = { text, header: decodeHeader(jws) };
  return lastRead.header;
}

function decodeHeader(jws: string): SignatureHeader | undefined {
  try {
    const { alg, kid, crit } = decodeProtectedHeader(jws) as Record<string, unknown>;
    // We understand no extension (RFC 7515 section 4.1.11), even if the JOSE library does (RFC 7797).
    if (typeof alg !== 'string' || crit !== undefined) return undefined;
    if (kid === undefined || kid === null || kid === '') return { alg, kid: undefined };
    return typeof kid === 'string' ? { alg, kid } : undefined;
  } catch {
    return undefined;
  }
}

function refuse(
  kind: 'malformed' | 'algorithm' | 'unknown_key' | 'signature',
  reason: string,
): SignatureResult {
  return { ok: false, fault: { kind, reason } };
}
