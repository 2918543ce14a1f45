/**
 * A private key with which this service signs client assertions (RFC 7523, OpenID Connect Core section 9), in every form that operators have one in.
 * `config check` and the sign-in read it by this one function, so that what the first accepts the second can use.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';

export interface SigningKey {
  readonly key: KeyObject;
  /** JWS algorithm, as RFC 7518 and RFC 8037 name it. */
  readonly alg: string;
  readonly kid: string | undefined;
}

/** Why a text is no key that can be used here. Never quotes it. */
export class PrivateKeyFault extends Error {
  override readonly name = 'PrivateKeyFault';
  readonly remedy: string;

  constructor(problem: string, remedy: string) {
    super(problem);
    this.remedy = remedy;
  }
}

const FORMS = 'Give a PEM (-----BEGIN PRIVATE KEY-----) or a JWK as JSON.';

/** What each kind of key can sign with; the first is the default. */
const rsa = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const curves: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};

/**
 * Reads a PEM (PKCS #8, PKCS #1 or SEC 1) or a JWK. The algorithm is `wanted`, else the JWK's `alg`, else the usual one of the kind of key. Throws
 * {@link PrivateKeyFault}.
 */
export function readPrivateKey(text: string, wanted?: string): SigningKey {
  const trimmed = text.trim();
  const { key, alg, kid } = trimmed.startsWith('{') ? readJwk(trimmed) : readPem(trimmed);
  const usable = algorithmsOf(key);
  const chosen = wanted ?? alg ?? usable[0] ?? '';
  if (!usable.includes(chosen) && !(chosen === 'Ed25519' && usable.includes('EdDSA'))) {
    throw new PrivateKeyFault(
      `cannot sign with ${chosen}: it is ${nameOf(key)}`,
      `Write \`token_endpoint_auth_signing_alg: ${usable[0] ?? ''}\`, or give another key.`,
    );
  }
  return { key, alg: chosen, kid };
}

function readPem(text: string): { key: KeyObject; alg?: undefined; kid?: undefined } {
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(
    text.replace(/-----BEGIN EC PARAMETERS-----[\s\S]*?-----END EC PARAMETERS-----/, ''),
  )?.[1];
  if (label === undefined) throw new PrivateKeyFault('is no private key', FORMS);
  if (label === 'CERTIFICATE' || label.endsWith('PUBLIC KEY')) {
    throw new PrivateKeyFault(`is a ${label.toLowerCase()}, not a private key`, FORMS);
  }
  if (label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: .*ENCRYPTED/m.test(text)) {
    throw new PrivateKeyFault(
      'is encrypted with a password',
      'Decrypt it: openssl pkcs8 -in key.pem -topk8 -nocrypt -out plain.pem, and let only this service read the file.',
    );
  }
  if (label === 'OPENSSH PRIVATE KEY') {
    throw new PrivateKeyFault(
      'is in the format of OpenSSH',
      'Convert it: ssh-keygen -p -N "" -m PKCS8 -f key.',
    );
  }
  try {
    return { key: createPrivateKey(text) };
  } catch {
    throw new PrivateKeyFault(`begins as ${label} and cannot be read: it is cut off or damaged`, FORMS);
  }
}

function readJwk(text: string): { key: KeyObject; alg: string | undefined; kid: string | undefined } {
  const jwk = parse(text);
  if (Array.isArray(jwk['keys'])) {
    throw new PrivateKeyFault('is a set of keys', 'Give one of its keys: the object within `keys`.');
  }
  if (jwk['kty'] === 'oct') {
    throw new PrivateKeyFault('is a shared secret, not a private key', 'Give it as `client_secret`.');
  }
  if (typeof jwk['d'] !== 'string') {
    throw new PrivateKeyFault('is a public key: its member `d` is missing', FORMS);
  }
  const member = (name: string): string | undefined => {
    const value = jwk[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  try {
    return { key: createPrivateKey({ key: jwk, format: 'jwk' }), alg: member('alg'), kid: member('kid') };
  } catch {
    throw new PrivateKeyFault('is a JWK that cannot be read: a member is missing or damaged', FORMS);
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new PrivateKeyFault('begins as a JWK and is not well-formed JSON', FORMS);
  }
}

function algorithmsOf(key: KeyObject): readonly string[] {
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const type = key.asymmetricKeyType;
  if (type === 'rsa') {
    if (modulusLength < 2048) {
      throw new PrivateKeyFault(
        `is an RSA key of ${String(modulusLength)} bits; at least 2048 are needed (RFC 7518 section 3.3)`,
        'Make a new one: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out key.pem',
      );
    }
    return rsa;
  }
  if (type === 'ec' && curves[namedCurve] !== undefined) return curves[namedCurve];
  if (type === 'ed25519') return ['EdDSA'];
  throw new PrivateKeyFault(
    `is ${nameOf(key)}, with which no assertion can be signed`,
    'Make one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem',
  );
}

function nameOf(key: KeyObject): string {
  const { namedCurve } = key.asymmetricKeyDetails ?? {};
  const type = key.asymmetricKeyType ?? 'unknown';
  return namedCurve === undefined ? `a key of the type ${type}` : `an EC key on the curve ${namedCurve}`;
}

/** The thumbprints by which Entra ID and AD FS find the certificate of an assertion (RFC 7515 sections 4.1.7 and 4.1.8). */
export interface CertificateThumbprints {
  readonly x5t: string;
  readonly 'x5t#S256': string;
}

/** Reads the certificate that belongs to a key. Throws {@link PrivateKeyFault} if it is none, or belongs to another key. */
export function readCertificate(pem: string, key: KeyObject): CertificateThumbprints {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw new PrivateKeyFault('is no certificate', 'Give a PEM (-----BEGIN CERTIFICATE-----).');
  }
  // Not by equals(): on keys of two kinds it leaves an error behind in OpenSSL's queue, on which the next key that is read fails (Node 24).
  const spki = (of: KeyObject): Buffer => of.export({ type: 'spki', format: 'der' });
  if (!spki(certificate.publicKey).equals(spki(createPublicKey(key)))) {
    throw new PrivateKeyFault(
      'belongs to another key than `client_private_key`',
      'Give the certificate that was made for this key, and upload the same one at the provider.',
    );
  }
  const digest = (name: 'sha1' | 'sha256'): string =>
    createHash(name).update(certificate.raw).digest('base64url');
  return { x5t: digest('sha1'), 'x5t#S256': digest('sha256') };
}
