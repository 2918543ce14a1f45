/** Logout tokens that no correct provider sends (OpenID Connect Back-Channel Logout 1.0 section 2.6). */
import { SignJWT, UnsecuredJWT } from 'jose';
import { expect, it } from 'vitest';
import { UpstreamRefusal } from '../../../src/upstream/login/refusal.ts';
import { type ForgedIdp, signingKey, startForgedIdp } from '../support/forged-idp.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

function claimsOf(idp: ForgedIdp, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(idp.clock.now() / 1000);
  return {
    iss: idp.issuer,
    aud: 'gatehouse',
    iat: now,
    exp: now + 120,
    jti: 'jti-1',
    sub: 'sub-of-alice',
    events: { [EVENT]: {} },
    ...changes,
  };
}

function sign(
  idp: ForgedIdp,
  changes: Record<string, unknown> = {},
  header: Record<string, unknown> = { typ: 'logout+jwt' },
): Promise<string> {
  return new SignJWT(claimsOf(idp, changes))
    .setProtectedHeader({ alg: 'ES256', kid: 'one', ...header })
    .sign(idp.signer.privateKey, { crit: { x: true } });
}

async function reasonOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UpstreamRefusal);
  expect((error as UpstreamRefusal).kind).toBe('logout_token');
  return (error as UpstreamRefusal).reason;
}

it('a good one names the issuer, the subject, the session, and how long to know it', async () => {
  await using idp = await startForgedIdp();
  const read = await idp.provider.readLogoutToken(await sign(idp, { sid: 'session-1' }));
  expect(read).toMatchObject({ issuer: idp.issuer, subject: 'sub-of-alice', sid: 'session-1', jti: 'jti-1' });
  expect(read.expiresAt).toBeGreaterThan(idp.clock.now() + 600_000);
  const bySession = await idp.provider.readLogoutToken(await sign(idp, { sub: undefined, sid: 's' }));
  expect(bySession).toMatchObject({ subject: undefined, sid: 's' });
  for (const typ of [undefined, 'JWT', 'application/logout+jwt']) {
    await idp.provider.readLogoutToken(await sign(idp, { aud: ['other', 'gatehouse'] }, { typ }));
  }
});

it.each<[string, Record<string, unknown>, string]>([
  ['another issuer', { iss: 'https://evil.example' }, 'iss is another issuer'],
  ['no issuer', { iss: undefined }, 'iss is another issuer'],
  ['another audience', { aud: 'other' }, 'aud does not name us'],
  ['no audience', { aud: undefined }, 'aud does not name us'],
  ['an audience that only begins like ours', { aud: ['gatehouse2'] }, 'aud does not name us'],
  ['no iat', { iat: undefined }, 'iat is not a number'],
  ['an iat in the future', { iat: Math.floor(Date.now() / 1000) + 3600 }, 'ahead of our clock'],
  ['an old iat', { iat: Math.floor(Date.now() / 1000) - 3600 }, 'seconds old'],
  ['no exp', { exp: undefined }, 'exp is not a number'],
  ['an exp of text', { exp: '9999999999' }, 'exp is not a number'],
  ['an exp in the past', { exp: Math.floor(Date.now() / 1000) - 120 }, 'it has expired'],
  ['no events', { events: undefined }, 'events is not an object'],
  ['a list of events', { events: [EVENT] }, 'events is not an object'],
  [
    'another event',
    { events: { 'http://schemas.openid.net/event/other': {} } },
    'no member of back-channel logout',
  ],
  ['an event that is no object', { events: { [EVENT]: true } }, 'no member of back-channel logout'],
  ['a nonce, as an ID token has', { nonce: 'n' }, 'it has a nonce'],
  ['no jti', { jti: undefined }, 'there is no jti'],
  ['a jti of a megabyte', { jti: 'x'.repeat(1_000_000) }, 'jti is not a text'],
  ['neither sub nor sid', { sub: undefined }, 'neither sub nor sid'],
  ['an empty sub', { sub: '' }, 'sub is empty'],
  ['a sub that is a number', { sub: 5 }, 'sub is not a string'],
  ['a sid that is an object', { sid: {} }, 'sid is not a text'],
])('%s is refused', async (_name, changes, reason) => {
  await using idp = await startForgedIdp();
  expect(await reasonOf(idp.provider.readLogoutToken(await sign(idp, changes)))).toContain(reason);
});

it('what is not signed by the IdP is refused', async () => {
  await using idp = await startForgedIdp();
  const { privateKey } = await signingKey('two');
  const forged = await new SignJWT(claimsOf(idp))
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .sign(privateKey);
  const good = await sign(idp);
  const [head, , signature] = good.split('.');
  const payload = Buffer.from(JSON.stringify(claimsOf(idp, { sub: 'sub-of-bob' }))).toString('base64url');
  const symmetric = await new SignJWT(claimsOf(idp))
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from('idp-secret-canary'.repeat(2)));
  for (const token of [
    forged,
    `${head ?? ''}.${payload}.${signature ?? ''}`,
    new UnsecuredJWT(claimsOf(idp)).encode(),
    symmetric,
    'not-a-token',
    'a.b.c',
    `${good}.x`,
  ]) {
    await reasonOf(idp.provider.readLogoutToken(token));
  }
  for (const header of [{ typ: 'at+jwt' }, { typ: 'secevent+jwt' }, { typ: 5 }, { crit: ['x'], x: 1 }]) {
    await reasonOf(idp.provider.readLogoutToken(await sign(idp, {}, header)));
  }
});

it('where people are known by another claim, sub alone names nobody', async () => {
  await using idp = await startForgedIdp({ subject_claim: 'oid' });
  expect(await reasonOf(idp.provider.readLogoutToken(await sign(idp)))).toContain('neither');
  expect(await idp.provider.readLogoutToken(await sign(idp, { oid: 'o-1' }))).toMatchObject({
    subject: 'o-1',
  });
  expect(await idp.provider.readLogoutToken(await sign(idp, { sid: 's-1' }))).toMatchObject({
    subject: undefined,
    sid: 's-1',
  });
});
