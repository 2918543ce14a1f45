/** Tokens that the provider is asked about: introspection, tokeninfo, userinfo. What it answers is trusted; what is no answer says nothing. */
import { exportPKCS8, generateKeyPair, SignJWT } from 'jose';
import type { ServerResponse } from 'node:http';
import { describe, expect, it, test } from 'vitest';
import type { TokenSettings } from '../../src/verification/settings.ts';
import { signingKey } from '../upstream/support/forged-idp.ts';
import { sendJson } from '../upstream/support/scripted-server.ts';
import { startTokenIdp, type TokenIdp } from './support.ts';

const opaque = 'opaque-token-canary';
const good = { active: true, sub: 'sub-of-alice', username: 'alice', scope: 'openid mail', client_id: 'app' };

type Answer = (response: ServerResponse, peer: TokenIdp) => unknown;
const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (response) => {
    sendJson(response, body, headers, status);
  };

async function kindFor(answer: Answer, tokens: Partial<TokenSettings> = {}): Promise<string> {
  await using peer = await startTokenIdp({ strategies: ['introspection'], ...tokens });
  peer.answer = (_request, response) => answer(response, peer);
  const kind = await peer.kindOf(opaque);
  expect(peer.idp.log.text()).not.toContain(opaque);
  return kind;
}

describe('introspection', () => {
  it('is a POST of the token with our credentials, and says whose it is', async () => {
    await using peer = await startTokenIdp({
      strategies: ['introspection'],
      claims: { localpart: 'username' },
    });
    const exp = Math.floor(peer.idp.clock.now() / 1000) + 100;
    peer.answer = (_request, response) => {
      sendJson(response, { ...good, exp, iss: peer.idp.issuer, token_type: 'Bearer' });
    };
    expect(await peer.verify(opaque)).toMatchObject({
      kind: 'active',
      token: {
        subject: 'sub-of-alice',
        localpart: 'alice',
        clientId: 'app',
        scope: ['openid', 'mail'],
        expiresAt: exp * 1000,
      },
    });
    const [asked] = peer.questions();
    expect(asked).toMatchObject({ method: 'POST', path: '/introspect' });
    expect(Object.fromEntries(new URLSearchParams(asked?.body))).toEqual({
      token: opaque,
      token_type_hint: 'access_token',
    });
    const basic = Buffer.from('gatehouse:idp-secret-canary').toString('base64');
    expect(asked?.headers.authorization).toBe(`Basic ${basic}`);
  });

  test.each<[string, Answer, string]>([
    ['is not active', json({ active: false }), 'unknown'],
    ['has "true" as a text', json({ ...good, active: 'true' }), 'unavailable'],
    ['has 1', json({ ...good, active: 1 }), 'unavailable'],
    ['has null', json({ ...good, active: null }), 'unavailable'],
    ['has no active', json({ sub: 'x' }), 'unavailable'],
    ['is a list', json([]), 'unavailable'],
    ['has active twice', json('{"active":false,"active":true,"sub":"x"}'), 'unavailable'],
    ['is 204', (response) => response.writeHead(204).end(), 'unavailable'],
    [
      'is a page',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      'unavailable',
    ],
    ['is of 10 MB', json({ ...good, x: 'x'.repeat(10_000_000) }), 'unavailable'],
    [
      'is nested deep',
      json(`{"active":true,"sub":"x","a":${'['.repeat(200)}${']'.repeat(200)}}`),
      'unavailable',
    ],
    ['is a redirect', (response) => response.writeHead(302, { location: '/other' }).end(), 'unavailable'],
    [
      'is 401, which is about us',
      json({ error: 'invalid_client', sub: 'sub-of-alice', username: 'alice' }, 401),
      'unavailable',
    ],
    ['is 403 with all of a good answer', json(good, 403), 'unavailable'],
    ['is 400', json({ error: 'invalid_request' }, 400), 'unavailable'],
    ['is 429', json({}, 429), 'unavailable'],
    ['is 500', json(good, 500), 'unavailable'],
    ['breaks off', (response) => response.destroy(), 'unavailable'],
    ['has no sub', json({ ...good, sub: undefined }), 'invalid'],
    ['has an empty sub', json({ ...good, sub: '' }), 'invalid'],
    ['is of another issuer', json({ ...good, iss: 'https://other.example.com' }), 'invalid'],
    ['is for another audience', json({ ...good, aud: 'other' }), 'invalid'],
    ['is for us among others', json({ ...good, aud: ['other', 'gatehouse'] }), 'active'],
    ['has expired all the same', json({ ...good, exp: 1 }), 'expired'],
    ['is not good yet', json({ ...good, nbf: 99_999_999_999 }), 'invalid'],
    ['is of a refresh token', json({ ...good, token_type: 'refresh_token' }), 'invalid'],
    ['is of a token that is bound to a key', json({ ...good, cnf: { jkt: 'x' } }), 'invalid'],
    ['calls it access_token', json({ ...good, token_type: 'access_token' }), 'active'],
    ['calls it bearer', json({ ...good, token_type: 'bearer' }), 'active'],
    ['has nulls', json({ ...good, aud: null, exp: null, cnf: null }), 'active'],
  ])('whose answer %s', async (_name, answer, expected) => {
    expect(await kindFor(answer)).toBe(expected);
  });

  test.each<[string, unknown, Partial<TokenSettings>, string]>([
    [
      'another attribute',
      { sub: 'x', status: 'live' },
      { introspection: { active_attribute: 'status', active_value: 'live' } },
      'active',
    ],
    [
      'another value of it',
      { sub: 'x', status: 'dead' },
      { introspection: { active_attribute: 'status', active_value: 'live' } },
      'unknown',
    ],
    [
      'no such attribute',
      { sub: 'x', active: true },
      { introspection: { active_attribute: 'status', active_value: 'live' } },
      'unknown',
    ],
    [
      'a boolean as a text',
      { sub: 'x', active: 'true' },
      { introspection: { active_attribute: 'active', active_value: 'true' } },
      'active',
    ],
    [
      'a boolean for a text',
      { sub: 'x', active: true },
      { introspection: { active_attribute: 'active', active_value: 'true' } },
      'active',
    ],
    [
      'a number for a text',
      { sub: 'x', active: 1 },
      { introspection: { active_attribute: 'active', active_value: 'true' } },
      'unknown',
    ],
    ['no audience where one is configured', { active: true, sub: 'x' }, { audience: ['api'] }, 'invalid'],
  ])('is judged by %s', async (_name, body, tokens, expected) => {
    expect(await kindFor(json(body), tokens)).toBe(expected);
  });

  test.each<[string, TokenSettings['introspection'], string, string]>([
    ['get', { mode: 'get', url: 'URL/introspect?token=' }, 'GET', '/introspect?token=opaque-token-canary'],
    ['auth', { mode: 'auth', url: 'URL/me' }, 'GET', '/me'],
  ])('in mode %s', async (mode, settings, method, path) => {
    await using probe = await startTokenIdp();
    const url = settings?.url?.replace('URL', probe.idp.issuer);
    await using peer = await startTokenIdp({
      strategies: ['introspection'],
      introspection: { ...settings, url },
    });
    probe.answer = (_request, response) => {
      sendJson(response, good);
    };
    expect(await peer.kindOf(opaque)).toBe('active');
    expect(probe.questions()[0]).toMatchObject({ method, path });
    const { authorization } = probe.questions()[0]?.headers ?? {};
    expect(authorization).toMatch(mode === 'auth' ? /^Bearer opaque-token-canary$/ : /^Basic /);
    probe.answer = (_request, response) => {
      sendJson(response, { error: 'invalid_token' }, {}, 401);
    };
    expect(await peer.kindOf('another')).toBe(mode === 'auth' ? 'unknown' : 'unavailable');
  });

  it('alarms where the provider refuses us', async () => {
    await using peer = await startTokenIdp({ strategies: ['introspection'] });
    peer.answer = (_request, response) => {
      sendJson(response, {}, {}, 401);
    };
    await peer.verify(opaque);
    expect(peer.idp.log.lines).toContainEqual({
      level: 'error',
      members: { provider: 'main', status: 401 },
      message: 'the identity provider refuses us at introspection: check client_id and client_secret',
    });
  });

  it('proves who we are by private_key_jwt', async () => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    await using peer = await startTokenIdp(
      { strategies: ['introspection'] },
      { client_private_key: await exportPKCS8(privateKey) },
    );
    peer.answer = (_request, response) => {
      sendJson(response, good);
    };
    expect(await peer.kindOf(opaque)).toBe('active');
    const form = new URLSearchParams(peer.questions()[0]?.body);
    expect(form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    expect(form.get('client_assertion')).toMatch(/^eyJ/);
  });

  it('is an outage where the metadata has no endpoint and none is configured', async () => {
    await using peer = await startTokenIdp({ strategies: ['introspection'] });
    peer.idp.metadata = {};
    expect(await peer.kindOf(opaque)).toBe('unavailable');
  });
});

describe('a signed introspection answer (RFC 9701)', () => {
  const sign = async (
    peer: TokenIdp,
    changes: Record<string, unknown> = {},
    header: object = {},
    kid = 'one',
  ) => {
    const { privateKey } = await signingKey(kid);
    return new SignJWT({
      iss: peer.idp.issuer,
      aud: 'gatehouse',
      iat: Math.floor(peer.idp.clock.now() / 1000),
      token_introspection: good,
      ...changes,
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'token-introspection+jwt', ...header })
      .sign(privateKey);
  };
  test.each<[string, (peer: TokenIdp) => Promise<string>, string]>([
    ['by the provider, for us, just now', (peer) => sign(peer), 'active'],
    [
      'about a token that is not active',
      (peer) => sign(peer, { token_introspection: { active: false } }),
      'unknown',
    ],
    ['by another key', (peer) => sign(peer, {}, {}, 'forged'), 'unavailable'],
    ['for somebody else', (peer) => sign(peer, { aud: 'other' }), 'unavailable'],
    ['by another issuer', (peer) => sign(peer, { iss: 'https://other.example.com' }), 'unavailable'],
    [
      'an hour ago',
      (peer) => sign(peer, { iat: Math.floor(peer.idp.clock.now() / 1000) - 3600 }),
      'unavailable',
    ],
    ['of another type', (peer) => sign(peer, {}, { typ: 'JWT' }), 'unavailable'],
    ['without an answer in it', (peer) => sign(peer, { token_introspection: undefined }), 'unavailable'],
    ['that is no JWT', () => Promise.resolve('x'), 'unavailable'],
  ])('%s', async (_name, make, expected) => {
    const kind = await kindFor(
      async (response, peer) =>
        response
          .writeHead(200, { 'content-type': 'application/token-introspection+jwt' })
          .end(await make(peer)),
      { introspection: { signed: true } },
    );
    expect(kind).toBe(expected);
  });

  it.each<[unknown, string]>([
    [['RS256'], 'unavailable'],
    [['ES256'], 'active'],
    [['none'], 'active'],
    ['RS256', 'active'],
    [null, 'active'],
    [undefined, 'active'],
  ])('where the metadata lists other algorithms, is no answer: %j', async (listed, expected) => {
    await using peer = await startTokenIdp({
      strategies: ['introspection'],
      introspection: { signed: true },
    });
    peer.idp.metadata = { ...peer.idp.metadata, introspection_signing_alg_values_supported: listed };
    peer.answer = async (_request, response) =>
      response
        .writeHead(200, { 'content-type': 'application/token-introspection+jwt' })
        .end(await sign(peer));
    expect(await peer.kindOf(opaque)).toBe(expected);
  });

  it('is asked for, and an unsigned one is none', async () => {
    await using peer = await startTokenIdp({
      strategies: ['introspection'],
      introspection: { signed: true },
    });
    peer.answer = (_request, response) => {
      sendJson(response, good);
    };
    expect(await peer.kindOf(opaque)).toBe('unavailable');
    expect(peer.questions()[0]?.headers.accept).toBe('application/token-introspection+jwt');
  });
});

describe('userinfo', () => {
  const claims = { sub: 'sub-of-alice', preferred_username: 'alice' };
  test.each<[string, Answer, string]>([
    ['200 with a person', json(claims), 'active'],
    ['200 without sub', json({ preferred_username: 'alice' }), 'invalid'],
    ['200 and says that it is not active', json({ ...claims, active: false }), 'unknown'],
    ['401', json({ error: 'invalid_token', ...claims }, 401), 'unknown'],
    [
      '403 for the scope',
      json({}, 403, { 'www-authenticate': 'Bearer error="insufficient_scope"' }),
      'insufficient_scope',
    ],
    ['403', json(claims, 403), 'unavailable'],
    ['500', json(claims, 500), 'unavailable'],
    [
      '200 with a page',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('x'),
      'unavailable',
    ],
  ])('that answers %s', async (_name, answer, expected) => {
    expect(await kindFor(answer, { strategies: ['userinfo'] })).toBe(expected);
  });
});

describe('tokeninfo', () => {
  test.each<[string, Answer, string]>([
    ['200 with claims', json({ sub: 'x', aud: 'gatehouse', expires_in: '300' }), 'active'],
    ['200 for another client', json({ sub: 'x', aud: 'other' }), 'invalid'],
    ['200 for what has expired', json({ sub: 'x', expires_in: -100 }), 'expired'],
    ['400', json({ error: 'invalid_token' }, 400), 'unknown'],
    ['401', json({ email: 'alice@example.org' }, 401), 'unknown'],
    ['404', json({}, 404), 'unavailable'],
    ['500', json({}, 500), 'unavailable'],
  ])('that answers %s', async (_name, answer, expected) => {
    await using probe = await startTokenIdp();
    probe.answer = (_request, response) => answer(response, probe);
    const url = `${probe.idp.issuer}/tokeninfo?access_token=`;
    expect(await kindFor(json({}), { strategies: ['tokeninfo'], tokeninfo: { url } })).toBe(expected);
    expect(probe.questions()[0]?.path).toBe(`/tokeninfo?access_token=${opaque}`);
  });

  it('is no path, as paths are logged', async () => {
    await using peer = await startTokenIdp({
      strategies: ['tokeninfo'],
      tokeninfo: { url: 'https://idp.example.com/tokeninfo/' },
    });
    await expect(peer.verify(opaque)).rejects.toThrow(RangeError);
  });
});

describe('several strategies', () => {
  it('ask about an opaque token what a JWT need not be asked', async () => {
    await using peer = await startTokenIdp({ strategies: ['jwt', 'introspection'] });
    peer.answer = (_request, response) => {
      sendJson(response, { ...good, preferred_username: 'alice' });
    };
    expect(await peer.kindOf(await peer.sign())).toBe('active');
    expect(peer.questions()).toEqual([]);
    expect(await peer.kindOf(opaque)).toBe('active');
    expect(peer.questions().length).toBe(1);
    expect(await peer.kindOf(await peer.sign({ aud: 'other' }))).toBe('invalid');
    expect(peer.questions().length).toBe(1);
  });

  it('ask about a JWT too where introspection is forced, and believe its no', async () => {
    await using peer = await startTokenIdp({
      strategies: ['jwt', 'introspection'],
      introspection: { force: true },
      cache: { entries: 0 },
    });
    let active = true;
    peer.answer = (_request, response) => {
      sendJson(response, { active, sub: 'sub-of-alice' });
    };
    const token = await peer.sign();
    expect(await peer.kindOf(token)).toBe('active');
    active = false;
    expect(await peer.kindOf(token)).toBe('unknown');
    await peer.idp.server.goDown();
    expect(await peer.kindOf(token)).toBe('unavailable');
  });

  it('complete each other where the localpart is missing, and only for the same person', async () => {
    await using peer = await startTokenIdp({ strategies: ['jwt', 'userinfo'], cache: { entries: 0 } });
    let sub = 'sub-of-alice';
    peer.answer = (_request, response) => {
      sendJson(response, { sub, preferred_username: 'alice', aud: 'x', scope: 'admin' });
    };
    const token = await peer.sign({ preferred_username: undefined, scope: 'mail' });
    expect(await peer.verify(token)).toMatchObject({
      kind: 'active',
      token: { localpart: 'alice', scope: ['mail'] },
    });
    sub = 'sub-of-mallory';
    expect(await peer.kindOf(token)).toBe('invalid');
    expect(await peer.kindOf(await peer.sign())).toBe('active');
  });
});
