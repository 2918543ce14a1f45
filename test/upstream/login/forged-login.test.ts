/** Answers that no correct provider gives. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { Unavailable } from '../../../src/protocol/unavailable.ts';
import { UpstreamRefusal } from '../../../src/upstream/login/refusal.ts';
import { signingKey, startForgedIdp, type ForgedIdp } from '../support/forged-idp.ts';
import { sendJson } from '../support/scripted-server.ts';

async function refusalOf(promise: Promise<unknown>): Promise<UpstreamRefusal> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UpstreamRefusal);
  return error as UpstreamRefusal;
}

describe('the callback', () => {
  it('is taken as the IdP sent it', async () => {
    await using idp = await startForgedIdp();
    expect(await idp.login()).toMatchObject({
      issuer: idp.issuer,
      subject: 'sub-of-alice',
      claims: { preferred_username: 'alice' },
    });
  });

  it.each<[string, Record<string, string | undefined>]>([
    ['no state', { state: undefined }],
    ['an empty state', { state: '' }],
    ['another state', { state: 'other' }],
    ['no code', { code: undefined }],
    ['an empty code', { code: '' }],
    ['a token in the front channel', { id_token: 'x' }],
    ['a JARM response', { response: 'x' }],
  ])('%s is refused, nothing is sent', async (_name, changes) => {
    await using idp = await startForgedIdp();
    expect((await refusalOf(idp.login(changes))).kind).toBe('callback');
    expect(idp.server.count('/token')).toBe(0);
  });

  it.each(['code', 'state', 'iss', 'error'])('a duplicated %s is refused', async (name) => {
    await using idp = await startForgedIdp();
    const parameters = new URLSearchParams({ code: 'c', state: 'the-state', iss: idp.issuer });
    parameters.append(name, 'x');
    parameters.append(name, 'x');
    const login = idp.provider.finishLogin({
      parameters,
      redirectUri: 'https://x.example/',
      expectedState: 'the-state',
      nonce: 'n',
      codeVerifier: 'v',
    });
    expect((await refusalOf(login)).kind).toBe('callback');
    expect(idp.server.count('/token')).toBe(0);
  });

  it('iss: required where the metadata says so, compared byte for byte wherever it is present', async () => {
    await using idp = await startForgedIdp();
    for (const iss of [undefined, 'https://evil.example', `${idp.issuer}/`, idp.issuer.toUpperCase()]) {
      expect((await refusalOf(idp.login({ iss }))).kind).toBe('callback');
    }
    await using silent = await startForgedIdp();
    silent.metadata = { authorization_response_iss_parameter_supported: undefined };
    await silent.login({ iss: undefined });
    await silent.login({});
    expect((await refusalOf(silent.login({ iss: 'https://evil.example' }))).kind).toBe('callback');
    expect(silent.server.count('/token')).toBe(2);
  });

  it.each([
    ['access_denied', 'denied'],
    ['login_required', 'login_required'],
    ['interaction_required', 'login_required'],
    ['invalid_scope', 'authorization_error'],
    ['unauthorized_client', 'authorization_error'],
    ['something_new', 'authorization_error'],
  ])('the error %s is a refusal of kind %s; its text is for the log only', async (error, kind) => {
    await using idp = await startForgedIdp();
    const refusal = await refusalOf(
      idp.login({
        code: undefined,
        error,
        error_description: '<script>alert(1)</script>\u0000\n' + 'x'.repeat(5000),
      }),
    );
    expect(refusal).toMatchObject({ kind, idpError: error });
    expect(refusal.reason.length).toBeLessThan(400);
    expect(refusal.reason).not.toMatch(/[\u0000\n]/);
  });

  it.each(['server_error', 'temporarily_unavailable'])('the error %s is Unavailable', async (error) => {
    await using idp = await startForgedIdp();
    await expect(idp.login({ code: undefined, error })).rejects.toThrow(Unavailable);
  });
});

describe('the ID token', () => {
  const cases: [string, (idp: ForgedIdp) => void | Promise<void>][] = [
    ['another issuer', (idp) => void (idp.claims = { iss: 'https://evil.example' })],
    ['the issuer with a slash', (idp) => void (idp.claims = { iss: `${idp.issuer}/` })],
    ['no issuer', (idp) => void (idp.claims = { iss: undefined })],
    ['another audience', (idp) => void (idp.claims = { aud: 'other' })],
    ['two audiences without azp', (idp) => void (idp.claims = { aud: ['gatehouse', 'other'] })],
    [
      'two audiences, azp another',
      (idp) => void (idp.claims = { aud: ['gatehouse', 'other'], azp: 'other' }),
    ],
    ['azp another', (idp) => void (idp.claims = { azp: 'other' })],
    ['no audience', (idp) => void (idp.claims = { aud: undefined })],
    ['expired', (idp) => void (idp.claims = { exp: Math.floor(Date.now() / 1000) - 60 })],
    ['exp a string', (idp) => void (idp.claims = { exp: '99999999999' })],
    ['no exp', (idp) => void (idp.claims = { exp: undefined })],
    ['not yet valid', (idp) => void (idp.claims = { nbf: Math.floor(Date.now() / 1000) + 600 })],
    ['issued in the future', (idp) => void (idp.claims = { iat: Math.floor(Date.now() / 1000) + 3600 })],
    ['no iat', (idp) => void (idp.claims = { iat: undefined })],
    ['a logout token by its typ', (idp) => void (idp.header = { typ: 'logout+jwt' })],
    ['an access token by its typ', (idp) => void (idp.header = { typ: 'at+jwt' })],
    ['an access token by its full typ', (idp) => void (idp.header = { typ: 'application/AT+JWT' })],
    ['a security event by its typ', (idp) => void (idp.header = { typ: 'secevent+jwt' })],
    [
      'a logout token by its event',
      (idp) => void (idp.claims = { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
    ],
    ['no nonce', (idp) => void (idp.claims = { nonce: undefined })],
    ['another nonce', (idp) => void (idp.claims = { nonce: 'other' })],
    ['a wrong at_hash', (idp) => void (idp.claims = { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' })],
    ['an at_hash that is no string', (idp) => void (idp.claims = { at_hash: 7 })],
    ['a wrong c_hash', (idp) => void (idp.claims = { c_hash: 'AAAAAAAAAAAAAAAAAAAAAA' })],
    ['auth_time a string', (idp) => void (idp.claims = { auth_time: 'yesterday' })],
    [
      'a key that the IdP does not publish under this kid',
      async (idp) => {
        const other = await signingKey('two');
        idp.signer = { ...other, jwk: { ...other.jwk, kid: 'one' } };
      },
    ],
    ['a critical header', (idp) => void (idp.header = { crit: ['x'], x: 1 })],
    [
      'alg none',
      (idp) =>
        void (idp.token = async (response, good) => {
          const body = await good();
          const [, payload] = String(body['id_token']).split('.');
          const head = Buffer.from('{"alg":"none"}').toString('base64url');
          sendJson(response, { ...body, id_token: `${head}.${payload ?? ''}.` });
        }),
    ],
    [
      'HS256 with the client secret, which is not configured',
      (idp) =>
        void (idp.token = async (response, good) => {
          const now = Math.floor(Date.now() / 1000);
          const idToken = await new SignJWT({
            iss: idp.issuer,
            aud: 'gatehouse',
            sub: 'x',
            iat: now,
            exp: now + 60,
            nonce: 'the-nonce',
          })
            .setProtectedHeader({ alg: 'HS256' })
            .sign(Buffer.from('idp-secret-canary'));
          sendJson(response, { ...(await good()), id_token: idToken });
        }),
    ],
    [
      'a member twice in its payload',
      (idp) =>
        void (idp.token = async (response, good) => {
          const now = Math.floor(Date.now() / 1000);
          const payload = `{"iss":"${idp.issuer}","aud":"gatehouse","sub":"evil","sub":"sub-of-alice","iat":${String(now)},"exp":${String(now + 60)},"nonce":"the-nonce"}`;
          const { CompactSign } = await import('jose');
          const idToken = await new CompactSign(Buffer.from(payload))
            .setProtectedHeader({ alg: 'ES256', kid: 'one' })
            .sign(idp.signer.privateKey);
          sendJson(response, { ...(await good()), id_token: idToken });
        }),
    ],
    [
      'no ID token at all',
      (idp) =>
        void (idp.token = async (response, good) =>
          sendJson(response, { ...(await good()), id_token: undefined })),
    ],
    [
      'an ID token that is no JWT',
      (idp) =>
        void (idp.token = async (response, good) =>
          sendJson(response, { ...(await good()), id_token: 'a.b.c' })),
    ],
  ];

  it.each<[unknown, string]>([
    ['other', 'aud is "other", expected "gatehouse"'],
    [['other'], 'aud is ["other"], expected "gatehouse"'],
    [['other', 'third'], 'aud is ["other","third"], expected "gatehouse"'],
    [
      ['gatehouse', 'other'],
      'aud is ["gatehouse","other"], several audiences, and there is no azp that names this client',
    ],
    [[], 'aud is [], expected "gatehouse"'],
    ['Gatehouse', 'aud is "Gatehouse", expected "gatehouse"'],
  ])('with the audience %j is refused with both values', async (aud, words) => {
    await using idp = await startForgedIdp();
    idp.claims = { aud };
    const { reason } = await refusalOf(idp.login());
    expect(reason).toContain(words);
    expect(reason).not.toContain('absent');
  });

  it.each(cases)('%s: refused', async (_name, forge) => {
    await using idp = await startForgedIdp();
    await forge(idp);
    const refusal = await refusalOf(idp.login());
    expect(['id_token', 'token_response']).toContain(refusal.kind);
    expect(refusal.reason + String(refusal.stack) + idp.log.text()).not.toMatch(/canary|eyJ/);
    expect(idp.server.count('/userinfo')).toBe(0);
  });

  it.each<[string, unknown]>([
    ['missing', undefined],
    ['empty', ''],
    ['a number', 7],
    ['null', null],
    ['an array', ['a']],
    ['256 characters', 'x'.repeat(256)],
    ['500 KB', 'x'.repeat(500_000)],
    ['2 MB', 'x'.repeat(2_000_000)],
    ['a NUL', 'a\u0000b'],
    ['half a character', 'a\ud800'],
  ])('sub %s: refused', async (_name, sub) => {
    await using idp = await startForgedIdp({ fetch_userinfo: false });
    idp.claims = { sub };
    const refusal = await refusalOf(idp.login());
    expect(['subject', 'id_token', 'token_response']).toContain(refusal.kind);
  });

  it('sub of 255 characters passes', async () => {
    await using idp = await startForgedIdp({ fetch_userinfo: false });
    idp.claims = { sub: 'x'.repeat(255) };
    expect((await idp.login()).subject).toHaveLength(255);
  });

  it('hashes of both kinds, several audiences with our azp, sid and acr pass', async () => {
    await using idp = await startForgedIdp();
    const half = (text: string) =>
      createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');
    idp.claims = {
      aud: ['gatehouse', 'other'],
      azp: 'gatehouse',
      c_hash: half('code-canary'),
      sid: 's1',
      acr: 'loa2',
    };
    expect(await idp.login()).toMatchObject({ sid: 's1', acr: 'loa2' });
  });

  it('max_age: auth_time is required and must be young enough', async () => {
    await using idp = await startForgedIdp();
    await idp.login({}, { maxAgeSeconds: 60 });
    idp.claims = { auth_time: undefined };
    expect((await refusalOf(idp.login({}, { maxAgeSeconds: 60 }))).kind).toBe('id_token');
    idp.claims = { auth_time: Math.floor(idp.clock.now() / 1000) - 600 };
    const refusal = await refusalOf(idp.login({}, { maxAgeSeconds: 60 }));
    expect(refusal.reason).toMatch(/auth_time is \d+, our clock says \d+/);
    await idp.login();
  });

  it('times are judged by the injected clock', async () => {
    await using idp = await startForgedIdp();
    await idp.login();
    idp.clock.advance(40 * 86_400_000);
    await idp.login();
    idp.claims = { exp: Math.floor(Date.now() / 1000) + 300 };
    expect((await refusalOf(idp.login())).kind).toBe('id_token');
  });

  it('HS256 counts where it is configured, and then only with the right secret', async () => {
    await using idp = await startForgedIdp({ id_token_algorithms: ['HS256'], fetch_userinfo: false });
    const forge = (secret: string) => {
      idp.token = async (response, good) => {
        const now = Math.floor(idp.clock.now() / 1000);
        const idToken = await new SignJWT({
          iss: idp.issuer,
          aud: 'gatehouse',
          sub: 'x',
          iat: now,
          exp: now + 60,
          nonce: 'the-nonce',
        })
          .setProtectedHeader({ alg: 'HS256' })
          .sign(Buffer.from(secret));
        sendJson(response, { ...(await good()), id_token: idToken });
      };
    };
    forge('idp-secret-canary');
    expect((await idp.login()).subject).toBe('x');
    forge('another-secret');
    expect((await refusalOf(idp.login())).kind).toBe('id_token');
  });
});

describe('the token endpoint', () => {
  it.each<[number, unknown, Record<string, string>]>([
    [500, '', {}],
    [503, { error: 'temporarily_unavailable' }, { 'retry-after': '7' }],
    [429, { error: 'slow_down' }, {}],
    [400, { error: 'temporarily_unavailable' }, {}],
    [302, '', { location: '/login' }],
    [200, '<html>challenge</html>', { 'content-type': 'text/html' }],
    [403, '<!doctype html>Just a moment', { 'content-type': 'text/html', 'cf-mitigated': 'challenge' }],
    [404, 'not found', { 'content-type': 'text/plain' }],
  ])('%d %j: Unavailable, the code sent once', async (status, body, headers) => {
    await using idp = await startForgedIdp();
    idp.token = (response) => {
      sendJson(response, body, headers, status);
    };
    const error = (await idp.login().catch((reason: unknown) => reason)) as Unavailable;
    expect(error).toBeInstanceOf(Unavailable);
    if (headers['retry-after'] !== undefined) expect(error.retryAfterSeconds).toBe(7);
    expect(idp.server.count('/token')).toBe(1);
  });

  it.each<[number, (good: Record<string, unknown>) => unknown, boolean]>([
    [201, (good) => good, true],
    [201, (good) => ({ ...good, id_token: undefined }), false],
    [201, () => ({ error: 'invalid_grant' }), false],
    [201, () => ({}), false],
    [201, () => '', false],
    [202, (good) => good, false],
    [203, (good) => good, false],
    [204, () => '', false],
    [206, (good) => good, false],
  ])('a %d is a success only if it says that tokens were created', async (status, body, counts) => {
    await using idp = await startForgedIdp();
    idp.token = async (response, good) => {
      sendJson(response, body(await good()), {}, status);
    };
    if (counts) expect((await idp.login()).subject).toBe('sub-of-alice');
    else await expect(idp.login()).rejects.toThrow();
    expect(idp.server.count('/token')).toBe(1);
  });

  it('a 201 answers a password and a refresh too', async () => {
    await using idp = await startForgedIdp();
    idp.claims = { nonce: undefined };
    idp.token = async (response, good) => {
      sendJson(response, { ...(await good()), refresh_token: 'rotated' }, {}, 201);
    };
    expect(await idp.provider.checkPassword({ username: 'alice', password: 'x' })).toMatchObject({
      subject: 'sub-of-alice',
    });
    const rotated: string[] = [];
    const refreshed = await idp.provider.refreshIdentity({
      refreshToken: 'first',
      subject: 'sub-of-alice',
      onRotated: (token) => Promise.resolve(void rotated.push(token)),
    });
    expect(refreshed.isComplete).toBe(true);
    expect(rotated).toEqual(['rotated']);
  });

  it('a broken connection: Unavailable, the code sent once', async () => {
    await using idp = await startForgedIdp();
    idp.token = (response) => response.destroy();
    await expect(idp.login()).rejects.toThrow(Unavailable);
    expect(idp.server.count('/token')).toBe(1);
  });

  it.each<[number, unknown, string]>([
    [400, { error: 'invalid_grant', error_description: '<b>secret</b>' }, 'code'],
    [401, { error: 'invalid_client' }, 'client'],
    [400, { error: 'unauthorized_client' }, 'client'],
    [400, { error: 'x' }, 'token_response'],
    [200, { error: 'invalid_grant' }, 'code'],
    [400, {}, 'token_response'],
    [200, {}, 'token_response'],
    [200, 'null', 'token_response'],
    [200, '[]', 'token_response'],
    [200, '{"access_token":', 'token_response'],
    [200, { access_token: '', token_type: 'Bearer' }, 'token_response'],
    [200, { access_token: 'a', token_type: 'mac' }, 'token_response'],
  ])('%d %j: refused as %s', async (status, body, kind) => {
    await using idp = await startForgedIdp();
    idp.token = (response) => {
      sendJson(response, body, { 'www-authenticate': 'Basic realm="x"' }, status);
    };
    expect((await refusalOf(idp.login())).kind).toBe(kind);
  });

  it('an answer that unfolds beyond the cap is refused', async () => {
    await using idp = await startForgedIdp();
    idp.token = (response) => {
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync('x'.repeat(5_000_000)));
    };
    expect((await refusalOf(idp.login())).kind).toBe('token_response');
  });

  it('is told who we are by form-encoded Basic credentials', async () => {
    await using idp = await startForgedIdp({ client_secret: 'a-b_c.d:e&f/ü%' });
    await idp.login();
    const sent = idp.server.seen.find((request) => request.path === '/token');
    expect(sent?.headers.authorization).toBe(
      `Basic ${Buffer.from('gatehouse:a-b_c.d%3Ae%26f%2F%C3%BC%25').toString('base64')}`,
    );
    const form = new URLSearchParams(sent?.body);
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'authorization_code',
      code: 'code-canary',
      code_verifier: 'verifier-canary'.repeat(4),
      redirect_uri: 'https://auth.example.org/upstream/main/callback',
    });
  });

  it.each<[string, Record<string, unknown>, Parameters<typeof startForgedIdp>[0], Record<string, string>]>([
    [
      'post where only that is listed',
      { token_endpoint_auth_methods_supported: ['client_secret_post'] },
      {},
      { client_secret: 'idp-secret-canary' },
    ],
    ['none without a secret', {}, { client_secret: undefined }, { client_id: 'gatehouse' }],
    [
      'post where configured',
      {},
      { token_endpoint_auth_method: 'client_secret_post' },
      { client_secret: 'idp-secret-canary' },
    ],
  ])('authentication: %s', async (_name, metadata, settings, expected) => {
    await using idp = await startForgedIdp(settings);
    idp.metadata = metadata;
    await idp.login();
    const sent = idp.server.seen.find((request) => request.path === '/token');
    expect(sent?.headers.authorization).toBeUndefined();
    expect(Object.fromEntries(new URLSearchParams(sent?.body))).toMatchObject(expected);
  });

  it('authentication: private_key_jwt is signed with our key for the issuer', async () => {
    const key = await signingKey('ours');
    const { exportJWK, exportPKCS8, compactVerify } = await import('jose');
    for (const client_private_key of [
      JSON.stringify({ ...(await exportJWK(key.privateKey)), kid: 'ours', alg: 'ES256' }),
      await exportPKCS8(key.privateKey),
    ]) {
      await using idp = await startForgedIdp({
        client_secret: undefined,
        client_private_key,
        token_endpoint_auth_signing_alg: 'ES256',
      });
      await idp.login();
      const form = new URLSearchParams(idp.server.seen.find((request) => request.path === '/token')?.body);
      const { importJWK } = await import('jose');
      const { payload } = await compactVerify(
        form.get('client_assertion') ?? '',
        await importJWK(key.jwk, 'ES256'),
      );
      expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({
        iss: 'gatehouse',
        sub: 'gatehouse',
        aud: idp.issuer,
      });
      expect(form.has('client_secret')).toBe(false);
    }
  });
});

describe('userinfo', () => {
  it('never replaces what the ID token says of the protocol', async () => {
    await using idp = await startForgedIdp();
    idp.userinfo = (response) => {
      sendJson(response, {
        sub: 'sub-of-alice',
        aud: 'evil',
        acr: 'evil',
        auth_time: 1,
        email: 'a@example.org',
      });
    };
    idp.claims = { acr: 'good', email: 'old@example.org' };
    const identity = await idp.login();
    expect(identity).toMatchObject({ acr: 'good', claims: { aud: 'gatehouse', email: 'a@example.org' } });
    expect(identity.authenticatedAt).toBeGreaterThan(1000);
  });

  it.each<[string, number, unknown, string]>([
    ['somebody else', 200, { sub: 'sub-of-bob' }, 'userinfo'],
    ['nobody', 200, {}, 'userinfo'],
    ['a refusal', 401, { error: 'invalid_token' }, 'userinfo'],
    ['not found', 404, {}, 'userinfo'],
    ['an array', 200, '[]', 'userinfo'],
    ['a member twice', 200, '{"sub":"sub-of-alice","sub":"sub-of-alice"}', 'userinfo'],
  ])('%s: refused', async (_name, status, body, kind) => {
    await using idp = await startForgedIdp();
    idp.userinfo = (response) => {
      sendJson(response, body, {}, status);
    };
    expect((await refusalOf(idp.login())).kind).toBe(kind);
  });

  it.each([500, 429])('%d: Unavailable', async (status) => {
    await using idp = await startForgedIdp();
    idp.userinfo = (response) => {
      sendJson(response, {}, {}, status);
    };
    await expect(idp.login()).rejects.toThrow(Unavailable);
  });

  it('is not asked where it is switched off or not there', async () => {
    await using off = await startForgedIdp({ fetch_userinfo: false });
    await off.login();
    expect(off.server.count('/userinfo')).toBe(0);
    await using none = await startForgedIdp();
    none.metadata = { userinfo_endpoint: undefined };
    expect((await none.login()).claims).not.toHaveProperty('preferred_username');
  });

  it('signed as a JWT is verified by the same keys', async () => {
    await using idp = await startForgedIdp();
    const answer = async (kid: string) => {
      const key = await signingKey(kid);
      idp.userinfo = async (response) => {
        const jwt = await new SignJWT({ sub: 'sub-of-alice', email: 'a@example.org' })
          .setProtectedHeader({ alg: 'ES256', kid: 'one' })
          .sign(key.privateKey);
        response.writeHead(200, { 'content-type': 'application/jwt' }).end(jwt);
      };
    };
    await answer('one');
    expect((await idp.login()).claims['email']).toBe('a@example.org');
    await answer('two');
    expect((await refusalOf(idp.login())).kind).toBe('userinfo');
  });
});
