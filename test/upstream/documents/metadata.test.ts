import { describe, expect, it } from 'vitest';
import { DocumentFault } from '../../../src/upstream/documents/document-fault.ts';
import { discoveryUrl } from '../../../src/upstream/documents/discovery-url.ts';
import { judgeMetadata, metadataByHand, parseMetadata } from '../../../src/upstream/documents/metadata.ts';
import { resolveSettings } from '../../../src/upstream/resolved-settings.ts';
import type { ProviderSettings } from '../../../src/upstream/settings.ts';
import { startForgedIdp } from '../support/forged-idp.ts';
import { sendJson, startScriptedServer } from '../support/scripted-server.ts';

const issuer = 'https://idp.example/realms/main';
const good = {
  issuer,
  authorization_endpoint: `${issuer}/auth?ui=1`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  jwks_uri: `${issuer}/jwks`,
};

const resolve = (settings: Partial<ProviderSettings> = {}) =>
  resolveSettings({ id: 'main', issuer, client_id: 'gatehouse', ...settings });
const parse = (changes: Record<string, unknown> = {}, settings: Partial<ProviderSettings> = {}) =>
  parseMetadata(JSON.stringify({ ...good, ...changes }), resolve(settings));

describe('where metadata is', () => {
  it.each([
    ['https://idp.example', 'oidc', 'https://idp.example/.well-known/openid-configuration'],
    ['https://idp.example/', 'oidc', 'https://idp.example/.well-known/openid-configuration'],
    [
      'https://idp.example/realms/main',
      'oidc',
      'https://idp.example/realms/main/.well-known/openid-configuration',
    ],
    [
      'https://idp.example/o/matrix/',
      'oidc',
      'https://idp.example/o/matrix/.well-known/openid-configuration',
    ],
    ['https://idp.example', 'oauth2', 'https://idp.example/.well-known/oauth-authorization-server'],
    [
      'https://idp.example/realms/main',
      'oauth2',
      'https://idp.example/.well-known/oauth-authorization-server/realms/main',
    ],
    [
      'https://idp.example/o/matrix/',
      'oauth2',
      'https://idp.example/.well-known/oauth-authorization-server/o/matrix',
    ],
  ] as const)('%s by %s', (of, method, url) => {
    expect(discoveryUrl(of, method)).toBe(url);
  });

  it.each([
    [{}, '/.well-known/openid-configuration'],
    [{ method: 'oauth2' }, '/.well-known/oauth-authorization-server'],
    [{ url: 'HERE/elsewhere?x=1' }, '/elsewhere?x=1'],
  ] as const)('is asked for once: %o', async (discovery, path) => {
    await using idp = await startForgedIdp();
    const { server } = idp;
    const resolved = 'url' in discovery ? { url: discovery.url.replace('HERE', server.url) } : discovery;
    await using other = await startForgedIdp({ issuer: server.url, discovery: resolved });
    await other.provider.metadata().catch(() => undefined);
    expect(server.seen.map((request) => request.path)).toEqual([path]);
  });
});

describe('a metadata document', () => {
  it.each<[unknown, string]>([
    [undefined, 'the metadata document has no authorization_endpoint'],
    [null, 'the metadata document has no authorization_endpoint'],
    ['', 'authorization_endpoint is empty, not an absolute URL'],
    ['/auth?key=secret', 'authorization_endpoint (/auth) is not an absolute URL'],
    ['//user:secret@idp.example', 'authorization_endpoint is not an absolute URL'],
    [7, 'authorization_endpoint is of the type number, not an absolute URL'],
    [[issuer], 'authorization_endpoint is an array, not an absolute URL'],
    ['http://idp.example/auth', 'authorization_endpoint (http://idp.example/auth) is not https'],
  ])('with the authorization endpoint %j is told in plain words', (authorization_endpoint, words) => {
    expect(() => parse({ authorization_endpoint })).toThrow(words);
    expect(() => parse({ authorization_endpoint })).not.toThrow(/secret/);
  });

  it('is completed for our own use only: RFC 8414 defaults', () => {
    const { document, server } = parse();
    expect(document).toEqual(good);
    expect(server.response_modes_supported).toEqual(['query', 'fragment']);
    expect(server.grant_types_supported).toEqual(['authorization_code', 'implicit']);
    expect(server.token_endpoint_auth_methods_supported).toEqual(['client_secret_basic']);
    expect(server).not.toHaveProperty('code_challenge_methods_supported');
  });

  it('overrides replace members and null removes one; never the issuer', () => {
    const { document, server } = parse(
      { token_endpoint: 'http://backend:8080/token' },
      {
        discovery: {
          overrides: {
            token_endpoint: 'https://backend.example/token',
            userinfo_endpoint: null,
            issuer: 'https://x',
          },
        },
      },
    );
    expect(document['token_endpoint']).toBe('http://backend:8080/token');
    expect(server).toMatchObject({ issuer, token_endpoint: 'https://backend.example/token' });
    expect(server).not.toHaveProperty('userinfo_endpoint');
  });

  it.each([
    ['a slash at the end', `${issuer}/`, /a slash at the end that the expected one lacks/],
    ['a slash too few', 'https://idp.example/realms/mai', /path differs/],
    ['upper case', 'https://idp.example/realms/Main', /upper and lower case/],
    ['a port', 'https://idp.example:8443/realms/main', /port differs \(default and 8443\)/],
    ['the default port', 'https://idp.example:443/realms/main', /written differently/],
    ['http', 'http://idp.example/realms/main', /scheme differs/],
    ['another host', 'https://keycloak:8080/realms/main', /host differs \(idp.example and keycloak\)/],
    ['another path', 'https://idp.example/realms/master', /path differs/],
    ['white space', `${issuer} `, /white space/],
    ['no URL', 'main', /not a URL/],
  ])('with another issuer is refused, the difference named: %s', (_name, stated, words) => {
    expect(() => parse({ issuer: stated })).toThrow(words);
    expect(() => parse({ issuer: stated })).toThrow(DocumentFault);
  });

  it.each(['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri'])(
    'without %s is refused',
    (name) => {
      expect(() => parse({ [name]: undefined })).toThrow(DocumentFault);
      expect(() => parse({ [name]: null })).toThrow(DocumentFault);
      expect(() => parse({ [name]: 7 })).toThrow(DocumentFault);
      expect(() => parse({ [name]: [issuer] })).toThrow(DocumentFault);
    },
  );

  it.each([
    'http://idp.example/x',
    'ftp://idp.example/x',
    'javascript:alert(1)',
    'data:text/plain,x',
    '//idp.example/x',
    '/x',
    '',
    'https://user@idp.example/x',
    'https://user:secret@idp.example/x',
    'https://idp.example/x#fragment',
    'https://idp.example/x#',
  ])('with the endpoint %s is refused where sign-in needs it', (url) => {
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri']) {
      expect(() => parse({ [name]: url }), name).toThrow(DocumentFault);
      expect(() => parse({ [name]: url }), name).not.toThrow(/secret/);
    }
  });

  it('may name http where that is allowed in so many words, or on this machine', () => {
    expect(
      parse({ token_endpoint: 'http://idp.example/x' }, { allow_http: true }).server.token_endpoint,
    ).toBeTruthy();
    const local = 'http://127.0.0.1:8080/x';
    expect(() => parse({ token_endpoint: local })).toThrow(/not https/);
    expect(parse({}, { discovery: { overrides: { token_endpoint: local } } }).server.token_endpoint).toBe(
      local,
    );
    const issuer = 'http://localhost:8091';
    expect(parse({ issuer, token_endpoint: local }, { issuer }).server.token_endpoint).toBe(local);
  });

  it.each([
    { code_challenge_methods_supported: 'S256' },
    { scopes_supported: [1] },
    { id_token_signing_alg_values_supported: { RS256: true } },
    { authorization_response_iss_parameter_supported: 'true' },
    { authorization_response_iss_parameter_supported: ['true'] },
    { grant_types_supported: true },
  ])('with a member of the wrong type is refused: %o', (changes) => {
    expect(() => parse(changes)).toThrow(DocumentFault);
  });

  it.each<[string, unknown, Partial<ProviderSettings>?]>([
    ['introspection_endpoint', 'http://keycloak:8080/introspect'],
    ['end_session_endpoint', ''],
    ['revocation_endpoint', '/revoke'],
    ['registration_endpoint', 'https://user:secret@idp.example/register'],
    ['device_authorization_endpoint', ['https://idp.example/device']],
    ['some_new_endpoint', 'javascript:alert(1)'],
    ['claims_supported', ['sub', 7]],
    ['claims_supported', 'sub'],
    ['subject_types_supported', { public: true }],
    ['userinfo_signing_alg_values_supported', 'RS256'],
    ['introspection_signing_alg_values_supported', ['RS256', 7]],
    ['userinfo_endpoint', ''],
    ['userinfo_endpoint', 'http://idp.example/me', { fetch_userinfo: false }],
    ['jwks_uri', 'http://idp.example/keys', { id_token_algorithms: ['HS256'] }],
  ])('goes on without a member that sign-in does not use: %s %j', (name, value, settings) => {
    const { document, server } = parse({ [name]: value }, settings);
    expect(document).not.toHaveProperty(name);
    expect(server).not.toHaveProperty(name);
    const { faults } = judgeMetadata({ ...good, [name]: value }, resolve(settings));
    expect(faults).toMatchObject([{ member: name, stops: false }]);
    expect(faults[0]?.message).not.toContain('secret');
  });

  it.each<[string, unknown]>([
    ['claims_supported', ['sub', null]],
    ['claims_parameter_supported', true],
    ['backchannel_logout_supported', false],
    ['introspection_endpoint', 'https://idp.example/introspect'],
    ['introspection_endpoint', null],
    ['service_documentation', 7],
  ])('has no fault with %s %j', (name, value) => {
    expect(judgeMetadata({ ...good, [name]: value }, resolve()).faults).toEqual([]);
  });

  it('tells every fault that it has, those first that are about the issuer', () => {
    const { faults } = judgeMetadata(
      {
        ...good,
        issuer: 'https://x.example',
        token_endpoint: undefined,
        end_session_endpoint: '',
        jwks_uri: 'http://idp.example/k',
      },
      resolve(),
    );
    expect(faults.map(({ member, kind, stops }) => [member, kind, stops])).toEqual([
      ['issuer', 'issuer', true],
      ['jwks_uri', 'insecure', true],
      ['end_session_endpoint', 'not_a_url', false],
      ['token_endpoint', 'missing', true],
    ]);
  });

  it.each([
    '',
    'null',
    '[]',
    '"x"',
    '{"issuer":',
    '<html>',
    '\ufeff{}',
    '{}x',
    `{"issuer":"a","issuer":"b"}`,
  ])('that reads %j is refused', (body) => {
    expect(() => parseMetadata(body, resolve())).toThrow(DocumentFault);
  });

  it('of a lying IdP never replaces the good one, and every fault is told', async () => {
    await using idp = await startForgedIdp();
    await idp.provider.refresh();
    for (const lie of [
      { issuer: `${idp.issuer}/` },
      { token_endpoint: 'http://evil.example/' },
      { jwks_uri: null },
    ]) {
      idp.metadata = lie;
      idp.clock.advance(120_000);
      await idp.provider.refresh();
      expect((await idp.provider.metadata()).server.token_endpoint).toBe(`${idp.issuer}/token`);
      expect(idp.provider.state()).toMatchObject({ metadata: 'stale' });
      expect(idp.provider.state().lastError).toBeTruthy();
    }
    idp.metadata = {};
    await idp.provider.refresh();
    expect(idp.provider.state()).toMatchObject({ metadata: 'fresh', keys: 'fresh' });
    expect(idp.provider.state()).not.toHaveProperty('lastError');
  });

  it('of a remote IdP cannot lead us to this machine or into the private network', async () => {
    await using target = await startForgedIdp();
    await using front = await startScriptedServer({
      host: '127.0.0.9',
      script: (_, response) => {
        sendJson(response, {
          issuer: 'http://idp.example',
          authorization_endpoint: 'http://idp.example/a',
          token_endpoint: 'http://idp.example/t',
          jwks_uri: `${target.server.url}/jwks`,
        });
      },
    });
    await using inner = await startForgedIdp(
      {
        issuer: 'http://idp.example',
        allow_http: true,
        allow_addresses: ['127.0.0.9'],
        discovery: { url: `http://idp.example:${String(front.port)}/d` },
      },
      {
        lookup: (_name, options, callback) => {
          if (options.all === true) callback(null, [{ address: '127.0.0.9', family: 4 }]);
          else callback(null, '127.0.0.9', 4);
        },
      },
    );
    await inner.provider.refresh();
    expect(inner.provider.state()).toMatchObject({ metadata: 'fresh', keys: 'none' });
    expect(inner.provider.state().lastError).toMatch(/no public address/);
    expect(target.server.count('/jwks')).toBe(0);
  });
});

describe('endpoints by hand', () => {
  const overrides = {
    authorization_endpoint: 'https://idp.example/authorize',
    token_endpoint: 'https://idp.example/token',
    userinfo_endpoint: 'https://idp.example/me',
  };

  it('need no document', () => {
    const { document, server } = metadataByHand(resolve({ preset: 'oauth2', discovery: { overrides } }));
    expect(document).toEqual({});
    expect(server).toMatchObject({ issuer, ...overrides });
  });

  it('are judged like a document: what is missing or unsafe is named', () => {
    expect(() => metadataByHand(resolve({ discovery: { method: 'none', overrides } }))).toThrow(/jwks_uri/);
    const { userinfo_endpoint: _, ...less } = overrides;
    expect(() => metadataByHand(resolve({ preset: 'oauth2', discovery: { overrides: less } }))).toThrow(
      /userinfo_endpoint/,
    );
    const bad = { ...overrides, token_endpoint: 'http://idp.example/token' };
    expect(() => metadataByHand(resolve({ preset: 'oauth2', discovery: { overrides: bad } }))).toThrow(
      /not https/,
    );
  });
});
