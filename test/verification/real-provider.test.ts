/** The library against a real provider (oidc-provider): its opaque tokens by introspection and userinfo, its passwords, its outages. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVerifier, type Verifier } from '../../src/verification/create-verifier.ts';
import { type Idp, startIdp } from '../peers/idp.ts';

let idp: Idp;

beforeAll(async () => {
  idp = await startIdp({ passwordGrant: true, redirectUris: ['https://app.example.com/callback'] });
});
afterAll(async () => {
  await idp.close();
});

/** An access token of a person, as the provider issues it. */
async function tokenOf(login: string): Promise<string> {
  const response = await fetch(`${idp.issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${idp.clientId}:${idp.clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({
      grant_type: 'password',
      username: login,
      password: idp.passwords.get(login) ?? '',
      scope: 'openid profile email',
    }),
  });
  return String(((await response.json()) as Record<string, unknown>)['access_token']);
}

function verifierOf(strategies: readonly ('jwt' | 'introspection' | 'userinfo')[]): Verifier {
  return createVerifier({
    providers: [
      {
        id: 'main',
        issuer: idp.issuer,
        client_id: idp.clientId,
        client_secret: idp.clientSecret,
        tokens: { strategies, cache: { entries: 0 } },
      },
    ],
  });
}

describe.each([
  ['introspection and userinfo', ['jwt', 'introspection', 'userinfo']],
  ['userinfo alone', ['userinfo']],
] as const)('a real provider, by %s', (_name, strategies) => {
  it('says whose its token is, and knows no other', async () => {
    await using verifier = verifierOf(strategies);
    const token = await tokenOf('alice');
    expect(await verifier.verify(token)).toMatchObject({
      kind: 'active',
      token: {
        provider: 'main',
        issuer: idp.issuer,
        subject: idp.accounts.get('alice')?.sub,
        localpart: 'alice',
      },
    });
    expect((await verifier.verify(`${token}x`)).kind).toBe('inactive');
    expect((await verifier.verify('made-up')).kind).toBe('inactive');
  });

  it('is an outage while it is down, or answers with a page', async () => {
    await using verifier = verifierOf(strategies);
    const token = await tokenOf('bob');
    await verifier.warm();
    idp.faults.html503 = true;
    expect((await verifier.verify(token)).kind).toBe('unavailable');
    idp.faults.html503 = false;
    await idp.goDown();
    expect((await verifier.verify(token)).kind).toBe('unavailable');
    await idp.comeBack();
    expect((await verifier.verify(token)).kind).toBe('active');
  });
});

it('a real provider is asked whose a password is', async () => {
  await using verifier = verifierOf(['userinfo']);
  const password = idp.passwords.get('carol') ?? '';
  expect(await verifier.verifyPassword('main', { username: 'carol', password })).toMatchObject({
    kind: 'active',
    token: { localpart: 'carol' },
  });
  for (const wrong of [
    { username: 'carol', password: 'wrong' },
    { username: 'nobody', password },
    { username: 'carol', password: '' },
  ]) {
    expect((await verifier.verifyPassword('main', wrong)).kind).toBe('inactive');
  }
});
