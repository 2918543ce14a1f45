/** Forward authentication: what a reverse proxy is answered, with tokens of ours and of a provider. */
import { request as httpRequest } from 'node:http';
import { afterAll, describe, expect, it, test } from 'vitest';
import { identityFields } from '../../src/config/sections/forward-auth.ts';
import { headerPresets } from '../../src/verification-api/identity-headers.ts';
import { plainPath } from '../../src/verification-api/original-request.ts';
import { startGatehouse } from '../peers/gatehouse.ts';
import { type Answer, ask, registerTestClient } from '../support/oauth-client.ts';
import { startTokenService, type TokenService } from '../verification/service.ts';

let service: TokenService;
/** One for each configuration: starting takes longer than asking. */
const started = new Map<string, Promise<TokenService>>();
afterAll(async () => {
  for (const each of started.values()) await (await each)[Symbol.asyncDispose]();
});

async function start(
  settings: Record<string, unknown> = {},
  provider: Record<string, unknown> = { tokens: { strategies: ['jwt'] } },
): Promise<void> {
  const key = JSON.stringify([settings, provider]);
  let starting = started.get(key);
  if (starting === undefined) {
    starting = startTokenService({ forward_auth: { enabled: true, ...settings } }, provider);
    started.set(key, starting);
  }
  service = await starting;
  service.lines.length = 0;
}

interface Asked {
  readonly uri?: string;
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

/** As a proxy asks. */
function verify(token: string | undefined, { uri, host, method, headers }: Asked = {}): Promise<Answer> {
  return ask(`${service.url}verify`, {
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(uri === undefined ? {} : { 'x-forwarded-uri': uri }),
      ...(host === undefined ? {} : { 'x-forwarded-host': host }),
      ...(method === undefined ? {} : { 'x-forwarded-method': method }),
      ...headers,
    },
  });
}

const identityOf = (answer: Answer): Record<string, string> =>
  Object.fromEntries(
    [...answer.headers].filter(([name]) => /^x-(auth|consumer|credential|anonymous|remote)/.test(name)),
  );

describe('a request with a good token', () => {
  it('passes, with whose it is in headers that are all there', async () => {
    await start();
    const token = await service.tokenFor('alice', 'PHONE', {
      email: 'alice@example.com',
      groups: ['staff', 'a,b'],
    });
    const answer = await verify(token);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(identityOf(answer)).toEqual({
      'x-auth-user': '@alice:example.org',
      'x-auth-localpart': 'alice',
      'x-auth-subject': 'sub-of-alice',
      'x-auth-device': 'PHONE',
      'x-auth-client': 'an-app',
      'x-auth-scope': 'openid urn:matrix:client:api:* urn:matrix:client:device:PHONE',
      'x-auth-provider': 'main',
      'x-auth-email': 'alice@example.com',
      'x-auth-groups': 'staff,a%2Cb',
      'x-auth-anonymous': '',
    });
  });

  it('of ours passes too, until its session ends', async () => {
    await start();
    await using gatehouse = await startGatehouse({
      env: { GATEHOUSE__FORWARD_AUTH__ENABLED: 'true' },
      validateResponses: true,
    });
    const client = await registerTestClient(gatehouse);
    const { access_token: token } = await client.tokens({ login: 'alice' });
    const asProxy = () => ask(`${gatehouse.url}verify`, { headers: { authorization: `Bearer ${token}` } });
    const answer = await asProxy();
    expect(answer.status).toBe(200);
    expect(identityOf(answer)).toMatchObject({
      'x-auth-user': '@alice:example.org',
      'x-auth-provider': 'gatehouse',
      'x-auth-client': client.clientId,
    });
    await ask(`${gatehouse.url}oauth2/revoke`, { method: 'POST', body: new URLSearchParams({ token }) });
    expect((await asProxy()).status).toBe(401);
  });

  test.each<[string, Record<string, unknown>, Record<string, string>]>([
    [
      'kong',
      {},
      {
        'x-consumer-id': 'an-app',
        'x-consumer-custom-id': 'an-app',
        'x-consumer-username': 'an-app',
        'x-credential-identifier': 'an-app',
        'x-anonymous-consumer': '',
        'x-authenticated-scope': 'mail',
        'x-authenticated-userid': '@alice:example.org',
      },
    ],
    [
      'oauth2-proxy',
      {},
      {
        'x-auth-request-user': 'sub-of-alice',
        'x-auth-request-email': 'alice@example.com',
        'x-auth-request-preferred-username': 'alice',
        'x-auth-request-groups': '',
      },
    ],
    [
      'oauth2-proxy',
      { localpart: 'Remote-User', email: null, groups: null, subject: null },
      { 'remote-user': 'alice' },
    ],
  ])('is told in the headers of %s, with %j', async (preset, headers, expected) => {
    await start({ preset, headers });
    const answer = await verify(
      await service.tokenFor('alice', 'X', { scope: 'mail', email: 'alice@example.com' }),
    );
    expect(Object.fromEntries([...answer.headers])).toMatchObject(expected);
    for (const name of Object.keys(headerPresets.gatehouse)) {
      if (!(name in expected)) expect(answer.headers.get(name), name).toBeNull();
    }
  });

  test.each([
    ['a line break', 'a\r\nx-auth-user: @admin:example.org'],
    ['other letters', 'Ünal'],
    ['a space at its end', 'a '],
    ['a percent sign beside them', '%0aÜ'],
  ])('whose claim has %s makes no other header', async (_name, email) => {
    await start();
    const answer = await verify(await service.tokenFor('alice', 'X', { email }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-auth-user')).toBe('@alice:example.org');
    const said = answer.headers.get('x-auth-email') ?? '';
    expect(decodeURIComponent(said)).toBe(email);
    expect(said).toMatch(/^[\x21-\x7e]+$/);
  });

  it('overwrites whatever the client claims to be', async () => {
    await start();
    const claimed = Object.fromEntries(Object.keys(headerPresets.gatehouse).map((name) => [name, 'admin']));
    const answer = await verify(await service.tokenFor('alice', 'X'), { headers: claimed });
    expect(Object.values(identityOf(answer))).not.toContain('admin');
    expect(Object.keys(identityOf(answer)).sort()).toEqual(Object.keys(headerPresets.gatehouse).sort());
  });
});

describe('a request that does not pass', () => {
  it('without a token is 401 without an error code (RFC 6750 section 3)', async () => {
    await start({ realm: 'the api' });
    const answer = await verify(undefined);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="the api"');
  });

  test.each<[string, () => Promise<string> | string]>([
    ['that is made up', () => 'made-up'],
    ['that has expired', () => service.tokenFor('alice', 'X', { exp: 1 })],
    ['of another issuer', () => service.tokenFor('alice', 'X', { iss: 'https://evil.example.com' })],
    ['that looks like ours', () => 'mat_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_AAAAAA'],
    ['that is no token', () => 'x'.repeat(7000)],
    ['that is a JWT of its own making', () => 'eyJhbGciOiJub25lIn0.e30.'],
  ])('with a token %s is 401 invalid_token, and says nothing about anybody', async (_name, make) => {
    await start();
    const token = await make();
    const answer = await verify(token);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer realm="example.org", error="invalid_token", error_description="the access token is not valid"',
    );
    expect(answer.body).toEqual({
      error: 'invalid_token',
      error_description: 'the access token is not valid',
    });
    expect(identityOf(answer)).toEqual({});
    expect(service.lines.join('')).not.toContain(token);
    const line = service.lines.find((each) => each.includes('"verifyRequest"')) ?? '';
    expect((JSON.parse(line) as { reason: string }).reason.length).toBeGreaterThan(5);
  });

  it('with two tokens, or half of one, is 400', async () => {
    await start({ token_from: ['header', 'query', 'cookie'] });
    const token = await service.tokenFor('alice', 'X');
    const uri = `/a?access_token=${token}`;
    expect((await verify(token, { uri })).status).toBe(400);
    expect((await verify(token, { headers: { cookie: `access_token=${token}` } })).status).toBe(400);
    expect((await verify(undefined, { uri: `${uri}&access_token=${token}` })).status).toBe(400);
    expect((await verify(undefined, { uri: '/a?access_token=' })).status).toBe(400);
    expect((await verify(undefined, { headers: { authorization: 'Bearer' } })).status).toBe(400);
    expect((await verify(undefined, { headers: { authorization: 'Bearer a b' } })).status).toBe(400);
  });

  it('while the provider cannot be asked is 503 with Retry-After, never 401', async () => {
    await start({ anonymous: 'failure' }, { tokens: { strategies: ['introspection'] } });
    await service.peer.idp.provider.metadata();
    await service.peer.idp.server.goDown();
    const answer = await verify('opaque');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(answer.body['error']).toBe('temporarily_unavailable');
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('is not asked about by %s', async (method) => {
    await start({ anonymous: 'missing' });
    expect((await ask(`${service.url}verify`, { method })).status).toBe(405);
  });

  it('is not asked about at all where it is switched off', async () => {
    await start({ enabled: false });
    expect((await verify('x')).status).toBe(404);
  });

  it('has a person whom the access rules keep out', async () => {
    const access = { deny: [{ claim: 'groups', any_of: ['suspended'] }] };
    await start({}, { tokens: { strategies: ['jwt'] }, access });
    expect((await verify(await service.tokenFor('eve', 'X', { groups: ['staff'] }))).status).toBe(200);
    expect((await verify(await service.tokenFor('eve', 'X', { groups: ['suspended'] }))).status).toBe(401);
  });

  it('has a person who was signed out at the provider', async () => {
    await start();
    const token = await service.tokenFor('outed', 'X');
    expect((await verify(token)).status).toBe(200);
    service.peer.idp.clock.advance(1000);
    expect((await service.signOut('outed')).status).toBe(200);
    expect((await verify(token)).status).toBe(401);
  });
});

describe('a token may come', () => {
  test.each<[string, string[], Asked, number]>([
    [
      'in the header, whatever the letters of the scheme',
      ['header'],
      { headers: { authorization: 'bEARER TOKEN' } },
      200,
    ],
    ['in the query', ['query'], { uri: '/a?b=1&access_token=TOKEN' }, 200],
    ['in a cookie', ['cookie'], { headers: { cookie: 'other=1; access_token=TOKEN' } }, 200],
    [
      'in a cookie beside other credentials',
      ['header', 'cookie'],
      { headers: { cookie: 'access_token=TOKEN', authorization: 'Basic eDp5' } },
      200,
    ],
    ['not in the query where that is not allowed', ['header'], { uri: '/a?access_token=TOKEN' }, 401],
    [
      'not in a cookie where that is not allowed',
      ['header'],
      { headers: { cookie: 'access_token=TOKEN' } },
      401,
    ],
    [
      'not in the header where that is not allowed',
      ['cookie'],
      { headers: { authorization: 'Bearer TOKEN' } },
      401,
    ],
    ['not in another cookie', ['cookie'], { headers: { cookie: 'access-token=TOKEN' } }, 401],
    ['not in our own query', ['query'], {}, 401],
  ])('%s', async (_name, from, asked, status) => {
    await start({ token_from: from });
    const token = await service.tokenFor('alice', 'X');
    const fill = (text: string): string => text.replace('TOKEN', token);
    const headers = Object.fromEntries(
      Object.entries(asked.headers ?? {}).map(([name, value]) => [name, fill(value)]),
    );
    const uri = asked.uri === undefined ? {} : { uri: fill(asked.uri) };
    expect((await verify(undefined, { ...uri, headers })).status).toBe(status);
  });
});

describe('requests without an identity', () => {
  test.each<['never' | 'missing' | 'failure', string | undefined, number]>([
    ['never', undefined, 401],
    ['never', 'bad', 401],
    ['missing', undefined, 200],
    ['missing', 'bad', 401],
    ['failure', undefined, 200],
    ['failure', 'bad', 200],
  ])('with `anonymous: %s` and the token %s are %d', async (anonymous, token, status) => {
    await start({ anonymous });
    const answer = await verify(token, { headers: { 'x-auth-user': '@admin:example.org' } });
    expect(answer.status).toBe(status);
    if (status === 200) {
      expect(answer.headers.get('x-auth-anonymous')).toBe('true');
      expect(answer.headers.get('x-auth-user')).toBe('');
    }
  });

  test.each<[string, boolean, Record<string, string>, number]>([
    ['preflights', true, { origin: 'https://a.example.com', 'access-control-request-method': 'PUT' }, 200],
    [
      'preflights where that is off',
      false,
      { origin: 'https://a.example.com', 'access-control-request-method': 'PUT' },
      401,
    ],
    ['other OPTIONS', true, {}, 401],
  ])('that are %s', async (_name, preflight, headers, status) => {
    await start({ preflight });
    expect((await verify(undefined, { method: 'OPTIONS', headers })).status).toBe(status);
  });
});

describe('rules', () => {
  const rules = [
    { host: 'api.example.com', path: '/admin', scope: ['admin'] },
    { host: 'api.example.com', path: '/public', anonymous: 'missing' },
    { host: '*.internal.example.com', deny: true },
    { path: '/write', methods: ['POST', 'PUT'], scope: ['write'] },
  ];
  test.each<[string, Asked, string, number]>([
    ['another path', { uri: '/' }, 'read', 200],
    ['what needs a scope', { uri: '/admin' }, 'read', 403],
    ['what needs a scope, with it', { uri: '/admin/users?x=1' }, 'read admin', 200],
    ['what only begins so', { uri: '/administrators' }, 'read', 200],
    ['the same path on another host', { uri: '/admin', host: 'www.example.com' }, 'read', 200],
    ['the host with a port and capitals', { uri: '/admin', host: 'API.example.com:443' }, 'read', 403],
    ['the host with a dot at its end', { uri: '/admin', host: 'api.example.com.' }, 'read', 403],
    ['a way around by dots', { uri: '/x/../admin' }, 'read', 403],
    ['a way around by encoded dots', { uri: '/x/%2e%2e/admin' }, 'read', 403],
    ['a way around by slashes', { uri: '//admin' }, 'read', 403],
    ['a way around by an encoded letter', { uri: '/%61dmin' }, 'read', 403],
    ['a way around by a parameter of a segment', { uri: '/admin;x=1/users' }, 'read', 403],
    ['an encoded slash', { uri: '/x%2fadmin' }, 'read admin', 400],
    ['a backslash', { uri: '/x\\..\\admin' }, 'read admin', 400],
    ['twice encoded', { uri: '/%2561dmin' }, 'read admin', 400],
    ['bad encoding', { uri: '/%zz' }, 'read admin', 400],
    ['no path', {}, 'read admin', 400],
    ['a denied host', { uri: '/', host: 'a.internal.example.com' }, 'admin', 403],
    ['a host that only ends so', { uri: '/', host: 'xinternal.example.com' }, 'read', 200],
    ['a method that needs a scope', { uri: '/write', method: 'PUT' }, 'read', 403],
    ['a method that needs none', { uri: '/write', method: 'GET' }, 'read', 200],
    ['a method in small letters', { uri: '/write', method: 'put' }, 'read', 403],
  ])('for %s', async (_name, asked, scope, status) => {
    await start({ rules });
    const answer = await verify(await service.tokenFor('alice', 'X', { scope }), {
      host: 'api.example.com',
      method: 'GET',
      ...asked,
    });
    expect(answer.status).toBe(status);
  });

  it('name the scope that is missing, and let pass without an identity where they say so', async () => {
    await start({ rules, required_scope: ['read'] });
    const host = 'api.example.com';
    const answer = await verify(await service.tokenFor('alice', 'X', { scope: 'read' }), {
      uri: '/admin',
      host,
    });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    expect(answer.headers.get('www-authenticate')).toContain('scope="read admin"');
    expect((await verify(undefined, { uri: '/public/logo.svg', host })).status).toBe(200);
    expect((await verify(undefined, { uri: '/', host })).status).toBe(401);
    expect(
      (await verify(await service.tokenFor('alice', 'X', { scope: 'x' }), { uri: '/', host })).status,
    ).toBe(403);
  });
});

describe('Envoy, which asks with the request itself', () => {
  const rules = [
    { path: '/admin', scope: ['admin'] },
    { path: '/write', methods: ['POST'], scope: ['write'] },
  ];
  test.each<[string, string, number]>([
    ['GET', '', 200],
    ['GET', 'a/b?c=d', 200],
    ['HEAD', 'a', 200],
    ['POST', 'a', 200],
    ['PUT', 'a', 200],
    ['PATCH', 'a', 200],
    ['DELETE', 'a', 200],
    ['GET', 'admin', 403],
    ['GET', 'admin/', 403],
    ['GET', 'x/%2e%2e/admin', 403],
    ['GET', '/admin', 403],
    ['GET', 'x%2f..%2fadmin', 403],
    ['GET', '%2561dmin', 400],
    ['POST', 'write', 403],
    ['GET', 'write', 200],
    ['GET', 'sasl', 200],
    ['OPTIONS', 'a', 405],
    ['TRACE', 'a', 405],
  ])('by %s /%s is answered %d', async (method, path, status) => {
    await start({ rules });
    const token = await service.tokenFor('alice', 'X', { scope: 'read' });
    const answered = await new Promise<number | undefined>((resolve, reject) => {
      const { hostname, port } = new URL(service.url);
      const headers = {
        authorization: `Bearer ${token}`,
        'x-forwarded-uri': '/public',
        'x-forwarded-method': 'GET',
      };
      const asked = httpRequest(
        { hostname, port, method, headers, path: `/verify/path/${path}` },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      asked.on('error', reject).end();
    });
    expect(answered).toBe(status);
  });
});

test.each([
  ['/', '/'],
  ['/a/b/', '/a/b'],
  ['/a/./b', '/a/b'],
  ['/a/../../b', '/b'],
  ['/a//b', '/a/b'],
  ['/a;p=1/b;q', '/a/b'],
  ['/%C3%A4', '/ä'],
  ['/a%2fb', undefined],
  ['/a%5Cb', undefined],
  ['/a%00', undefined],
  ['/%252e', undefined],
  ['a', undefined],
  ['https://x/a', undefined],
  ['/%ff', undefined],
])('the path %j is %j to a rule', (path, plain) => {
  expect(plainPath(path)).toBe(plain);
});

it('the configuration knows every header that can be said', () => {
  const said = new Set(Object.values(headerPresets).flatMap((headers) => Object.values(headers)));
  expect([...said].sort()).toEqual([...identityFields].sort());
});
