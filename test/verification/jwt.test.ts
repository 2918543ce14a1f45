/** JWT access tokens that are good, and how the configuration decides what is. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { importPKCS8, SignJWT } from 'jose';
import { afterAll, describe, expect, it, test } from 'vitest';
import { escapeName } from '../../src/verification/jwt/key-directory.ts';
import type { TokenSettings } from '../../src/verification/settings.ts';
import { signingKey } from '../upstream/support/forged-idp.ts';
import { startTokenIdp } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-keys-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('a JWT access token', () => {
  test.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'])(
    'signed with %s is good',
    async (alg) => {
      await using peer = await startTokenIdp();
      const key = await signingKey(`good ${alg}`, alg);
      peer.idp.keys = [key.jwk];
      expect(await peer.kindOf(await peer.sign({}, {}, key))).toBe('active');
    },
  );

  it('says who and what it is for', async () => {
    await using peer = await startTokenIdp();
    const verdict = await peer.verify(await peer.sign());
    const now = Math.floor(peer.idp.clock.now() / 1000) * 1000;
    expect(verdict).toMatchObject({
      kind: 'active',
      token: {
        provider: 'main',
        issuer: peer.idp.issuer,
        subject: 'sub-of-alice',
        localpart: 'alice',
        deviceId: 'ALICEPHONE',
        clientId: 'an-app',
        scope: ['openid', 'urn:matrix:client:api:*', 'urn:matrix:client:device:ALICEPHONE'],
        issuedAt: now,
        expiresAt: now + 300_000,
      },
    });
  });

  test.each<[string, Partial<TokenSettings>, Record<string, unknown>, Record<string, unknown>, string]>([
    ['any of several audiences', { audience: ['a', 'b'] }, { aud: ['x', 'b'] }, {}, 'active'],
    ['another audience than the configured ones', { audience: ['a'] }, {}, {}, 'invalid'],
    ['any audience where none is required', { audience: [] }, { aud: undefined }, {}, 'active'],
    ['an authorized party by azp', { authorized_parties: ['app'] }, { azp: 'app' }, {}, 'active'],
    ['an authorized party by client_id', { authorized_parties: ['an-app'] }, {}, {}, 'active'],
    [
      'another azp, whatever client_id says',
      { authorized_parties: ['an-app'] },
      { azp: 'evil' },
      {},
      'invalid',
    ],
    [
      'no party where one is required',
      { authorized_parties: ['app'] },
      { client_id: undefined },
      {},
      'invalid',
    ],
    ['typ JWT where it is allowed', { jwt: { types: ['jwt'] } }, {}, { typ: 'JWT' }, 'active'],
    ['no typ where that is allowed', { jwt: { types: ['none'] } }, {}, { typ: undefined }, 'active'],
    ['application/at+jwt', {}, {}, { typ: 'application/at+jwt' }, 'active'],
    ['AT+JWT', {}, {}, { typ: 'AT+JWT' }, 'active'],
    ['an ID token by at_hash', { jwt: { types: ['jwt'] } }, { at_hash: 'x' }, { typ: 'JWT' }, 'invalid'],
    ['an ID token by nonce', { jwt: { types: ['jwt'] } }, { nonce: 'x' }, { typ: 'JWT' }, 'invalid'],
    ['a logout token', { jwt: { types: ['jwt'] } }, { events: {} }, { typ: 'JWT' }, 'invalid'],
    [
      'a refresh token that says so',
      { jwt: { types: ['jwt'] } },
      { typ: 'Refresh' },
      { typ: 'JWT' },
      'invalid',
    ],
    ['an ID token that says so', { jwt: { types: ['jwt'] } }, { typ: 'ID' }, { typ: 'JWT' }, 'invalid'],
    [
      'a nonce in what says that it is a bearer token',
      { jwt: { types: ['jwt'] } },
      { typ: 'Bearer', nonce: 'x' },
      { typ: 'JWT' },
      'active',
    ],
    ['the required scope', { required_scope: ['openid'] }, {}, {}, 'active'],
    ['one of two required scopes', { required_scope: ['openid', 'mail'] }, {}, {}, 'insufficient_scope'],
    ['the scope in other letters', { required_scope: ['OpenID'] }, {}, {}, 'insufficient_scope'],
    ['scope as a list', { required_scope: ['mail'] }, { scope: ['mail', 'x'] }, {}, 'active'],
    ['scp as a list', { required_scope: ['mail'] }, { scope: undefined, scp: ['mail'] }, {}, 'active'],
    ['scp as a text', { required_scope: ['mail'] }, { scope: undefined, scp: 'x mail' }, {}, 'active'],
    ['no scope at all', { required_scope: ['mail'] }, { scope: undefined }, {}, 'insufficient_scope'],
    ['an algorithm that is not listed', { jwt: { algorithms: ['RS256'] } }, {}, {}, 'invalid'],
    [
      'an hour where half of one is the most',
      { jwt: { max_lifetime_seconds: 1800 } },
      { exp: 3_600 },
      {},
      'invalid',
    ],
    ['an expiry 20 seconds ago within the leeway', {}, { exp: -20 }, {}, 'active'],
    ['an expiry 20 seconds ago without leeway', { jwt: { leeway_seconds: 0 } }, { exp: -20 }, {}, 'expired'],
    [
      'the claims of the access rules',
      { access: { require: [{ claim: 'groups', any_of: ['staff'] }], deny: [], admin: [] } },
      { groups: ['staff'] },
      {},
      'active',
    ],
    [
      'not the claims of the access rules',
      { access: { require: [{ claim: 'groups', any_of: ['staff'] }], deny: [], admin: [] } },
      { groups: ['x'] },
      {},
      'excluded',
    ],
    [
      'a group that is denied',
      { access: { require: [], deny: [{ claim: 'groups', any_of: ['x'] }], admin: [] } },
      { groups: ['x'] },
      {},
      'excluded',
    ],
  ])('with %s', async (_name, tokens, claims, header, expected) => {
    await using peer = await startTokenIdp(tokens);
    const now = Math.floor(peer.idp.clock.now() / 1000);
    const { exp } = claims;
    const changes = typeof exp === 'number' ? { ...claims, exp: now + exp } : claims;
    expect(await peer.kindOf(await peer.sign(changes, header))).toBe(expected);
  });

  test.each<[TokenSettings['claims'], Record<string, unknown>, object]>([
    [{ localpart: '{matrix.name|lower}' }, { matrix: { name: 'ALICE' } }, { localpart: 'alice' }],
    [{ localpart: 'email' }, { email: 'a b' }, { localpart: undefined }],
    [{ localpart: '{email|before_at}' }, { email: 'al@example.org' }, { localpart: 'al' }],
    [{ device: 'ext.device' }, { ext: { device: 'D' } }, { deviceId: 'D' }],
    [{ device: 'sid' }, { sid: 7 }, { deviceId: undefined }],
    [{ client: 'app.id' }, { app: { id: 'x' } }, { clientId: 'x' }],
    [{ scope: 'permissions' }, { permissions: ['a', 'b'] }, { scope: ['a', 'b'] }],
    [{}, { scope: 'urn:matrix:client:device:A urn:matrix:client:device:B' }, { deviceId: undefined }],
    [
      {},
      { scope: 'urn:matrix:org.matrix.msc2967.client:device:A urn:matrix:client:device:A' },
      { deviceId: 'A' },
    ],
    [{}, { client_id: undefined, azp: 'by-azp' }, { clientId: 'by-azp' }],
  ])('with the claims %j of %j', async (claims, said, expected) => {
    await using peer = await startTokenIdp({ claims });
    expect(await peer.verify(await peer.sign(said))).toMatchObject({ kind: 'active', token: expected });
  });

  it('is no longer good once its key is gone and the key set was asked for again', async () => {
    await using peer = await startTokenIdp({ cache: { entries: 0 } });
    const token = await peer.sign();
    expect(await peer.kindOf(token)).toBe('active');
    peer.idp.keys = [(await signingKey('next')).jwk];
    peer.idp.clock.advance(60_000);
    await peer.idp.provider.refresh();
    expect(await peer.kindOf(token), 'it may be signed by a key of the last half minute').toBe('unavailable');
    peer.idp.clock.advance(30_001);
    expect(await peer.kindOf(token)).toBe('invalid');
  });

  it('is not judged while the keys cannot be had, and then is', async () => {
    await using peer = await startTokenIdp();
    const token = await peer.sign();
    await peer.idp.server.goDown();
    expect(await peer.kindOf(token)).toBe('unavailable');
    expect(await peer.kindOf(await peer.sign({ aud: 'x' }))).toBe('invalid');
    await peer.idp.server.comeBack();
    peer.idp.clock.advance(60_000);
    expect(await peer.kindOf(token)).toBe('active');
  });

  it('is good while the provider is down, once its keys are held', async () => {
    await using peer = await startTokenIdp();
    expect(await peer.kindOf(await peer.sign())).toBe('active');
    await peer.idp.server.goDown();
    peer.idp.clock.advance(3_600_000);
    expect(await peer.kindOf(await peer.sign({ preferred_username: 'bob' }))).toBe('active');
  });
});

describe('a folder of keys', () => {
  const pair = (type: 'rsa' | 'ec' | 'ed25519', options: object = {}) => {
    const { privateKey, publicKey } = generateKeyPairSync(
      type as 'rsa',
      options as { modulusLength: number },
    );
    return {
      private: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      public: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    };
  };
  const rsa = pair('rsa', { modulusLength: 2048 });
  const weak = pair('rsa', { modulusLength: 1024 });
  const ec = pair('ec', { namedCurve: 'P-256' });
  const ed = pair('ed25519');
  const secret = randomBytes(64);
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  put('app/RS256/rsa1', rsa.public);
  put('app/PS384/rsa1', rsa.public);
  put('app/RS256/weak', weak.public);
  put('app/RS256/private', rsa.private);
  put('app/ES256/default', ec.public);
  put('default/ES256/default', ec.public);
  put('default/EdDSA/ed', ed.public);
  put('app/HS256/shared', secret.toString('base64'));
  put('app/HS512/shared', `${secret.toString('base64')}\n`);
  put('app/HS256/short', randomBytes(8).toString('base64'));
  put('app/HS256/pem', rsa.public);
  put('app/HS256/rsa1', secret.toString('base64'));
  put('app/RS256/..%2f..', rsa.public);
  put('a%2fb/RS256/k%25', rsa.public);

  const sign = async (
    claims: Record<string, unknown>,
    alg: string,
    key: string | Buffer,
    kid?: string,
  ): Promise<string> =>
    new SignJWT(claims)
      .setProtectedHeader({ alg, typ: 'at+jwt', ...(kid === undefined ? {} : { kid }) })
      .sign(typeof key === 'string' ? await importPKCS8(key, alg) : key);

  test.each<[string, Record<string, unknown>, string, string | Buffer, string | undefined, string]>([
    ['RS256 by azp and kid', { azp: 'app' }, 'RS256', rsa.private, 'rsa1', 'active'],
    ['PS384 by azp and kid', { azp: 'app' }, 'PS384', rsa.private, 'rsa1', 'active'],
    ['HS256 by a shared secret', { azp: 'app' }, 'HS256', secret, 'shared', 'active'],
    ['HS512 by a shared secret', { azp: 'app' }, 'HS512', secret, 'shared', 'active'],
    ['no kid', { azp: 'app' }, 'ES256', ec.private, undefined, 'active'],
    ['no azp and no kid', {}, 'ES256', ec.private, undefined, 'active'],
    ['no azp', {}, 'EdDSA', ed.private, 'ed', 'active'],
    ['azp with a slash and kid with a percent sign', { azp: 'a/b' }, 'RS256', rsa.private, 'k%', 'active'],
    ['an algorithm that the key is not there for', { azp: 'app' }, 'RS384', rsa.private, 'rsa1', 'invalid'],
    ['another azp', { azp: 'other' }, 'RS256', rsa.private, 'rsa1', 'invalid'],
    ['another key', { azp: 'app' }, 'RS256', pair('rsa', { modulusLength: 2048 }).private, 'rsa1', 'invalid'],
    [
      'HS256 by the text of the public key',
      { azp: 'app' },
      'HS256',
      Buffer.from(rsa.public),
      'rsa1',
      'invalid',
    ],
    [
      'HS256 by a public key that lies where a secret belongs',
      { azp: 'app' },
      'HS256',
      Buffer.from(rsa.public),
      'pem',
      'invalid',
    ],
    ['HS256 by a secret that can be guessed', { azp: 'app' }, 'HS256', randomBytes(32), 'short', 'invalid'],
    ['RSA of 1024 bits', { azp: 'app' }, 'RS256', weak.private, 'weak', 'invalid'],
    ['a private key in the folder', { azp: 'app' }, 'RS256', rsa.private, 'private', 'invalid'],
    ['a kid that climbs', { azp: 'app' }, 'RS256', rsa.private, '../RS256/rsa1', 'invalid'],
    ['a kid that climbs, escaped', { azp: 'app' }, 'RS256', rsa.private, '..%2fRS256%2frsa1', 'invalid'],
    ['an azp that climbs', { azp: '../app' }, 'RS256', rsa.private, 'rsa1', 'invalid'],
    ['an azp of two dots', { azp: '..' }, 'RS256', rsa.private, 'rsa1', 'invalid'],
    ['an empty azp', { azp: '' }, 'RS256', rsa.private, 'rsa1', 'invalid'],
    ['NUL in kid', { azp: 'app' }, 'RS256', rsa.private, 'rsa1\0', 'invalid'],
    ['a long kid', { azp: 'app' }, 'RS256', rsa.private, 'k'.repeat(5000), 'invalid'],
    ['an azp that is a list', { azp: ['app'] }, 'RS256', rsa.private, 'rsa1', 'invalid'],
  ])('knows %s', async (_name, claims, alg, key, kid, expected) => {
    const algorithms = ['RS256', 'RS384', 'PS384', 'ES256', 'EdDSA', 'HS256', 'HS512'];
    await using peer = await startTokenIdp({ jwt: { key_directory: folder, algorithms } });
    if (typeof key === 'string' && key === weak.private) {
      // The library signs with no key as short as that: the token is made of another, and refused for the key that lies there.
      key = rsa.private;
    }
    expect(await peer.kindOf(await sign(peer.claims(claims), alg, key, kid))).toBe(expected);
    expect(peer.idp.server.count('/jwks')).toBe(0);
  });

  it('takes up a new key, and forgets one that was taken away, within half a minute', async () => {
    await using peer = await startTokenIdp({ jwt: { key_directory: folder }, cache: { entries: 0 } });
    const token = () => sign(peer.claims({ azp: 'rotated' }), 'ES256', ec.private, 'new');
    expect(await peer.kindOf(await token())).toBe('invalid');
    put('rotated/ES256/new', ec.public);
    peer.idp.clock.advance(30_001);
    expect(await peer.kindOf(await token())).toBe('active');
    rmSync(join(folder, 'rotated/ES256/new'));
    peer.idp.clock.advance(30_001);
    expect(await peer.kindOf(await token())).toBe('invalid');
  });

  it('that cannot be read is an outage', async () => {
    await using peer = await startTokenIdp({ jwt: { key_directory: join(folder, '\0') } });
    expect(await peer.kindOf(await sign(peer.claims({}), 'ES256', ec.private, undefined))).toBe(
      'unavailable',
    );
  });

  test.each([
    ['plain', 'plain'],
    ['a.b', 'a.b'],
    ['.', '%2e'],
    ['..', '%2e%2e'],
    ['', '%'],
    ['a/b', 'a%2fb'],
    ['a%b', 'a%25b'],
    ['a\\b', 'a%5cb'],
    ['a\0', 'a%00'],
    ['ä', '%c3%a4'],
    ['../x', '..%2fx'],
  ])('names the file of %j %j', (text, name) => {
    expect(escapeName(text)).toBe(name);
  });
});
