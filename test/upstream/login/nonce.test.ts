/** The nonce binds an ID token to a sign-in. It can be left out where PKCE does that, and nowhere else. */
import { describe, expect, it } from 'vitest';
import { UpstreamRefusal } from '../../../src/upstream/login/refusal.ts';
import { resolveSettings } from '../../../src/upstream/resolved-settings.ts';
import { expectFaults, faultsOf, withProvider } from '../../config/support.ts';
import { startForgedIdp } from '../support/forged-idp.ts';

const input = {
  redirectUri: 'https://auth.example.org/upstream/main/callback',
  state: 'the-state',
  nonce: 'the-nonce',
  codeVerifier: 'verifier-canary'.repeat(4),
};

describe('a sign-in without a nonce', () => {
  it('sends none, and PKCE whatever the metadata says of it', async () => {
    await using idp = await startForgedIdp({
      nonce: false,
      pkce: 'always',
      authorization_parameters: { nonce: 'smuggled' },
    });
    idp.metadata = { code_challenge_methods_supported: ['plain'] };
    const { searchParams } = await idp.provider.authorizationUrl(input);
    expect(searchParams.has('nonce')).toBe(false);
    expect(searchParams.get('code_challenge_method')).toBe('S256');
  });

  it.each<[string, unknown, boolean]>([
    ['none', undefined, true],
    ['null', null, true],
    ['that of another sign-in', 'another', false],
    ['the one that was not sent', 'the-nonce', false],
    ['an empty one', '', false],
    ['a number', 7, false],
  ])('takes an ID token with %s: %s', async (_name, nonce, counts) => {
    await using idp = await startForgedIdp({ nonce: false, pkce: 'always' });
    idp.claims = { nonce };
    if (!counts) await expect(idp.login()).rejects.toThrow(UpstreamRefusal);
    else expect((await idp.login()).subject).toBe('sub-of-alice');
    const token = idp.server.seen.find(({ path }) => path === '/token');
    expect(new URLSearchParams(token?.body).get('code_verifier')).toBe(input.codeVerifier);
  });
});

describe('nonce: false', () => {
  it.each(['auto', 'never', undefined] as const)('is refused with pkce: %s', (pkce) => {
    expect(faultsOf(withProvider({ nonce: false, pkce }))).toEqual([
      {
        path: 'providers[0].nonce',
        problem: `is false, and \`pkce\` is ${pkce ?? 'auto'}: a stolen code could be used in another sign-in`,
        remedy: expect.stringContaining('`pkce: always`') as string,
      },
    ]);
    const settings = { id: 'main', issuer: 'https://idp.example.com', client_id: 'x', nonce: false, pkce };
    expect(() => resolveSettings(settings)).toThrow(RangeError);
  });

  it.each([{ nonce: false, pkce: 'always' }, { nonce: true, pkce: 'never' }, { nonce: true }] as const)(
    'is in order as %j',
    (keys) => {
      expect(faultsOf(withProvider(keys))).toEqual([]);
      expect(() =>
        resolveSettings({ id: 'main', issuer: 'https://idp.example.com', client_id: 'x', ...keys }),
      ).not.toThrow();
    },
  );
});

expectFaults([
  ['a nonce of text', withProvider({ nonce: 'no' }), 'providers[0].nonce', /must be true or false/, /./],
]);
