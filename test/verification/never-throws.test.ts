/** Whatever is sent is judged: what reads tokens, initial responses and forwarded requests never throws, and takes nothing by chance. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readOriginalRequest, plainPath } from '../../src/verification-api/original-request.ts';
import { readJwt } from '../../src/verification/jwt/read-jwt.ts';
import { escapeName } from '../../src/verification/jwt/key-directory.ts';
import { readInitialResponse } from '../../src/verification/sasl/initial-response.ts';
import { startTokenIdp } from './support.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('.', 'e', 'y', 'J', '=', '-', '_', '/', '%', '2', 'f', '\0', ' ') }),
);
const part = fc.oneof(
  text,
  fc.json().map((json) => Buffer.from(json).toString('base64url')),
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
);
const jwtLike = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('.'));

test('a JWT is read or refused', () => {
  fc.assert(
    fc.property(fc.oneof(text, jwtLike), (token) => {
      expect(['jwt', 'foreign', 'malformed']).toContain(readJwt(token).kind);
    }),
    { numRuns: 2000 },
  );
});

test('no token that nobody signed is good', async () => {
  await using peer = await startTokenIdp();
  await peer.idp.provider.metadata();
  const header = Buffer.from('{"alg":"ES256","kid":"one","typ":"at+jwt"}').toString('base64url');
  const claims = Buffer.from(JSON.stringify(peer.claims())).toString('base64url');
  const forged = fc.oneof(
    jwtLike,
    fc
      .uint8Array({ minLength: 60, maxLength: 70 })
      .map((bytes) => `${header}.${claims}.${Buffer.from(bytes).toString('base64url')}`),
  );
  await fc.assert(
    fc.asyncProperty(forged, async (token) => {
      expect(await peer.kindOf(token)).not.toBe('active');
    }),
    { numRuns: 300 },
  );
});

test('an initial response is read or refused', () => {
  const mechanism = fc.constantFrom('OAUTHBEARER', 'XOAUTH2', 'X-OAUTH2', 'PLAIN' as const);
  const pieces = fc
    .array(
      fc.oneof(fc.constantFrom('n,', 'a=', ',', '\x01', 'auth=Bearer ', 'user=', '\0', '=2C', 'p=x'), text),
    )
    .map((parts) => Buffer.from(parts.join('')).toString('base64'));
  fc.assert(
    fc.property(mechanism, fc.oneof(text, pieces), (name, sent) => {
      const response = readInitialResponse(name, sent);
      expect(['read', 'malformed']).toContain(response.kind);
      if (response.kind === 'read') expect(response.secret).not.toBe('');
    }),
    { numRuns: 2000 },
  );
});

test('a forwarded path is plain or refused, and plain once more is itself', () => {
  const path = fc
    .array(
      fc.oneof(
        fc.constantFrom('/', '..', '.', ';', '%2e', '%2f', '%5c', '\\', '%25', 'admin', '?', '#'),
        text,
      ),
    )
    .map((parts) => `/${parts.join('')}`);
  fc.assert(
    fc.property(path, (sent) => {
      const plain = plainPath(sent);
      if (plain === undefined) return;
      expect(plain.split('/')).not.toContain('..');
      expect(plain).not.toMatch(/\/\/|\\/);
      const again = plainPath(encodeURI(plain).replaceAll('%25', '%'));
      expect(again === undefined || again === plain).toBe(true);
      readOriginalRequest({ headers: { 'x-forwarded-uri': sent }, method: 'GET' }).query.getAll(
        'access_token',
      );
    }),
    { numRuns: 2000 },
  );
});

test('a name in a folder of keys is one name, and different names are different', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
      const name = escapeName(one);
      expect(name).toMatch(/^[^/\\\0]+$/);
      expect(['.', '..']).not.toContain(name);
      if (Buffer.from(one).toString() !== Buffer.from(other).toString())
        expect(escapeName(other)).not.toBe(name);
    }),
    { numRuns: 1000 },
  );
});
