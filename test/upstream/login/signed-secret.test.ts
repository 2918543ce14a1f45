/** Providers whose client secret is a JWT of ours (Apple), and one that returns no nonce (Telegram). */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { resolveSettings } from '../../../src/upstream/resolved-settings.ts';
import { createClientAuthentication } from '../../../src/upstream/login/client-authentication.ts';
import { expectFaults, faultsOf, withProvider } from '../../config/support.ts';
import { testClock } from '../../support/clock.ts';
import { startForgedIdp, type ForgedIdp } from '../support/forged-idp.ts';

const pem = (namedCurve: string): string =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const key = pem('P-256');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaPem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const apple = {
  preset: 'apple',
  client_id: 'com.example.matrix',
  client_secret: undefined,
  client_private_key: key,
  client_private_key_id: 'FGHIJ67890',
  client_team_id: 'ABCDE12345',
};

describe('a client secret that is signed', () => {
  async function secretsOf(idp: ForgedIdp): Promise<unknown[]> {
    const posts = idp.server.seen.filter(({ path }) => path === '/token');
    return Promise.all(
      posts.map(async ({ body, headers }) => {
        expect(headers.authorization).toBeUndefined();
        const form = new URLSearchParams(body);
        expect(form.get('client_id')).toBe('com.example.matrix');
        expect(form.has('client_assertion')).toBe(false);
        const { payload, protectedHeader } = await jwtVerify(
          form.get('client_secret') ?? '',
          createPublicKey(key),
          { currentDate: new Date(0) },
        );
        return { payload, protectedHeader };
      }),
    );
  }

  it('is made for each request from key, key id and team, and never outlives it', async () => {
    await using idp = await startForgedIdp(apple);
    idp.claims = { aud: 'com.example.matrix', email_verified: 'true' };
    expect((await idp.login()).subject).toBe('sub-of-alice');
    idp.clock.advance(200 * 86_400_000);
    await idp.login();
    const [first, second] = await secretsOf(idp);
    const expected = (iat: number) => ({
      protectedHeader: { alg: 'ES256', kid: 'FGHIJ67890' },
      payload: {
        iss: 'ABCDE12345',
        sub: 'com.example.matrix',
        aud: 'https://appleid.apple.com',
        iat,
        exp: iat + 300,
      },
    });
    const now = Math.floor(idp.clock.now() / 1000);
    expect(first).toEqual(expected(now - 200 * 86_400));
    expect(second).toEqual(expected(now));
    expect(idp.server.count('/userinfo')).toBe(0);
  });

  it('goes with an answer that the browser posts', async () => {
    await using idp = await startForgedIdp(apple);
    const url = await idp.provider.authorizationUrl({
      redirectUri: 'https://auth.example.org/upstream/main/callback',
      state: 's',
      nonce: 'n',
      codeVerifier: 'v'.repeat(43),
      prompt: 'login',
    });
    expect(url.searchParams.get('response_mode')).toBe('form_post');
    expect(url.searchParams.get('scope')).toBe('openid name email');
    expect(url.searchParams.has('prompt')).toBe(false);
    expect(idp.provider.responseMode).toBe('form_post');
  });

  it.each<[string, Record<string, unknown>]>([
    ['no team', { client_team_id: undefined }],
    ['an RSA key', { client_private_key: rsaPem }],
    ['a key on another curve', { client_private_key: pem('P-384') }],
    ['no key at all', { client_private_key: 'x' }],
  ])('cannot be made with %s', async (_name, changes) => {
    const settings = resolveSettings({
      id: 'main',
      issuer: 'https://appleid.apple.com',
      ...apple,
      ...changes,
    });
    const authentication = createClientAuthentication(settings, testClock());
    await expect(authentication.for({ issuer: 'https://appleid.apple.com' })).rejects.toThrow();
  });

  it('is in order as configured, and so is one that the operator made', () => {
    expect(faultsOf(withProvider(apple))).toEqual([]);
    expect(faultsOf(withProvider({ preset: 'apple', client_secret: 'eyJ.made.by-hand' }))).toEqual([]);
  });
});

describe('config check', () => {
  expectFaults([
    [
      'no team',
      withProvider({ ...apple, client_team_id: undefined }),
      'providers[0].client_team_id',
      /is missing/,
      /Add/,
    ],
    [
      'no key id',
      withProvider({ ...apple, client_private_key_id: undefined }),
      'providers[0].client_private_key_id',
      /is missing/,
      /Add/,
    ],
    [
      'a key that cannot sign',
      withProvider({ ...apple, client_private_key: rsaPem }),
      'providers[0].client_private_key',
      /cannot sign with ES256/,
      /key/,
    ],
    [
      'a secret beside the key',
      withProvider({ ...apple, client_secret: 'x' }),
      'providers[0].client_secret',
      /is not used/,
      /Remove/,
    ],
    [
      'a method beside the key',
      withProvider({ ...apple, token_endpoint_auth_method: 'private_key_jwt' }),
      'providers[0].token_endpoint_auth_method',
      /is not used/,
      /Remove/,
    ],
    [
      'a team with another preset',
      withProvider({ ...apple, preset: 'generic' }),
      'providers[0].client_team_id',
      /only used with `preset: apple`/,
      /Remove/,
    ],
    [
      'a team without a key',
      withProvider({ preset: 'apple', client_team_id: 'ABCDE12345' }),
      'providers[0].client_team_id',
      /only used with/,
      /Remove/,
    ],
    [
      'no PKCE where there is no nonce',
      withProvider({ preset: 'telegram', pkce: 'auto' }),
      'providers[0].pkce',
      /there is no nonce/,
      /`pkce: always`/,
    ],
  ]);

  it.each([{}, { pkce: 'always' }, { nonce: true, pkce: 'auto' }, { nonce: false }])(
    'takes the preset telegram with %j',
    (keys) => {
      expect(faultsOf(withProvider({ preset: 'telegram', ...keys }))).toEqual([]);
    },
  );
});

it("Telegram's people sign in without a nonce, by PKCE and the number of their account", async () => {
  await using idp = await startForgedIdp({ preset: 'telegram', subject_claim: 'id' });
  idp.claims = { nonce: undefined, id: 123456789, preferred_username: null, name: 'Alice' };
  const url = await idp.provider.authorizationUrl({
    redirectUri: 'https://auth.example.org/upstream/main/callback',
    state: 's',
    nonce: 'n',
    codeVerifier: 'v'.repeat(43),
  });
  expect(url.searchParams.has('nonce')).toBe(false);
  expect(url.searchParams.get('code_challenge_method')).toBe('S256');
  expect(await idp.login()).toMatchObject({ subject: '123456789', claims: { name: 'Alice' } });
});
