import { decodeJwt } from 'jose';
import { expect, it } from 'vitest';
import { signIdToken } from '../../src/authorization-server/id-token.ts';
import type { SigningKeys } from '../../src/signing-keys/signing-keys.ts';

/** Keeps the claims; how they are signed is tested with the keys. */
const keys = {
  sign: (claims: object) =>
    Promise.resolve(`e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`),
} as unknown as SigningKeys;

it.each([0, 60, 6 * 60, 30 * 60, 59 * 60])(
  'is good for a client whose clock is %i seconds fast',
  async (skew) => {
    const now = 1_790_000_000_000;
    const token = await signIdToken(keys, {
      issuer: 'https://auth.example.org/',
      userId: 'u',
      clientId: 'c',
      accessToken: 'a',
      nonce: 'n',
      authenticatedAt: now - 1000,
      now,
    });
    const { exp = 0, iat = 0 } = decodeJwt(token);
    expect(exp).toBeGreaterThan(now / 1000 + skew);
    expect(exp - iat).toBe(3600);
  },
);
