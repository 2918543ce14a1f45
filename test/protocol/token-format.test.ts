import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/protocol/clock.ts';
import {
  hashSecret,
  issueSecret,
  isWellFormedSecret,
  type SecretKind,
  secretPrefixes,
} from '../../src/protocol/token-format.ts';

const kinds = Object.keys(secretPrefixes) as SecretKind[];

describe('a secret', () => {
  it.each(kinds)('of kind %s is recognised as that kind only', (kind) => {
    const secret = issueSecret(kind, systemRandom);
    expect(secret).toMatch(/^g[a-z]{2}_[A-Za-z0-9_-]{49}$/);
    expect(kinds.filter((other) => isWellFormedSecret(other, secret))).toEqual([kind]);
  });

  it('is malformed with any one character changed', () => {
    const secret = issueSecret('accessToken', systemRandom);
    fc.assert(
      fc.property(
        fc.nat(secret.length - 1),
        fc.string({ minLength: 1, maxLength: 1 }),
        (index, character) => {
          const changed = secret.slice(0, index) + character + secret.slice(index + 1);
          return isWellFormedSecret('accessToken', changed) === (changed === secret);
        },
      ),
    );
  });

  it('is never seen in arbitrary text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => !kinds.some((kind) => isWellFormedSecret(kind, text)),
      ),
    );
  });

  it('is stored as the base64url of its SHA-256', () => {
    expect(hashSecret('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });
});
