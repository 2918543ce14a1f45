/** ID tokens signed with ES256K (RFC 8812), which some providers offer and the JOSE library does not have. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { JWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { UpstreamRefusal } from '../../../src/upstream/login/refusal.ts';
import type { ProviderSettings } from '../../../src/upstream/settings.ts';
import { type ForgedIdp, startForgedIdp } from '../support/forged-idp.ts';
import { sendJson } from '../support/scripted-server.ts';

const onCurve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const pair = onCurve('secp256k1');
const other = onCurve('secp256k1');
const wrongCurve = onCurve('P-256');
const jwk = { ...(pair.publicKey.export({ format: 'jwk' }) as JWK), kid: 'k', alg: 'ES256K', use: 'sig' };
const LISTED = { id_token_signing_alg_values_supported: ['RS256', 'ES256K'] };

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

interface Forgery {
  readonly key?: KeyObject;
  readonly header?: object;
  readonly encoding?: 'ieee-p1363' | 'der';
  readonly signature?: Buffer;
}

function signsWith(idp: ForgedIdp, forgery: Forgery = {}): void {
  idp.token = async (response, good) => {
    const answer = await good();
    const [, payload = ''] = String(answer['id_token']).split('.');
    const { key = pair.privateKey, header = {}, encoding = 'ieee-p1363' } = forgery;
    const signed = `${encode({ alg: 'ES256K', kid: 'k', ...header })}.${payload}`;
    const signature =
      forgery.signature ?? sign('sha256', Buffer.from(signed), { key, dsaEncoding: encoding });
    sendJson(response, { ...answer, id_token: `${signed}.${signature.toString('base64url')}` });
  };
}

describe('an ID token with ES256K', () => {
  it.each<[string, Partial<ProviderSettings>, object, Partial<JWK>]>([
    ['the metadata lists it', {}, LISTED, {}],
    ['the configuration names it', { id_token_algorithms: ['ES256K'] }, {}, {}],
    ['the key does not say its algorithm', {}, LISTED, { alg: '' }],
    ['the key says neither its algorithm nor its use', {}, LISTED, { alg: '', use: '' }],
  ])('counts where %s', async (_name, settings, metadata, changes) => {
    await using idp = await startForgedIdp(settings);
    idp.metadata = { ...metadata };
    idp.keys = [...idp.keys, { ...jwk, ...changes }];
    signsWith(idp);
    expect((await idp.login()).subject).toBe('sub-of-alice');
  });

  it.each<[string, Partial<ProviderSettings>, object, Forgery]>([
    ['nobody names it', {}, {}, {}],
    ['the metadata lists others', {}, { id_token_signing_alg_values_supported: ['ES256'] }, {}],
    ['the configuration names others', { id_token_algorithms: ['ES256'] }, LISTED, {}],
    ['another key signed', {}, LISTED, { key: other.privateKey }],
    ['a key on another curve signed', {}, LISTED, { key: wrongCurve.privateKey }],
    ['the signature is in DER', {}, LISTED, { encoding: 'der' }],
    ['the signature is all zeros', {}, LISTED, { signature: Buffer.alloc(64) }],
    ['the signature is too short', {}, LISTED, { signature: Buffer.alloc(63, 1) }],
    ['the signature is too long', {}, LISTED, { signature: Buffer.alloc(65, 1) }],
    ['there is no signature', {}, LISTED, { signature: Buffer.alloc(0) }],
    [
      'it calls itself ES256',
      {},
      { id_token_signing_alg_values_supported: ['ES256', 'ES256K'] },
      { header: { alg: 'ES256', kid: 'one' } },
    ],
    ['it has a critical extension', {}, LISTED, { header: { crit: ['b64'], b64: false } }],
  ])('is refused where %s', async (_name, settings, metadata, forgery) => {
    await using idp = await startForgedIdp(settings);
    idp.metadata = { ...metadata };
    idp.keys = [...idp.keys, jwk];
    signsWith(idp, forgery);
    await expect(idp.login()).rejects.toThrow(UpstreamRefusal);
  });

  it.each<[string, Partial<JWK>]>([
    ['a point that is not on the curve', { x: Buffer.alloc(32, 1).toString('base64url') }],
    ['no y', { y: '' }],
    ['another curve', { crv: 'P-256' }],
    ['another type', { kty: 'OKP' }],
    ['another algorithm', { alg: 'ES256' }],
    ['another use', { use: 'enc' }],
  ])('is not verified by a key with %s', async (_name, changes) => {
    await using idp = await startForgedIdp();
    idp.metadata = LISTED;
    idp.keys = [...idp.keys, { ...jwk, ...changes }];
    signsWith(idp);
    await expect(idp.login()).rejects.toThrow();
  });

  it('has the hash of SHA-256 over the access token', async () => {
    await using idp = await startForgedIdp();
    idp.metadata = LISTED;
    idp.keys = [jwk];
    signsWith(idp);
    // The forged provider states that of ES256, which has the same hash.
    expect((await idp.login()).claims['at_hash']).toBeDefined();
    idp.claims = { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' };
    await expect(idp.login()).rejects.toThrow(UpstreamRefusal);
  });
});
