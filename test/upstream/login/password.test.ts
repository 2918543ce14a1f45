/** The password grant towards a real provider (node-oidc-provider with a custom grant), and towards one that answers what real ones do not. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../src/protocol/clock.ts';
import { Unavailable } from '../../../src/protocol/unavailable.ts';
import { createProvider, type Provider } from '../../../src/upstream/provider.ts';
import { UpstreamRefusal } from '../../../src/upstream/login/refusal.ts';
import type { ProviderSettings } from '../../../src/upstream/settings.ts';
import { type Idp, startIdp } from '../../peers/idp.ts';
import { type ForgedIdp, startForgedIdp } from '../support/forged-idp.ts';
import { testLog } from '../support/log.ts';
import { sendJson, startScriptedServer } from '../support/scripted-server.ts';

const redirectUris = ['http://127.0.0.1:9/'];
const alice = { username: 'alice', password: 'password of alice' };

describe('with a real provider', () => {
  let idp: Idp;
  let withIdToken: Idp;
  const providers: Provider[] = [];
  const connect = (to: Idp, settings: Partial<ProviderSettings> = {}): Provider => {
    const provider = createProvider({
      settings: {
        id: 'main',
        issuer: to.issuer,
        client_id: to.clientId,
        client_secret: to.clientSecret,
        ...settings,
      },
      clock: systemClock,
      random: systemRandom,
      log: testLog(),
    });
    providers.push(provider);
    return provider;
  };
  beforeAll(async () => {
    idp = await startIdp({ redirectUris, passwordGrant: true });
    withIdToken = await startIdp({ redirectUris, passwordGrant: 'id_token' });
  });
  afterAll(async () => {
    for (const provider of providers) await provider.close();
    await idp.close();
    await withIdToken.close();
  });
  beforeEach(() => {
    Object.assign(idp.faults, {
      delayMs: 0,
      tokenStatus: undefined,
      tokenResponse: undefined,
      userinfo: undefined,
    });
    idp.requests.clear();
    withIdToken.requests.clear();
  });

  it('who it is comes from userinfo alone where there is no ID token', async () => {
    const identity = await connect(idp).checkPassword(alice);
    expect(identity).toMatchObject({
      issuer: idp.issuer,
      subject: 'sub-of-alice',
      claims: { preferred_username: 'alice', email: 'alice@example.org' },
    });
    expect(idp.requests.get('/token')).toBe(1);
    expect(idp.requests.get('/me')).toBe(1);
  });

  it('userinfo is asked even where the settings say not to, as nobody else knows', async () => {
    const identity = await connect(idp, { fetch_userinfo: false }).checkPassword(alice);
    expect(identity.subject).toBe('sub-of-alice');
  });

  it('an ID token is verified, and userinfo has to be about the same person', async () => {
    const identity = await connect(withIdToken).checkPassword(alice);
    expect(identity).toMatchObject({
      subject: 'sub-of-alice',
      claims: { aud: 'gatehouse', name: 'Alice Liddell' },
    });
    withIdToken.faults.userinfo = (body) => ({ ...body, sub: 'sub-of-bob' });
    await expect(connect(withIdToken).checkPassword(alice)).rejects.toThrow(Unavailable);
    withIdToken.faults.userinfo = undefined;
  });

  it('a wrong password and an unknown user are refused, and userinfo is not asked', async () => {
    for (const wrong of [
      { username: 'alice', password: 'wrong' },
      { username: 'nobody', password: 'password of alice' },
    ]) {
      const refusal = await connect(idp)
        .checkPassword(wrong)
        .catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(UpstreamRefusal);
      expect(refusal).toMatchObject({ kind: 'denied', idpError: 'invalid_grant' });
    }
    expect(idp.requests.get('/me')).toBeUndefined();
  });

  it('any text arrives as it was typed', async () => {
    const password = ' p+%25&=ä\u{1f512}\t"\'\\/\r\nz ';
    idp.passwords.set('bob', password);
    await expect(connect(idp).checkPassword({ username: 'bob', password })).resolves.toMatchObject({
      subject: 'sub-of-bob',
    });
    await expect(connect(idp).checkPassword({ username: 'bob', password: password.trim() })).rejects.toThrow(
      UpstreamRefusal,
    );
  });

  it.each([
    ['our secret is wrong', { client_secret: 'not-it' }, /invalid_client/],
    ['the identity provider is elsewhere', { issuer: 'http://127.0.0.1:1' }, /ECONNREFUSED|refused/],
  ])('%s: Unavailable, with the reason for the log', async (_name, settings, reason) => {
    const error = await connect(idp, settings)
      .checkPassword(alice)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Unavailable);
    expect(String((error as Unavailable).cause)).toMatch(reason);
  });

  it('a client that may not use the grant is our fault, not the person’s', async () => {
    await using plain = await startIdp({ redirectUris });
    const error = await connect(plain)
      .checkPassword(alice)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Unavailable);
  });

  it('a slow provider is Unavailable', async () => {
    const provider = connect(idp, { timeout_seconds: 1 });
    await provider.refresh();
    idp.faults.delayMs = 1500;
    await expect(provider.checkPassword(alice)).rejects.toThrow(Unavailable);
  });
});

describe('with a provider that answers as it likes', () => {
  let idp: ForgedIdp;
  beforeAll(async () => {
    idp = await startForgedIdp();
  });
  afterAll(() => idp[Symbol.asyncDispose]());
  const answer = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
    idp.token = (response) => {
      sendJson(response, body, headers, status);
    };
  };
  const attempt = (): Promise<unknown> => idp.provider.checkPassword(alice).catch((error: unknown) => error);

  it.each([
    [400, 'invalid_grant'],
    [401, 'invalid_grant'],
    [403, 'invalid_grant'],
    [200, 'invalid_grant'],
    [400, 'access_denied'],
    [403, 'access_denied'],
    [400, 'interaction_required'],
    [403, 'mfa_required'],
  ])('%i with %s is about the person', async (status, error) => {
    answer(status, { error, error_description: 'password of alice' });
    const refusal = await attempt();
    expect(refusal).toMatchObject({ kind: 'denied', idpError: error });
    expect(JSON.stringify(refusal)).not.toContain('password of alice');
  });

  it.each([
    [401, 'invalid_client'],
    [400, 'unauthorized_client'],
    [400, 'unsupported_grant_type'],
    [400, 'invalid_request'],
    [400, 'invalid_scope'],
    [400, 'server_error'],
    [400, 'something_else'],
    [500, 'invalid_grant'],
    [503, 'temporarily_unavailable'],
  ])('%i with %s is not', async (status, error) => {
    answer(status, { error, error_description: 'told in words' });
    const caught = await attempt();
    expect(caught).toBeInstanceOf(Unavailable);
    if (status < 500) expect(String((caught as Unavailable).cause)).toContain(error);
  });

  it('429 says when to come back', async () => {
    answer(429, { error: 'invalid_grant' }, { 'retry-after': '17' });
    const caught = await attempt();
    expect(caught).toBeInstanceOf(Unavailable);
    expect((caught as Unavailable).retryAfterSeconds).toBe(17);
  });

  it('what was typed is in no reason, even where the provider repeats it', async () => {
    answer(400, { error: 'invalid_request', error_description: 'bad value "password of alice"' });
    const cause = String(((await attempt()) as Unavailable).cause);
    expect(cause).not.toContain('password of alice');
    expect(cause).toContain('invalid_request');
  });

  it.each([
    ['no token type', { access_token: 'a' }],
    ['another token type', { access_token: 'a', token_type: 'mac' }],
    ['no access token', { token_type: 'Bearer' }],
    ['an ID token of somebody else’s', { access_token: 'a', token_type: 'Bearer', id_token: 'x.y.z' }],
    ['an array', []],
  ])('%s is no sign-in, and not the person’s fault', async (_name, body) => {
    answer(200, body);
    expect(await attempt()).toBeInstanceOf(Unavailable);
  });

  it.each([
    ['another audience', { aud: 'other' }],
    ['another issuer', { iss: 'https://other.example' }],
    ['the past', { iat: 1, exp: 2 }],
  ])('an ID token of %s is refused', async (_name, claims) => {
    idp.token = undefined;
    idp.claims = claims;
    expect(await attempt()).toBeInstanceOf(Unavailable);
    idp.claims = {};
  });

  it('userinfo without a subject is no sign-in', async () => {
    idp.token = (response) => {
      sendJson(response, { access_token: 'a', token_type: 'Bearer' });
    };
    idp.userinfo = (response) => {
      sendJson(response, { preferred_username: 'alice' });
    };
    expect(await attempt()).toBeInstanceOf(Unavailable);
    idp.userinfo = undefined;
    expect(await attempt()).toMatchObject({ subject: 'sub-of-alice' });
  });

  it('the request is the one of RFC 6749 section 4.3.2', async () => {
    idp.token = undefined;
    await attempt();
    const sent = idp.server.seen.findLast(({ path }) => path === '/token');
    expect(Object.fromEntries(new URLSearchParams(sent?.body))).toEqual({
      grant_type: 'password',
      username: 'alice',
      password: 'password of alice',
      scope: 'openid profile email',
    });
    expect(sent?.headers.authorization).toMatch(/^Basic /);
  });
});

it('asks for a refresh token as a login by page does, where claims are to be had again', async () => {
  await using idp = await startForgedIdp({ offline_access: true });
  idp.metadata = { scopes_supported: ['openid', 'offline_access'] };
  idp.token = async (response, good) => {
    sendJson(response, { ...(await good()), refresh_token: 'again' });
  };
  expect(await idp.provider.checkPassword(alice)).toMatchObject({ refreshToken: 'again' });
  const sent = idp.server.seen.findLast(({ path }) => path === '/token');
  expect(new URLSearchParams(sent?.body).get('scope')).toBe('openid profile email offline_access');
});

it('a refusal without a word is one of the password where the provider is known for it, and nowhere else', async () => {
  const attempt = async (preset: string, status: number, text: string): Promise<unknown> => {
    await using idp = await startForgedIdp({ preset });
    idp.token = (response) => response.writeHead(status).end(text);
    return await idp.provider.checkPassword(alice).catch((error: unknown) => error);
  };
  expect(await attempt('glewlwyd', 403, '')).toMatchObject({ kind: 'denied' });
  for (const [preset, status, text] of [
    ['glewlwyd', 400, ''],
    ['glewlwyd', 500, ''],
    ['glewlwyd', 403, '<html>Attention Required! | Cloudflare'],
    ['generic', 403, ''],
    ['generic', 401, ''],
  ] as const) {
    expect(await attempt(preset, status, text)).toBeInstanceOf(Unavailable);
  }
});

it('plain OAuth 2.0: who it is comes from userinfo, and an ID token in the answer counts for nothing', async () => {
  await using server = await startScriptedServer();
  await using idp = await startForgedIdp({
    preset: 'oauth2',
    subject_claim: 'id',
    scopes: [],
    discovery: {
      overrides: {
        authorization_endpoint: `${server.url}/authorize`,
        token_endpoint: `${server.url}/token`,
        userinfo_endpoint: `${server.url}/user`,
      },
    },
  });
  server.answer((request, response) => {
    if (request.path === '/token') {
      sendJson(response, { access_token: 'token', token_type: 'bearer', id_token: 'junk' });
    } else sendJson(response, { id: 583231, login: 'octocat' });
  });
  expect(await idp.provider.checkPassword(alice)).toEqual({
    issuer: idp.issuer,
    subject: '583231',
    claims: { id: 583231, login: 'octocat' },
  });
  expect(new URLSearchParams(server.seen[0]?.body).has('scope')).toBe(false);
});
