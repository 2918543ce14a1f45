/** Who it is, by the claim that names the person: one rule for ID tokens and for the userinfo of plain OAuth 2.0. */
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { subjectOf } from '../../../src/upstream/login/subject.ts';
import { UpstreamRefusal } from '../../../src/upstream/login/refusal.ts';
import type { ResolvedSettings } from '../../../src/upstream/resolved-settings.ts';
import { startForgedIdp } from '../support/forged-idp.ts';
import { sendJson, startScriptedServer } from '../support/scripted-server.ts';

describe.each(['sub', 'id'])('the claim %s', (claim) => {
  const settings = { subjectClaim: claim } as ResolvedSettings;

  it.each<[string, unknown]>([
    ['a NUL', 'a\u0000b'],
    ['a line break', 'a\nb'],
    ['a DEL', 'a\u007f'],
    ['the first half of a surrogate pair', 'a\ud800'],
    ['the second half of a surrogate pair', '\udc00a'],
    ['nothing', ''],
    ['256 characters', 'x'.repeat(256)],
    ['an object', {}],
    ['a fraction', 1.5],
  ])('with %s is refused', (_name, value) => {
    expect(() => subjectOf(settings, { [claim]: value })).toThrow(UpstreamRefusal);
  });

  it.each(['person', 'x'.repeat(255), 'Zoë', '😀', ' a b '])('%j is taken as it is', (value) => {
    expect(subjectOf(settings, { [claim]: value })).toBe(value);
  });
});

it('a whole number counts as its digits in plain OAuth 2.0, and never as the sub of OpenID Connect', () => {
  expect(subjectOf({ subjectClaim: 'id' }, { id: 42 })).toBe('42');
  expect(() => subjectOf({ subjectClaim: 'sub' }, { sub: 42 })).toThrow(UpstreamRefusal);
});

describe('a claim within others', () => {
  const settings = { subjectClaim: 'ocs.data.id' } as ResolvedSettings;

  it.each<[string, Record<string, unknown>, string]>([
    ['two levels down', { ocs: { data: { id: 'alice' } } }, 'alice'],
    ['a number', { ocs: { data: { id: 42 } } }, '42'],
    ['beside others', { id: 'x', ocs: { id: 'y', data: { id: 'alice', name: 'z' } } }, 'alice'],
    ['under the whole name', { 'ocs.data.id': 'alice', ocs: { data: { id: 'bob' } } }, 'alice'],
    ['under a name with a dot', { 'ocs.data': { id: 'alice' } }, 'alice'],
    [
      'beside a null of the whole name',
      { 'ocs.data.id': undefined, ocs: { data: { id: 'alice' } } },
      'alice',
    ],
  ])('%s names the person', (_name, claims, subject) => {
    expect(subjectOf(settings, claims)).toBe(subject);
  });

  it.each<[string, Record<string, unknown>]>([
    ['nothing', {}],
    ['only the first level', { ocs: {} }],
    ['a text on the way', { ocs: 'data' }],
    ['a list on the way', { ocs: { data: [{ id: 'alice' }] } }],
    ['null on the way', { ocs: { data: null } }],
    ['null', { ocs: { data: { id: null } } }],
    ['an empty text', { ocs: { data: { id: '' } } }],
    ['an object', { ocs: { data: { id: {} } } }],
    ['a list', { ocs: { data: { id: ['alice'] } } }],
    ['true', { ocs: { data: { id: true } } }],
    ['a member of every object', { ocs: { data: {} }, sub: 'alice' }],
  ])('%s names nobody', (_name, claims) => {
    expect(() => subjectOf(settings, claims)).toThrow(UpstreamRefusal);
  });

  it('never is one that every object inherits', () => {
    const inherited = { subjectClaim: 'ocs.constructor.name' } as ResolvedSettings;
    expect(() => subjectOf(inherited, { ocs: {} })).toThrow(UpstreamRefusal);
  });

  it("is the subject of Nextcloud's people, whose user API is the userinfo", async () => {
    await using server = await startScriptedServer();
    await using idp = await startForgedIdp({
      preset: 'nextcloud',
      discovery: {
        overrides: {
          authorization_endpoint: `${server.url}/authorize`,
          token_endpoint: `${server.url}/token`,
          userinfo_endpoint: `${server.url}/user`,
        },
      },
    });
    server.answer((request, response) => {
      if (request.path === '/token') sendJson(response, { access_token: 'token', token_type: 'Bearer' });
      else sendJson(response, { ocs: { meta: { status: 'ok' }, data: { id: 'alice', displayname: null } } });
    });
    expect(await idp.login({ iss: undefined })).toMatchObject({ subject: 'alice' });
  });

  it('is the one by which a logout token names the person', async () => {
    await using idp = await startForgedIdp({ subject_claim: 'person.id' });
    const now = Math.floor(idp.clock.now() / 1000);
    const token = (claims: Record<string, unknown>) =>
      new SignJWT({
        iss: idp.issuer,
        aud: 'gatehouse',
        iat: now,
        exp: now + 60,
        jti: 'j',
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'logout+jwt' })
        .sign(idp.signer.privateKey);
    const read = async (claims: Record<string, unknown>) => idp.provider.readLogoutToken(await token(claims));
    expect(await read({ person: { id: 'p-1' } })).toMatchObject({ subject: 'p-1' });
    expect(await read({ person: {}, sid: 's' })).toMatchObject({ subject: undefined, sid: 's' });
    await expect(read({ person: { id: {} }, sid: 's' })).rejects.toThrow(UpstreamRefusal);
  });
});
