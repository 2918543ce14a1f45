/** Private keys in every form that operators have one in, and what is no such key. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/config/fault.ts';
import { faultsOf, minimal, provider } from '../config/support.ts';
import { PrivateKeyFault, readCertificate, readPrivateKey } from '../../src/protocol/private-key.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
const ed25519 = generateKeyPairSync('ed25519');
const k256 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
const x25519 = generateKeyPairSync('x25519');
const small = generateKeyPairSync('rsa', { modulusLength: 1024 });

const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1'): string =>
  key.export({ type, format: 'pem' } as { type: 'pkcs8'; format: 'pem' }).toString();
const jwk = (key: KeyObject, more: object = {}): string =>
  JSON.stringify({ ...key.export({ format: 'jwk' }), ...more });
const encrypted = rsa.privateKey
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
  .toString();
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';

/** What the configuration check says of the key. */
function configFaults(key: string, more: object = {}): readonly Fault[] {
  const method = { token_endpoint_auth_method: 'private_key_jwt', client_private_key: key, ...more };
  const { client_secret: _secret, ...rest } = provider(method);
  return faultsOf({ ...minimal(), providers: [rest] });
}

describe('a private key is read, and config check takes it', () => {
  it.each<[string, string, string | undefined, string, string?]>([
    ['PKCS #8, RSA', pem(rsa.privateKey, 'pkcs8'), undefined, 'RS256'],
    ['PKCS #1', pem(rsa.privateKey, 'pkcs1'), undefined, 'RS256'],
    ['PKCS #1 for PS384', pem(rsa.privateKey, 'pkcs1'), 'PS384', 'PS384'],
    ['PKCS #8, P-256', pem(p256.privateKey, 'pkcs8'), undefined, 'ES256'],
    ['SEC 1', pem(p256.privateKey, 'sec1'), undefined, 'ES256'],
    [
      'SEC 1 behind its parameters, as openssl writes it',
      parameters + pem(p256.privateKey, 'sec1'),
      undefined,
      'ES256',
    ],
    ['P-384', pem(p384.privateKey, 'sec1'), undefined, 'ES384'],
    ['P-521', pem(p521.privateKey, 'pkcs8'), undefined, 'ES512'],
    ['Ed25519', pem(ed25519.privateKey, 'pkcs8'), undefined, 'EdDSA'],
    ['Ed25519 by its newer name', pem(ed25519.privateKey, 'pkcs8'), 'Ed25519', 'Ed25519'],
    ['a JWK without alg', jwk(p256.privateKey), undefined, 'ES256'],
    ['a JWK with alg and kid', jwk(rsa.privateKey, { alg: 'RS512', kid: 'one' }), undefined, 'RS512', 'one'],
    ['a JWK whose alg is null', jwk(rsa.privateKey, { alg: null }), undefined, 'RS256'],
    [
      'a JWK, the configured algorithm has the last word',
      jwk(rsa.privateKey, { alg: 'RS512' }),
      'RS256',
      'RS256',
    ],
    ['with white space around it', `\n  ${pem(rsa.privateKey, 'pkcs8')}\n\n`, undefined, 'RS256'],
    ['with CRLF', pem(p256.privateKey, 'pkcs8').replaceAll('\n', '\r\n'), undefined, 'ES256'],
  ])('%s', (_form, text, wanted, alg, kid) => {
    const read = readPrivateKey(text, wanted);
    expect(read).toMatchObject({ alg, kid });
    const hash = alg === 'EdDSA' || alg === 'Ed25519' ? null : 'sha256';
    expect(verify(hash, Buffer.from('x'), read.key, sign(hash, Buffer.from('x'), read.key))).toBe(true);
    expect(
      configFaults(text, wanted === undefined ? {} : { token_endpoint_auth_signing_alg: wanted }),
    ).toEqual([]);
  });
});

describe('what is no key is refused by config check, with a remedy', () => {
  it.each<[string, string, string | undefined, RegExp, RegExp]>([
    ['any text', 'secret', undefined, /is no private key/, /Give a PEM/],
    ['a public key', publicPem, undefined, /public key, not a private key/, /Give a PEM/],
    ['an encrypted key', encrypted, undefined, /encrypted/, /openssl pkcs8/],
    [
      'an encrypted key of the old form',
      `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\nAAAA\n-----END RSA PRIVATE KEY-----`,
      undefined,
      /encrypted/,
      /openssl/,
    ],
    [
      'a key of OpenSSH',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----',
      undefined,
      /OpenSSH/,
      /ssh-keygen/,
    ],
    [
      'a key that is cut off',
      pem(rsa.privateKey, 'pkcs8').slice(0, 300),
      undefined,
      /cut off or damaged/,
      /Give a PEM/,
    ],
    [
      'a small RSA key',
      pem(small.privateKey, 'pkcs8'),
      undefined,
      /1024 bits; at least 2048/,
      /openssl genpkey/,
    ],
    ['a curve of another purpose', pem(k256.privateKey, 'pkcs8'), undefined, /secp256k1/, /openssl genpkey/],
    ['a key that cannot sign', pem(x25519.privateKey, 'pkcs8'), undefined, /x25519/, /openssl genpkey/],
    ['a key for another algorithm', pem(rsa.privateKey, 'pkcs8'), 'ES256', /cannot sign with ES256/, /RS256/],
    [
      'a curve for another algorithm',
      pem(p256.privateKey, 'sec1'),
      'ES384',
      /cannot sign with ES384.*prime256v1/,
      /ES256/,
    ],
    ['a public JWK', jwk(rsa.publicKey), undefined, /is a public key/, /Give a PEM/],
    [
      'a set of keys',
      JSON.stringify({ keys: [JSON.parse(jwk(rsa.privateKey))] }),
      undefined,
      /set of keys/,
      /within `keys`/,
    ],
    [
      'a shared secret',
      JSON.stringify({ kty: 'oct', k: 'AAAA' }),
      undefined,
      /shared secret/,
      /client_secret/,
    ],
    ['broken JSON', '{"kty":"RSA"', undefined, /not well-formed JSON/, /Give a PEM/],
    [
      'a JWK without its modulus',
      jwk(rsa.privateKey, { n: undefined }),
      undefined,
      /missing or damaged/,
      /Give a PEM/,
    ],
  ])('%s', (_what, text, wanted, problem, remedy) => {
    expect(() => readPrivateKey(text, wanted)).toThrow(PrivateKeyFault);
    const faults = configFaults(
      text,
      wanted === undefined ? {} : { token_endpoint_auth_signing_alg: wanted },
    );
    expect(faults).toEqual([
      {
        path: 'providers[0].client_private_key',
        problem: expect.stringMatching(problem) as string,
        remedy: expect.stringMatching(remedy) as string,
      },
    ]);
    expect(JSON.stringify(faults)).not.toContain(text.slice(40, 100) || text);
  });
});

describe('a certificate beside the key', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-certificate-'));
  const file = join(folder, 'key.pem');
  writeFileSync(file, pem(rsa.privateKey, 'pkcs8'));
  execFileSync('openssl', [
    'req',
    '-x509',
    '-key',
    file,
    '-out',
    join(folder, 'certificate.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=gatehouse',
  ]);
  const certificate = readFileSync(join(folder, 'certificate.pem'), 'utf8');
  const thumbprint = execFileSync('openssl', [
    'x509',
    '-in',
    join(folder, 'certificate.pem'),
    '-noout',
    '-fingerprint',
    '-sha1',
  ])
    .toString()
    .replace(/^.*=/, '')
    .replaceAll(':', '')
    .trim();
  rmSync(folder, { recursive: true });

  it('names it by its thumbprints, as Entra ID and AD FS look for it', () => {
    const { x5t, ...rest } = readCertificate(certificate, rsa.privateKey);
    expect(Buffer.from(x5t, 'base64url').toString('hex').toUpperCase()).toBe(thumbprint);
    expect(rest['x5t#S256']).toMatch(/^[\w-]{43}$/);
    expect(configFaults(pem(rsa.privateKey, 'pkcs1'), { client_certificate: certificate })).toEqual([]);
  });

  it.each([
    ['that belongs to another key', pem(p256.privateKey, 'sec1'), certificate, /another key/],
    ['that is none', pem(rsa.privateKey, 'pkcs8'), publicPem, /is no certificate/],
    ['that is cut off', pem(rsa.privateKey, 'pkcs8'), certificate.slice(0, 200), /is no certificate/],
  ])('%s is refused', (_what, key, text, problem) => {
    expect(configFaults(key, { client_certificate: text })).toMatchObject([
      { path: 'providers[0].client_certificate', problem: expect.stringMatching(problem) as string },
    ]);
  });
});
