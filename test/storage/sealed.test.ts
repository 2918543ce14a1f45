import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/protocol/clock.ts';
import { createSealer, deriveSubkey } from '../../src/storage/sealed.ts';

describe('a sealed value', () => {
  const key = randomBytes(32);
  const sealer = createSealer(key, systemRandom);

  it('opens under its own key and context', () => {
    const sealed = sealer.seal('a secret, größer als ASCII', 'signing_keys:1');
    expect(sealer.open(sealed, 'signing_keys:1')).toBe('a secret, größer als ASCII');
    expect(createSealer(key, systemRandom).open(sealed, 'signing_keys:1')).toContain('secret');
    expect(sealed).not.toContain('secret');
  });

  it('differs each time, the empty one too', () => {
    expect(sealer.seal('', 'c')).not.toBe(sealer.seal('', 'c'));
    expect(sealer.open(sealer.seal('', 'c'), 'c')).toBe('');
  });

  it('does not open in the place of another row', () => {
    const sealed = sealer.seal('private', 'signing_keys:1');
    expect(() => sealer.open(sealed, 'signing_keys:2')).toThrow('was altered or belongs to another row');
  });

  it('does not open when a single bit of it was altered', () => {
    const sealed = sealer.seal('private', 'c');
    const [version = '', id = '', body = ''] = sealed.split('.');
    const bytes = Buffer.from(body, 'base64url');
    for (let index = 0; index < bytes.length; index++) {
      const altered = Buffer.from(bytes);
      altered[index] = (altered[index] ?? 0) ^ 1;
      const text = `${version}.${id}.${altered.toString('base64url')}`;
      expect(() => sealer.open(text, 'c')).toThrow('was altered');
    }
    expect(() => sealer.open(`${version}.${id}.${body.slice(0, 20)}`, 'c')).toThrow('is cut short');
  });

  it('of another key names both keys and the remedy, and neither secret', () => {
    const other = createSealer(randomBytes(32), systemRandom);
    expect(() => other.open(sealer.seal('private', 'c'), 'c')).toThrow(
      /^c was sealed under encryption key [\w-]{8}, but the configured one is [\w-]{8}: restore the key file/,
    );
    expect(() => sealer.open('in plain text', 'c')).toThrow('c holds no sealed value');
  });

  it('needs a key of 32 bytes', () => {
    expect(() => createSealer(randomBytes(31), systemRandom)).toThrow('must have 32 bytes, not 31');
  });
});

describe('a subkey', () => {
  it('depends on the key and on the purpose alone', () => {
    const key = Buffer.alloc(32, 1);
    expect(deriveSubkey(key, 'refresh tokens')).toEqual(deriveSubkey(key, 'refresh tokens'));
    expect(deriveSubkey(key, 'refresh tokens')).not.toEqual(deriveSubkey(key, 'cookies'));
    expect(deriveSubkey(key, 'refresh tokens')).not.toEqual(
      deriveSubkey(Buffer.alloc(32, 2), 'refresh tokens'),
    );
    expect(deriveSubkey(key, 'refresh tokens')).toHaveLength(32);
  });
});
