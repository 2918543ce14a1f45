import { CompactSign, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { DocumentFault } from '../../../src/upstream/documents/document-fault.ts';
import { parseKeySet } from '../../../src/upstream/documents/jwks.ts';
import type { Provider } from '../../../src/upstream/provider.ts';
import { signingKey, startForgedIdp, type ForgedIdp, type SigningKey } from '../support/forged-idp.ts';
import { sendJson } from '../support/scripted-server.ts';

const SECOND = 1000;
const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'];

function sign(key: SigningKey, header: Record<string, unknown> = {}): Promise<string> {
  const alg = key.jwk.alg ?? '';
  return new SignJWT({ sub: 'x' })
    .setProtectedHeader({ alg, kid: key.jwk.kid ?? '', ...header })
    .sign(key.privateKey);
}

const verify = (provider: Provider, jws: string) => provider.signatures.verify(jws, ALGORITHMS);
const fetches = (idp: ForgedIdp): number => idp.server.count('/jwks');

async function kindOf(provider: Provider, jws: string): Promise<string> {
  const result = await verify(provider, jws);
  return result.ok ? 'ok' : result.fault.kind;
}

describe('the keys of the IdP', () => {
  it('verify what it signed, by kid, without asking again', async () => {
    await using idp = await startForgedIdp();
    for (let i = 0; i < 10; i++) expect(await kindOf(idp.provider, await sign(idp.signer))).toBe('ok');
    expect(fetches(idp)).toBe(1);
  });

  it('refuse another algorithm, a key of another kind, and what is not a JWS', async () => {
    await using idp = await startForgedIdp();
    const rsa = await signingKey('one', 'RS256');
    expect(await kindOf(idp.provider, await sign(rsa))).toBe('unknown_key_yet');
    const result = await idp.provider.signatures.verify(await sign(idp.signer), ['RS256']);
    expect(result).toMatchObject({ ok: false, fault: { kind: 'algorithm' } });
    for (const text of ['', 'a.b.c', '..', 'x'.repeat(10_000), 'eyJhbGciOiJub25lIn0.e30.']) {
      expect(['malformed', 'algorithm']).toContain(await kindOf(idp.provider, text));
    }
    const critical = await new CompactSign(Buffer.from('{}'))
      .setProtectedHeader({ alg: 'ES256', kid: 'one', crit: ['x'], x: 1 })
      .sign(idp.signer.privateKey, { crit: { x: true } });
    expect(await kindOf(idp.provider, critical)).toBe('malformed');
    const tampered = (await sign(idp.signer)).replace(/\.[^.]*\./, '.eyJzdWIiOiJ5In0.');
    expect(await kindOf(idp.provider, tampered)).toBe('signature');
  });

  describe('an unknown kid', () => {
    it('asks at most once in 30 seconds, however many ask', async () => {
      await using idp = await startForgedIdp();
      const forger = await signingKey('two');
      await verify(idp.provider, await sign(idp.signer));
      const tokens = await Promise.all(
        Array.from({ length: 300 }, (_, i) => sign(forger, { kid: `k${String(i)}` })),
      );
      for (let second = 0; second < 95; second++) {
        await Promise.all(tokens.slice(0, 20).map((token) => verify(idp.provider, token)));
        idp.clock.advance(SECOND);
      }
      // At second 0 the first fetch, then at 30, 60 and 90.
      expect(fetches(idp)).toBe(4);
    });

    it('asks no more often where the IdP is down or answers nonsense', async () => {
      await using idp = await startForgedIdp();
      const forger = await signingKey('two');
      await verify(idp.provider, await sign(idp.signer));
      idp.keys = [];
      for (let second = 0; second < 95; second++) {
        expect(await kindOf(idp.provider, await sign(forger))).toBe('unknown_key_yet');
        idp.clock.advance(SECOND);
      }
      expect(fetches(idp)).toBeLessThanOrEqual(4);
      expect(await kindOf(idp.provider, await sign(idp.signer))).toBe('ok');
    });

    it('during a real rotation: the new key is seen within the cool-down', async () => {
      await using idp = await startForgedIdp();
      const old = idp.signer;
      const next = await signingKey('two');
      const forger = await signingKey('three');
      await verify(idp.provider, await sign(old));
      let seenAfter: number | undefined;
      const begin = fetches(idp);
      for (let second = 0; second < 120; second++) {
        if (second === 10) idp.keys = [next.jwk, old.jwk];
        await Promise.all(
          Array.from({ length: 20 }, async (_, i) =>
            verify(idp.provider, await sign(forger, { kid: `flood ${String(second)} ${String(i)}` })),
          ),
        );
        if (
          second >= 10 &&
          seenAfter === undefined &&
          (await kindOf(idp.provider, await sign(next))) === 'ok'
        ) {
          seenAfter = second - 10;
        }
        expect(await kindOf(idp.provider, await sign(old))).toBe('ok');
        idp.clock.advance(SECOND);
      }
      expect(seenAfter).toBeLessThanOrEqual(30);
      expect(fetches(idp) - begin).toBeLessThanOrEqual(4);
    });

    it('is single flight: many at once, one fetch', async () => {
      await using idp = await startForgedIdp();
      const next = await signingKey('two');
      await verify(idp.provider, await sign(idp.signer));
      idp.keys = [next.jwk];
      idp.clock.advance(31 * SECOND);
      const token = await sign(next);
      const kinds = await Promise.all(Array.from({ length: 200 }, () => kindOf(idp.provider, token)));
      expect(new Set(kinds)).toEqual(new Set(['ok']));
      expect(fetches(idp)).toBe(2);
    });

    it('tells whether a later try makes sense', async () => {
      await using idp = await startForgedIdp();
      const forged = await sign(await signingKey('two'));
      await verify(idp.provider, await sign(idp.signer));
      idp.clock.advance(10 * SECOND);
      expect(await verify(idp.provider, forged)).toMatchObject({
        fault: { kind: 'unknown_key_yet', retryAfterSeconds: 20 },
      });
      idp.clock.advance(20 * SECOND);
      expect(await verify(idp.provider, forged)).toMatchObject({ fault: { kind: 'unknown_key' } });
      expect(await verify(idp.provider, forged)).toMatchObject({ fault: { kind: 'unknown_key' } });
      expect(fetches(idp)).toBe(2);
    });
  });

  describe('rotation', () => {
    it('abrupt: the old key is gone with the set that lacks it', async () => {
      await using idp = await startForgedIdp();
      const old = await sign(idp.signer);
      const next = await signingKey('two');
      await verify(idp.provider, old);
      idp.keys = [next.jwk];
      idp.clock.advance(31 * SECOND);
      expect(await kindOf(idp.provider, await sign(next))).toBe('ok');
      expect(await kindOf(idp.provider, old)).toBe('unknown_key_yet');
    });

    it('the same kid with other key material: asked again, then verified', async () => {
      await using idp = await startForgedIdp();
      const other = await signingKey('two');
      await verify(idp.provider, await sign(idp.signer));
      idp.keys = [{ ...other.jwk, kid: 'one' }];
      idp.clock.advance(31 * SECOND);
      expect(await kindOf(idp.provider, await sign(other, { kid: 'one' }))).toBe('ok');
    });

    it('keys without kid, several of a kid, mixed algorithms', async () => {
      await using idp = await startForgedIdp();
      const [a, b, rsa, ed] = await Promise.all([
        signingKey('one'),
        signingKey('two'),
        signingKey('three', 'RS256'),
        signingKey('four', 'EdDSA'),
      ]);
      const bare = ({ jwk }: SigningKey) => {
        const { kid: _, alg: __, use: ___, ...rest } = jwk;
        return rest;
      };
      idp.keys = [
        bare(a),
        bare(b),
        { ...bare(rsa), kid: 'r' },
        { ...bare(ed), kid: 'e' },
        { ...bare(a), kid: 'x' },
        { ...bare(b), kid: 'x' },
      ];
      for (const key of [a, b]) {
        expect(await kindOf(idp.provider, await sign(key, { kid: undefined }))).toBe('ok');
        expect(await kindOf(idp.provider, await sign(key, { kid: 'x' }))).toBe('ok');
      }
      expect(await kindOf(idp.provider, await sign(rsa, { kid: 'r' }))).toBe('ok');
      expect(await kindOf(idp.provider, await sign(ed, { kid: 'e' }))).toBe('ok');
      expect(await kindOf(idp.provider, await sign(rsa, { kid: 'e' }))).toBe('unknown_key_yet');
      expect(fetches(idp)).toBe(1);
    });
  });
});

describe('a key set', () => {
  const parse = (keys: unknown[], alarms: string[] = []) =>
    parseKeySet(JSON.stringify({ keys }), (message) => alarms.push(message));

  it('loses private and symmetric keys, with an alarm', async () => {
    const { jwk } = await signingKey('one');
    const alarms: string[] = [];
    const set = await parse(
      [{ ...jwk, kid: 'leaked', d: 'AAAA' }, { kty: 'oct', k: 'c2VjcmV0', kid: 'o' }, jwk],
      alarms,
    );
    expect(set.keys.map((key) => key.kid)).toEqual(['one']);
    expect(alarms).toHaveLength(2);
    expect(alarms.join()).not.toContain('c2VjcmV0');
    await expect(parse([{ ...jwk, d: 'AAAA' }])).rejects.toThrow(DocumentFault);
  });

  it('loses what cannot verify: encryption keys, foreign types, short RSA keys, broken material', async () => {
    const { jwk } = await signingKey('one');
    const rsa = (await signingKey('two', 'RS256')).jwk;
    const set = await parse([
      { ...jwk, use: 'enc' },
      { ...jwk, key_ops: ['sign'] },
      { ...rsa, alg: 'RSA-OAEP' },
      { ...rsa, n: 'AQAB' },
      { ...jwk, x: 'AAAA' },
      { ...jwk, crv: 'secp256k1', alg: 'ES256K' },
      { kty: 'new' },
      'x',
      null,
      { ...jwk, kid: 7 },
      { ...jwk, kid: 'good' },
    ]);
    expect(set.keys.map((key) => key.kid)).toEqual(['good']);
  });

  it.each([
    ['1', 'AQ', false],
    ['0', 'AA', false],
    ['even', 'BA', false],
    ['even, 65538', 'AQAC', false],
    ['absent', undefined, false],
    ['a number', 3, false],
    ['as large as the modulus', 'x'.repeat(340), false],
    ['3', 'Aw', true],
    ['65537', 'AQAB', true],
    ['65537 with zeroes before it', 'AAEAAQ', true],
  ])('leave out an RSA key whose exponent is %s (114)', async (_name, e, isUsable) => {
    const { jwk } = await signingKey('rsa exponent', 'RS256');
    const set = parseKeySet(JSON.stringify({ keys: [{ ...jwk, e }] }), () => undefined);
    if (isUsable) expect((await set).keys).toHaveLength(1);
    else await expect(set).rejects.toThrow(/no usable signing key/);
  });

  it.each([
    ['no keys', '{"keys":[]}'],
    ['no array', '{"keys":{}}'],
    ['no member', '{}'],
    ['an array', '[]'],
    ['null', 'null'],
    ['HTML', '<html>'],
    ['members twice', '{"keys":[],"keys":[]}'],
    ['101 keys', JSON.stringify({ keys: Array.from({ length: 101 }, () => ({ kty: 'EC' })) })],
  ])('with %s is not fit for use', async (_name, body) => {
    await expect(parseKeySet(body, () => undefined)).rejects.toThrow(DocumentFault);
  });

  it('that is empty or broken never replaces a good one', async () => {
    await using idp = await startForgedIdp();
    const good = await sign(idp.signer);
    expect(await kindOf(idp.provider, good)).toBe('ok');
    const { server } = idp;
    for (const body of ['{"keys":[]}', '', 'null', '<html>', '{"keys":[{"kty":"oct","k":"AA"}]}']) {
      server.answer((_, response) => {
        sendJson(response, body);
      });
      idp.clock.advance(120 * SECOND);
      await idp.provider.refresh();
      expect(await kindOf(idp.provider, good)).toBe('ok');
      expect(idp.provider.state().keys).toBe('stale');
    }
  });
});
