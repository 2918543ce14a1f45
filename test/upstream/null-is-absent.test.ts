/** Many providers write null, or an empty text, for what they do not have: it is as if it were not there. */
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { Unavailable } from '../../src/protocol/unavailable.ts';
import { parseKeySet } from '../../src/upstream/documents/jwks.ts';
import { UpstreamRefusal } from '../../src/upstream/login/refusal.ts';
import { type ForgedIdp, signingKey, startForgedIdp } from './support/forged-idp.ts';
import { sendJson } from './support/scripted-server.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

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

/** JSON text that is nested so deep. */
const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const nested = (levels: number): unknown => JSON.parse(deep(levels));

/** The text of an answer, made of that of a good one. */
function raw(path: '/token' | '/userinfo', text: (good: string) => string): Change {
  return (idp) => {
    if (path === '/userinfo') {
      idp.userinfo = (response) => {
        sendJson(response, text(''));
      };
    } else {
      idp.token = async (response, good) => {
        sendJson(response, text(JSON.stringify(await good())));
      };
    }
  };
}

function rawMetadata(text: (good: string) => string): Change {
  return (idp) => {
    const { issuer } = idp;
    const good = {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
    };
    idp.server.answer((_request, response) => {
      sendJson(response, text(JSON.stringify(good)));
    });
  };
}

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
    ['sid and acr, empty', inIdToken({ sid: '', acr: '' })],
    ['azp, empty', inIdToken({ azp: '' })],
    ['hashes, empty', inIdToken({ at_hash: '', c_hash: '' })],
    ['auth_time and nbf, empty', inIdToken({ auth_time: '', nbf: '' })],
    ['a null among the audiences', inIdToken({ aud: ['gatehouse', null] })],
    ['null for claims that nobody uses', inIdToken({ amr: null, groups: [null], address: { x: null } })],
    [
      'unused members of the wrong type',
      inIdToken({ amr: 7, jti: {}, name: ['x'], email_verified: 'maybe' }),
    ],
    ['_claim_names that point to nothing', inIdToken({ _claim_names: null, _claim_sources: [] })],
    ['_claim_names of the wrong type', inIdToken({ _claim_names: 'groups', hasgroups: [] })],
    ['a refresh_token that is a number', answer({ refresh_token: 7 })],
    ['a refresh_token that is a list', answer({ refresh_token: [null] })],
    ['members that nobody knows', answer({ not_before_policy: {}, session_state: null, scope: [null] })],
    ['an empty error in a good answer', answer({ error: '', error_description: 7 })],
    ['sid and acr of userinfo, empty', inUserinfo({ sid: '', acr: '' })],
    ['userinfo that is null but for its subject', inUserinfo({ email: null, name: null, groups: [null] })],
    [
      'lists of the metadata that are empty texts',
      (idp) => void (idp.metadata = { scopes_supported: '', userinfo_signing_alg_values_supported: '' }),
    ],
    [
      'a list of null in the metadata',
      (idp) => void (idp.metadata = { response_modes_supported: ['query', null] }),
    ],
    [
      'every unused member of the metadata',
      (idp) =>
        void (idp.metadata = {
          op_policy_uri: 7,
          claims_supported: {},
          backchannel_logout_supported: 'yes',
          mtls_endpoint_aliases: null,
        }),
    ],
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
    ['the audiences', inIdToken({ aud: [null] })],
    ['an entry of the nonce', inIdToken({ nonce: [null] })],
    ['all but the name of the issuer', inIdToken({ iss: [null] })],
  ])('where %s is required, null does not do', async (_name, change) => {
    await using idp = await startForgedIdp();
    change(idp);
    await expect(idp.login()).rejects.toThrow(UpstreamRefusal);
  });

  it.each<[string, Change]>([
    ['an empty access_token', answer({ access_token: '' })],
    ['an access_token that is a number', answer({ access_token: 7 })],
    ['an empty token_type', answer({ token_type: '' })],
    ['a token_type that is a list', answer({ token_type: ['Bearer'] })],
    ['an empty id_token', answer({ id_token: '' })],
    ['an id_token that is an object', answer({ id_token: {} })],
    ['an empty nonce', inIdToken({ nonce: '' })],
    ['an empty audience', inIdToken({ aud: '' })],
    ['an empty subject of userinfo', inUserinfo({ sub: '' })],
    ['the subject of userinfo in a list', inUserinfo({ sub: ['sub-of-alice'] })],
    ['auth_time that is a list', inIdToken({ auth_time: [1] })],
    ['nbf that is a text', inIdToken({ nbf: '1' })],
    ['azp that is a list', inIdToken({ azp: ['gatehouse'] })],
    [
      'doubled members in the token answer',
      raw('/token', (good) => `{"access_token":"evil",${good.slice(1)}`),
    ],
    ['doubled members, escaped', raw('/token', (good) => `{"access\\u005ftoken":"evil",${good.slice(1)}`)],
    [
      'a token answer nested without end',
      raw('/token', (good) => `${good.slice(0, -1)},"x":${deep(40_000)}}`),
    ],
    ['doubled members in userinfo', raw('/userinfo', () => '{"sub":"evil","sub":"sub-of-alice"}')],
    ['doubled members within a claim', raw('/userinfo', () => '{"sub":"sub-of-alice","a":{"b":1,"b":null}}')],
    ['userinfo nested without end', raw('/userinfo', () => `{"sub":"sub-of-alice","x":${deep(40_000)}}`)],
    ['an ID token nested without end', inIdToken({ x: nested(200) })],
    ['userinfo that is a list', raw('/userinfo', () => '[{"sub":"sub-of-alice"}]')],
    ['userinfo that is null', raw('/userinfo', () => 'null')],
    ['a token answer that is null', raw('/token', () => 'null')],
    ['a token answer that is a text', raw('/token', (good) => JSON.stringify(good))],
    ['a member named __proto__', raw('/token', (good) => `{"__proto__":{"x":1},${good.slice(1)}`)],
  ])('%s is refused, and nothing of ours breaks', async (_name, change) => {
    await using idp = await startForgedIdp();
    change(idp);
    await expect(idp.login()).rejects.toThrow(UpstreamRefusal);
  });

  it.each<[string, Change]>([
    [
      'doubled endpoints',
      rawMetadata((good) => `{"token_endpoint":"https://evil.example/",${good.slice(1)}`),
    ],
    ['doubled unused members', rawMetadata((good) => `{"x":1,"x":null,${good.slice(1)}`)],
    ['members nested without end', rawMetadata((good) => `{"x":${deep(40_000)},${good.slice(1)}`)],
    ['nothing', rawMetadata(() => '{}')],
    ['null', rawMetadata(() => 'null')],
    ['a list', rawMetadata((good) => `[${good}]`)],
    ['a null issuer', (idp) => void (idp.metadata = { issuer: null })],
    ['an empty issuer', (idp) => void (idp.metadata = { issuer: '' })],
    ['a list of issuers', (idp) => void (idp.metadata = { issuer: [idp.issuer] })],
    ['an empty token_endpoint', (idp) => void (idp.metadata = { token_endpoint: '' })],
    ['a null authorization_endpoint', (idp) => void (idp.metadata = { authorization_endpoint: null })],
    ['a jwks_uri that is a number', (idp) => void (idp.metadata = { jwks_uri: 7 })],
  ])('metadata with %s is an outage with a reason, and nothing of ours breaks', async (_name, change) => {
    await using idp = await startForgedIdp();
    change(idp);
    await expect(idp.login()).rejects.toThrow(Unavailable);
    expect(idp.provider.state().lastError).toMatch(/metadata document|issuer|_endpoint|jwks_uri/);
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
    ['oth, as a list of nothing', { oth: [] }],
    ['a null in oth', { oth: [null] }],
    ['every private member, as an empty text', { d: '', p: '', q: '', dp: '', dq: '', qi: '', k: '' }],
    ['members that nobody knows', { ext: true, iat: null, 'x5t#S256': {}, revoked: null }],
  ])('with null for %s is sound', async (_name, changes) => {
    const { jwk } = await signingKey('one', 'RS256');
    const alarms: string[] = [];
    const set = await parseKeySet(JSON.stringify({ keys: [{ ...jwk, ...changes }, null] }), (alarm) =>
      alarms.push(alarm),
    );
    expect(set.keys).toHaveLength(1);
    expect(alarms).toEqual([]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a kid that is a number', { kid: 7 }],
    ['a use that is a list', { use: ['sig'] }],
    ['use enc', { use: 'enc' }],
    ['no operation', { key_ops: [] }],
    ['an operation alone, not in a list', { key_ops: 'verify' }],
    ['null for the modulus', { n: null }],
    ['an empty exponent', { e: '' }],
    ['null for kty', { kty: null }],
    ['an alg of another kind of key', { alg: 'ES256' }],
    ['an alg for encryption', { alg: 'RSA-OAEP' }],
  ])('leaves out a key with %s, and keeps the others', async (_name, changes) => {
    const [one, two] = await Promise.all([signingKey('one', 'RS256'), signingKey('two')]);
    const body = JSON.stringify({ keys: [{ ...one.jwk, ...changes }, two.jwk, 'x', 7, [one.jwk], {}] });
    const set = await parseKeySet(body, () => undefined);
    expect(set.keys.map(({ kid }) => kid)).toEqual(['two']);
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
    ['an empty sub, beside a sid', { sub: '', sid: 's' }, true],
    ['an empty nonce', { nonce: '' }, false],
    ['a null among the audiences', { aud: ['gatehouse', null] }, true],
    ['no audience in a list', { aud: [null] }, false],
    ['members that nobody uses', { trace_id: null, toe: 'x', events: { [EVENT]: {}, other: null } }, true],
    ['an empty jti', { jti: '' }, false],
    ['an event that is a list', { events: { [EVENT]: [null] } }, false],
    ['an empty iss', { iss: '' }, false],
    ['a sub that is a list, beside a sid', { sub: ['sub-of-alice'], sid: 's' }, false],
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
