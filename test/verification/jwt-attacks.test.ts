/** What a JWT access token must not get away with. Numbers in brackets are those of the entries of RFC 8725's and others' attack lists. */
import { createHmac } from 'node:crypto';
import { exportSPKI, importJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { resolveSettings } from '../../src/upstream/resolved-settings.ts';
import { localJwt } from '../../src/verification/strategies/local-jwt.ts';
import { signingKey } from '../upstream/support/forged-idp.ts';
import { startTokenIdp, type TokenIdp } from './support.ts';

let peer: TokenIdp;

beforeAll(async () => {
  peer = await startTokenIdp();
  peer.idp.keys = [
    peer.idp.signer.jwk,
    (await signingKey('rsa', 'RS256')).jwk,
    { ...(await signingKey('enc', 'ES256')).jwk, use: 'enc' },
    { ...(await signingKey('ops', 'ES256')).jwk, key_ops: ['encrypt'] },
  ];
  expect(await peer.kindOf(await peer.sign())).toBe('active');
});
afterAll(async () => {
  // The documents at the start, and the one look for keys after that: the clock stands still.
  expect(peer.questions()).toEqual([]);
  expect(peer.idp.server.count('/jwks')).toBeLessThanOrEqual(2);
  await peer[Symbol.asyncDispose]();
});

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token of these texts, signed well or not at all. */
function raw(header: unknown, claims: unknown, signature = 'AAAA'): string {
  return `${encode(header)}.${encode(claims)}.${signature}`;
}

async function signedRaw(header: string, payload: Buffer | string): Promise<string> {
  const { subtle } = globalThis.crypto;
  const head = Buffer.from(header).toString('base64url');
  const body = Buffer.from(payload).toString('base64url');
  const signature = await subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' },
    peer.idp.signer.privateKey,
    Buffer.from(`${head}.${body}`),
  );
  return `${head}.${body}.${Buffer.from(signature).toString('base64url')}`;
}

const ES256 = '{"alg":"ES256","kid":"one","typ":"at+jwt"}';

type Make = () => Promise<string> | string;

async function refuses(make: Make, kinds: readonly string[] = ['malformed', 'invalid']): Promise<void> {
  const verdict = await peer.verify(await make());
  expect(verdict.kind).not.toBe('active');
  expect(kinds).toContain(verdict.kind === 'inactive' ? verdict.fault : verdict.kind);
}

describe('the header', () => {
  test.each<[string, unknown]>([
    ['none', 'none'],
    ['None', 'None'],
    ['nOnE', 'nOnE'],
    ['absent', undefined],
    ['a list', ['ES256']],
    ['null', null],
    ['a number', 1],
    ['empty', ''],
    ['lower case', 'es256'],
    ['HS256', 'HS256'],
  ])('alg is %s', async (_name, alg) => {
    await refuses(() => raw({ alg, kid: 'one', typ: 'at+jwt' }, peer.claims(), ''));
    await refuses(() => raw({ alg, kid: 'one', typ: 'at+jwt' }, peer.claims()));
  });

  test.each<[string, (text: string) => string]>([
    ['PEM', (pem) => pem],
    ['PEM after a line break', (pem) => `\n${pem}`],
    ['PEM without its last line break', (pem) => pem.trimEnd()],
  ])('HS256 by the published key as %s', async (_name, change) => {
    const { jwk } = await signingKey('rsa', 'RS256');
    const pem = await exportSPKI((await importJWK(jwk, 'RS256')) as Parameters<typeof exportSPKI>[0]);
    for (const secret of [change(pem), JSON.stringify(jwk), jwk.n ?? '']) {
      const text = `${encode({ alg: 'HS256', kid: 'rsa', typ: 'at+jwt' })}.${encode(peer.claims())}`;
      const signature = createHmac('sha256', secret).update(text).digest('base64url');
      await refuses(() => `${text}.${signature}`);
    }
  });

  test.each([
    ['PS256 by a key for RS256', 'rsa', 'PS256'],
    ['ES256 by a key for encryption', 'enc', 'ES256'],
    ['ES256 by a key that may not verify', 'ops', 'ES256'],
  ])('%s', async (_name, kid, alg) => {
    const key = await signingKey(kid, alg === 'PS256' ? 'PS256' : alg);
    await refuses(() => peer.sign({}, { kid, alg }, key), ['invalid', 'unavailable']);
  });

  test.each<[string, unknown]>([
    ['a path', '../../etc/passwd'],
    ['SQL', "' OR 1=1 --"],
    ['__proto__', '__proto__'],
    ['toString', 'toString'],
    ['empty', ''],
    ['long', 'k'.repeat(9000)],
    ['a number', 1],
    ['an object', {}],
    ['a list', ['one']],
  ])('kid is %s', async (_name, kid) => {
    await refuses(
      () => signedRaw(JSON.stringify({ alg: 'ES256', kid, typ: 'at+jwt' }), JSON.stringify(peer.claims())),
      ['malformed', 'invalid', 'unavailable'],
    );
  });

  test.each(['jku', 'x5u'])('%s is not fetched, and the token judged without it', async (name) => {
    const url = `${peer.idp.issuer}/attacker/keys`;
    expect(await peer.kindOf(await peer.sign({}, { [name]: url }))).toBe('active');
    const forger = await signingKey('one-forged');
    await refuses(() => peer.sign({}, { [name]: url, kid: 'one' }, forger));
  });

  it('has a key of its own, which does not count', async () => {
    const forger = await signingKey('one-forged');
    await refuses(() => peer.sign({}, { jwk: forger.jwk, kid: 'one' }, forger));
    await refuses(() => peer.sign({}, { x5c: ['MIIB'], kid: 'one' }, forger));
  });

  test.each<[string, Record<string, unknown>]>([
    ['crit with what is unknown', { crit: ['x'], x: 1 }],
    ['crit that is empty', { crit: [] }],
    ['crit with alg', { crit: ['alg'] }],
    ['crit with one name twice', { crit: ['x', 'x'], x: 1 }],
    ['crit that is a text', { crit: 'x', x: 1 }],
    ['b64 false', { b64: false, crit: ['b64'] }],
    ['b64 false without crit', { b64: false }],
    ['b64 true', { b64: true }],
    ['zip', { zip: 'DEF' }],
    ['enc', { enc: 'A256GCM' }],
    ['p2c', { p2c: 1e9, p2s: 'x' }],
    ['cty JWT', { cty: 'JWT' }],
  ])('has %s (98 to 100)', async (_name, members) => {
    const header = { alg: 'ES256', kid: 'one', typ: 'at+jwt', ...members };
    await refuses(() => signedRaw(JSON.stringify(header), JSON.stringify(peer.claims())), ['malformed']);
  });

  test.each([
    ['two parts', 'eyJhbGciOiJFUzI1NiJ9.e30'],
    ['four parts', 'eyJhbGciOiJFUzI1NiJ9.e30.AAAA.AAAA'],
    ['five parts (JWE)', 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA'],
    ['PBES2 in five parts', `${encode({ alg: 'PBES2-HS256+A128KW', p2c: 1e9 })}.A.A.A.A`],
    ['six parts', 'eyJhbGciOiJFUzI1NiJ9.a.b.c.d.e'],
    ['only dots', '..'],
    ['an empty payload', 'eyJhbGciOiJFUzI1NiJ9..AAAA'],
  ])('%s', async (_name, token) => {
    await refuses(() => token, ['malformed']);
  });

  test.each<[string, unknown]>([
    ['missing', undefined],
    ['JWT', 'JWT'],
    ['id_token', 'id_token'],
    ['logout+jwt', 'logout+jwt'],
    ['dpop+jwt', 'dpop+jwt'],
    ['at+jwt+x', 'at+jwt+x'],
    ['a list', ['at+jwt']],
    ['empty', ''],
  ])('typ is %s', async (_name, typ) => {
    await refuses(() => peer.sign({}, { typ }));
  });
});

describe('the claims', () => {
  test.each<[string, unknown]>([
    ['another', 'https://evil.example.com'],
    ['with a slash more', 'SLASH'],
    ['in capitals', 'CAPITALS'],
    ['a list', ['LIST']],
    ['absent', undefined],
    ['null', null],
    ['a number', 1],
  ])('iss is %s', async (_name, iss) => {
    const { issuer } = peer.idp;
    const changed =
      iss === 'SLASH'
        ? `${issuer}/`
        : iss === 'CAPITALS'
          ? issuer.toUpperCase()
          : Array.isArray(iss)
            ? [issuer]
            : iss;
    await refuses(() => peer.sign({ iss: changed }), ['invalid']);
  });

  test.each<[string, unknown]>([
    ['absent', undefined],
    ['another', 'somebody-else'],
    ['empty', ''],
    ['an empty list', []],
    ['an object', { gatehouse: true }],
    ['a list in a list', [['gatehouse']]],
    ['a list with a number', ['gatehouse', 1]],
    ['a list of 200', [...Array.from({ length: 200 }, (_, i) => `a${String(i)}`), 'gatehouse']],
    ['a number', 1],
    ['a part of ours', 'gate'],
    ['ours with more', 'gatehouse2'],
  ])('aud is %s', async (_name, aud) => {
    await refuses(() => peer.sign({ aud }), ['invalid']);
  });

  test.each<[string, (now: number) => Record<string, unknown>, string]>([
    ['exp is missing', () => ({ exp: undefined }), 'invalid'],
    ['exp is a text', (now) => ({ exp: String(now + 300) }), 'invalid'],
    ['exp is a fraction', (now) => ({ exp: now + 300.5 }), 'invalid'],
    ['exp is 1e308', () => ({ exp: 1e308 }), 'invalid'],
    ['exp is negative', () => ({ exp: -1 }), 'invalid'],
    ['exp is true', () => ({ exp: true }), 'invalid'],
    ['exp is null', () => ({ exp: null }), 'invalid'],
    ['exp has passed', (now) => ({ exp: now - 31 }), 'expired'],
    ['exp is far', (now) => ({ exp: now + 90_000 }), 'invalid'],
    ['exp is far without iat', (now) => ({ iat: undefined, exp: now + 90_000 }), 'invalid'],
    ['nbf is ahead', (now) => ({ nbf: now + 31 }), 'invalid'],
    ['nbf is a text', () => ({ nbf: '0' }), 'invalid'],
    ['iat is ahead', (now) => ({ iat: now + 61 }), 'invalid'],
    ['iat is a text', () => ({ iat: '1' }), 'invalid'],
    ['iat is a fraction', (now) => ({ iat: now - 0.5 }), 'invalid'],
  ])('%s', async (_name, change, kind) => {
    const now = Math.floor(peer.idp.clock.now() / 1000);
    await refuses(() => peer.sign(change(now)), [kind]);
  });

  test.each<[string, unknown]>([
    ['missing', undefined],
    ['empty', ''],
    ['a number', 42],
    ['an object', {}],
    ['a list', ['x']],
    ['long', 'x'.repeat(256)],
    ['with a line break', 'a\nb'],
    ['with NUL', 'a\0'],
    ['with half a character', '\ud800'],
  ])('sub is %s', async (_name, sub) => {
    await refuses(() => peer.sign({ sub }));
  });

  test.each<[string, () => Promise<string>]>([
    [
      'a claim twice',
      () => signedRaw(ES256, JSON.stringify(peer.claims()).replace('{', '{"sub":"mallory",')),
    ],
    ['alg twice', () => signedRaw(ES256.replace('{', '{"alg":"none",'), JSON.stringify(peer.claims()))],
    [
      'a claim twice, once escaped',
      () => signedRaw(ES256, JSON.stringify(peer.claims()).replace('{', '{"s\\u0075b":"x",')),
    ],
    [
      '__proto__',
      () => signedRaw(ES256, JSON.stringify(peer.claims()).replace('{', '{"__proto__":{"a":1},')),
    ],
    ['a byte order mark', () => signedRaw(ES256, `\ufeff${JSON.stringify(peer.claims())}`)],
    [
      'bytes that are not UTF-8',
      () =>
        signedRaw(
          ES256,
          Buffer.concat([
            Buffer.from(JSON.stringify(peer.claims()).slice(0, -1)),
            Buffer.from([0x2c, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
          ]),
        ),
    ],
    ['a list instead of an object', () => signedRaw(ES256, '[]')],
    ['null', () => signedRaw(ES256, 'null')],
    ['no JSON', () => signedRaw(ES256, 'x')],
    ['something behind it', () => signedRaw(ES256, `${JSON.stringify(peer.claims())}x`)],
  ])('the text has %s', async (_name, make) => {
    await refuses(make, ['malformed']);
  });

  test.each([33, 1000, 3000])('are nested %d deep', async (depth) => {
    const deep = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    await refuses(
      () => signedRaw(ES256, JSON.stringify(peer.claims()).replace('{', `{"deep":${deep},`)),
      ['malformed'],
    );
  });

  test.each<[string, Record<string, unknown>]>([
    ['a key that it is bound to', { cnf: { jkt: 'x' } }],
    ['a scope that is a number', { scope: 1 }],
    ['a scope that is a list of numbers', { scope: [1] }],
    ['a scope with quotes', { scope: 'a"b' }],
    ['a token_type of another kind', { token_type: 'DPoP' }],
    ['token_type N_A', { token_type: 'N_A' }],
    ['the event of a logout', { events: {}, typ: 'Logout' }],
  ])('have %s', async (_name, claims) => {
    await refuses(() => peer.sign(claims, claims['events'] === undefined ? {} : { typ: 'JWT' }));
  });
});

describe('the text', () => {
  test.each<[string, (token: string) => string]>([
    ['padded', (token) => `${token}=`],
    ['padded within', (token) => token.replace('.', '=.')],
    ['with a space before it', (token) => ` ${token}`],
    ['with a line break after it', (token) => `${token}\n`],
    ['with a line break within', (token) => `${token.slice(0, 20)}\n${token.slice(20)}`],
    ['in the other alphabet', (token) => `${token.slice(0, token.lastIndexOf('.'))}.++//`],
    [
      'with stray bits at the end',
      (token) => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : strayOf(token)}`,
    ],
    ['without its signature', (token) => token.slice(0, token.lastIndexOf('.') + 1)],
    ['with a byte less of signature', (token) => token.slice(0, -2)],
    ['with more behind it', (token) => `${token}AAAA`],
    [
      'with another payload',
      (token) => token.replace(/\.[^.]*\./, `.${encode(peer.claims({ sub: 'mallory' }))}.`),
    ],
  ])('is %s', async (_name, change) => {
    const token = await peer.sign();
    await refuses(() => change(token));
  });

  it('is longer than 16 kB, and 8 kB are none too many', async () => {
    expect(await peer.kindOf(await peer.sign({ long: 'x'.repeat(6000) }))).toBe('active');
    await refuses(() => peer.sign({ long: 'x'.repeat(13_000) }), ['malformed']);
  });

  test.each([
    ['zeroes', Buffer.alloc(64)],
    ['r and s of zero and one', Buffer.from(`${'00'.repeat(63)}01`, 'hex')],
    ['the order of the curve', Buffer.alloc(64, 0xff)],
    ['too short', Buffer.alloc(63, 1)],
    ['too long', Buffer.alloc(65, 1)],
    ['DER', Buffer.from('3006020101020101', 'hex')],
  ])('is signed by %s', async (_name, signature) => {
    const token = await peer.sign();
    await refuses(() => `${token.slice(0, token.lastIndexOf('.'))}.${signature.toString('base64url')}`);
  });
});

describe('what could not count', () => {
  test.each<[string, () => Promise<string>, number]>([
    ['another audience', () => peer.sign({ aud: 'x' }), 0],
    ['another issuer', () => peer.sign({ iss: 'https://evil.example.com' }), 0],
    ['an expiry that has passed', () => peer.sign({ exp: 1 }), 0],
    ['another type', () => peer.sign({}, { typ: 'JWT' }), 0],
    ['no algorithm', () => Promise.resolve(raw({ alg: 'none' }, peer.claims())), 0],
    ['a text that is malformed', () => signedRaw(ES256, 'x'), 0],
    ['nothing wrong', () => peer.sign(), 1],
  ])('by %s costs no cryptography', async (_name, make, checks) => {
    let checked = 0;
    const strategy = localJwt({
      provider: {
        metadata: () => peer.idp.provider.metadata(),
        signatures: {
          verify: (jws, algorithms) => {
            checked++;
            return peer.idp.provider.signatures.verify(jws, algorithms);
          },
        },
      },
      settings: resolveSettings({ id: 'main', issuer: peer.idp.issuer, client_id: 'gatehouse' }),
      tokens: { strategies: ['jwt'] },
      clock: peer.idp.clock,
    });
    const finding = await strategy.inspect(await make());
    expect([finding.kind, checked]).toEqual([checks === 1 ? 'claims' : 'inactive', checks]);
  });
});

/** The last character with its unused low bits changed, which decodes to the same bytes. */
function strayOf(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(token.at(-1) ?? '') + 1] ?? 'B';
}
