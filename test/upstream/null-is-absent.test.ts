/** Many providers write null, or an empty text, for what they do not have: it is as if it were not there. */
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { parseKeySet } from '../../src/upstream/documents/jwks.ts';
import { UpstreamRefusal } from '../../src/upstream/login/refusal.ts';
import { type ForgedIdp, signingKey, startForgedIdp } from './support/forged-idp.ts';
import { sendJson } from './support/scripted-server.ts';

type Change = (idp: ForgedIdp) => void;

function answer(changes: Record<string, unknown>): Change {
  return (idp) => {
    idp.token = async (response, good) => {
      sendJson(response, { ...(await good()), ...changes });
    };
  };
}
const inIdToken =
  (claims: Record<string, unknown>): Change =>
  (idp) =>
    void (idp.claims = claims);
const inUserinfo =
  (members: Record<string, unknown>): Change =>
  (idp) =>
    void (idp.userinfo = (response) => {
      sendJson(response, { sub: 'sub-of-alice', preferred_username: 'alice', ...members });
    });

describe('null is absent, and members that are not used do not decide', () => {
  it.each<[string, Change]>([
    ['refresh_token in the token answer', answer({ refresh_token: null })],
    ['an empty refresh_token', answer({ refresh_token: '' })],
    ['scope in the token answer', answer({ scope: null })],
    ['a scope that is a list', answer({ scope: ['openid'] })],
    ['expires_in in the token answer', answer({ expires_in: null })],
    ['expires_in that is a word', answer({ expires_in: 'soon' })],
    ['error in a good answer', answer({ error: null, error_description: null })],
    ['azp in the ID token', inIdToken({ azp: null })],
    ['nbf in the ID token', inIdToken({ nbf: null })],
    ['auth_time in the ID token', inIdToken({ auth_time: null })],
    ['at_hash in the ID token', inIdToken({ at_hash: null, c_hash: null })],
    ['sid and acr in the ID token', inIdToken({ sid: null, acr: null })],
    ['members of userinfo', inUserinfo({ email: null, address: { locality: null }, aud: null })],
    [
      'lists of the metadata',
      (idp) => void (idp.metadata = { claims_supported: ['sub', null], scopes_supported: null }),
    ],
    ['an endpoint of the metadata', (idp) => void (idp.metadata = { revocation_endpoint: null })],
  ])('%s: the sign-in goes on', async (_name, change) => {
    await using idp = await startForgedIdp();
    change(idp);
    const identity = await idp.login();
    expect(identity).toMatchObject({ subject: 'sub-of-alice', claims: { preferred_username: 'alice' } });
    expect(identity).not.toHaveProperty('refreshToken');
    expect(Object.values(identity.claims)).not.toContain(null);
  });

  it.each<[string, Change]>([
    ['access_token', answer({ access_token: null })],
    ['token_type', answer({ token_type: null })],
    ['id_token', answer({ id_token: null })],
    ['the nonce', inIdToken({ nonce: null })],
    ['the audience', inIdToken({ aud: null })],
    ['the subject', inIdToken({ sub: null })],
    ['the expiry', inIdToken({ exp: null })],
    ['the subject of userinfo', inUserinfo({ sub: null })],
  ])('where %s is required, null does not do', async (_name, change) => {
    await using idp = await startForgedIdp();
    change(idp);
    await expect(idp.login()).rejects.toThrow(UpstreamRefusal);
  });

  it.each<[string, unknown, unknown, unknown]>([
    ['null', ['banned'], null, ['banned']],
    ['an empty text', 'staff', '', 'staff'],
    ['nothing', 'staff', undefined, 'staff'],
    ['another value', 'staff', 'guests', 'guests'],
    ['an empty list, which is a value', ['staff'], [], []],
    ['a value where the ID token has null', null, ['staff'], ['staff']],
    ['a value where the ID token has an empty text', '', 'staff', 'staff'],
  ])('userinfo with %s beside the claim of the ID token', async (_name, first, second, merged) => {
    await using idp = await startForgedIdp();
    idp.claims = { groups: first };
    inUserinfo({ groups: second })(idp);
    expect((await idp.login()).claims['groups']).toEqual(merged);
  });
});

describe('a key set', () => {
  it.each<[string, Record<string, unknown>]>([
    ['d and x5c', { d: null, x5c: [] }],
    ['every private member', { d: null, p: null, q: null, dp: null, dq: null, qi: null, oth: null, k: null }],
    ['an empty d', { d: '' }],
    ['use', { use: null }],
    ['an empty use', { use: '' }],
    ['alg', { alg: null }],
    ['key_ops', { key_ops: null }],
    ['a null among key_ops', { key_ops: ['verify', null] }],
    ['kid', { kid: null }],
    ['x5u and x5t', { x5u: null, x5t: 7 }],
  ])('with null for %s is sound', async (_name, changes) => {
    const { jwk } = await signingKey('one', 'RS256');
    const alarms: string[] = [];
    const set = await parseKeySet(JSON.stringify({ keys: [{ ...jwk, ...changes }, null] }), (alarm) =>
      alarms.push(alarm),
    );
    expect(set.keys).toHaveLength(1);
    expect(alarms).toEqual([]);
  });

  it.each(['d', 'p', 'qi', 'k'])('with a %s that has a value is told all the same', async (member) => {
    const { jwk } = await signingKey('one', 'RS256');
    const alarms: string[] = [];
    const body = JSON.stringify({ keys: [jwk, { ...jwk, [member]: 'AQAB' }] });
    expect((await parseKeySet(body, (alarm) => alarms.push(alarm))).keys).toHaveLength(1);
    expect(alarms).toHaveLength(1);
  });
});

describe('a logout token', () => {
  it.each<[string, Record<string, unknown>, boolean]>([
    ['nonce', { nonce: null }, true],
    ['sid', { sid: null }, true],
    ['an empty sid', { sid: '' }, true],
    ['sub, beside a sid', { sub: null, sid: 's' }, true],
    ['auth_time', { auth_time: null }, true],
    ['sub and sid', { sub: null, sid: null }, false],
    ['jti', { jti: null }, false],
    ['events', { events: null }, false],
    ['the event', { events: { 'http://schemas.openid.net/event/backchannel-logout': null } }, false],
  ])('with null for %s', async (_name, changes, isSound) => {
    await using idp = await startForgedIdp();
    const now = Math.floor(idp.clock.now() / 1000);
    const token = await new SignJWT({
      iss: idp.issuer,
      aud: 'gatehouse',
      iat: now,
      exp: now + 120,
      jti: 'jti-1',
      sub: 'sub-of-alice',
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      ...changes,
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'logout+jwt' })
      .sign(idp.signer.privateKey);
    const read = idp.provider.readLogoutToken(token);
    if (isSound) expect((await read).jti).toBe('jti-1');
    else await expect(read).rejects.toThrow(UpstreamRefusal);
  });
});
