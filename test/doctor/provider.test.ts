/** What else the doctor finds at a provider, asked over sockets. */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/doctor/diagnose.ts';
import { examineProvider } from '../../src/doctor/provider/examine.ts';
import type { ProviderSettings } from '../../src/upstream/settings.ts';
import { selfSigned } from '../upstream/support/certificates.ts';
import { deps, startSetUp, type SetUp } from './set-up.ts';

let setUp: SetUp;
beforeAll(async () => {
  setUp = await startSetUp();
});
afterEach(() => {
  setUp.idpProxy.faults = {};
  Object.assign(setUp.idp.faults, { discovery: undefined, jwks: undefined, tokenStatus: undefined });
});
afterAll(() => setUp[Symbol.asyncDispose]());

const codesOf = (report: Report): string[] => report.findings.map(({ code }) => code);
const remediesOf = (report: Report): string => report.findings.map(({ remedy }) => remedy).join('\n');
const provider = (line: string) => (text: string) =>
  text.replace('    client_id:', `    ${line}\n    client_id:`);
const discovery = (members: Record<string, unknown>): void => {
  setUp.idp.faults.discovery = (document) => {
    const changed: Record<string, unknown> = { ...document, ...members };
    return Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined));
  };
};

describe('the metadata', () => {
  it.each([
    ['provider.endpoint_missing', { jwks_uri: undefined }],
    ['provider.endpoint_invalid', { token_endpoint: '/token' }],
    ['provider.endpoint_invalid', { userinfo_endpoint: 'https://user:pass@idp.example.com/me' }],
    ['provider.metadata_unfit', { scopes_supported: 'openid' }],
    ['provider.code_flow', { response_types_supported: ['id_token'] }],
    ['provider.code_flow', { grant_types_supported: ['implicit'] }],
    ['provider.response_mode', { response_modes_supported: ['form_post'] }],
    ['provider.scope_unlisted', { scopes_supported: ['openid', 'email'] }],
    ['provider.claim_unlisted', { claims_supported: ['sub', 'email'] }],
    ['provider.algorithm', { id_token_signing_alg_values_supported: ['none', 'HS256'] }],
    ['provider.userinfo_missing', { userinfo_endpoint: undefined }],
    ['provider.member_ignored', { introspection_endpoint: 'http://keycloak:8080/introspect' }],
    ['provider.member_ignored', { end_session_endpoint: '' }],
    ['provider.member_ignored', { claims_supported: ['sub', 'preferred_username', 7] }],
    ['provider.issuer_mismatch', { issuer: undefined }],
    ['provider.issuer_mismatch', { issuer: 'https://127.0.0.1.example.com' }],
  ])('is found to be %s with %j', async (code, members) => {
    discovery(members);
    expect(codesOf(await setUp.ask())).toContain(code);
  });

  it('may have an empty list of PKCE methods, and leave modes and grants to the defaults of RFC 8414', async () => {
    discovery({
      code_challenge_methods_supported: [],
      response_modes_supported: undefined,
      grant_types_supported: undefined,
      token_endpoint_auth_methods_supported: undefined,
    });
    expect(codesOf(await setUp.ask())).toEqual([]);
  });

  it('is never called sound where the service refuses it', async () => {
    setUp.idpProxy.faults.response = (answer, { path }) => {
      if (path.startsWith('/.well-known')) answer.body = answer.body.replace('{', '{"issuer":"twice",');
    };
    const report = await setUp.ask();
    expect(codesOf(report)).toEqual(['provider.malformed']);
    expect(report.findings[0]?.seen).toContain('the member issuer twice');
    expect(report.providers[0]?.pkce).toBeNull();
  });

  it('is looked for where the configuration says', async () => {
    setUp.idpProxy.faults.answer = ({ path }) =>
      path === '/.well-known/oauth-authorization-server'
        ? { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>404</html>' }
        : undefined;
    const report = await setUp.ask(provider('discovery: { method: oauth2 }'));
    expect(codesOf(report)).toEqual(['provider.html']);
    expect(report.findings[0]?.probed).toMatch(/oauth-authorization-server$/);
    expect(remediesOf(report)).toContain('Correct `issuer`');
  });

  it('that redirects is told with the target', async () => {
    setUp.idpProxy.faults.answer = ({ path }) =>
      path.startsWith('/.well-known')
        ? { status: 302, headers: { location: 'https://login.example.com/?next=secret' }, body: '' }
        : undefined;
    const { findings } = await setUp.ask();
    expect(findings).toMatchObject([
      { code: 'provider.redirect', seen: '302, a redirect to https://login.example.com/' },
    ]);
  });

  it('whose max-age is junk is told', async () => {
    setUp.idpProxy.faults.response = ({ headers }) => {
      headers['cache-control'] = 'public, max-age=-1';
    };
    const report = await setUp.ask();
    expect(new Set(codesOf(report))).toEqual(new Set(['provider.cache_control']));
    expect(report.providers[0]?.cache_control).toBe('public, max-age=-1');
  });

  it('that a cache serves too long is told', async () => {
    setUp.idpProxy.faults.response = ({ headers }, { path }) => {
      if (path === '/jwks') Object.assign(headers, { 'cache-control': 'max-age=600', age: '100000' });
    };
    const report = await setUp.ask();
    expect(codesOf(report)).toEqual(['provider.cached_stale']);
    expect(report.exit_code).toBe(0);
  });
});

describe('the client', () => {
  it('that sends its secret in the wrong way is told which way is right', async () => {
    setUp.idpProxy.faults.answer = ({ path, headers }) =>
      path === '/token' && headers.authorization !== undefined
        ? { status: 401, headers: { 'content-type': 'application/json' }, body: '{"error":"invalid_client"}' }
        : undefined;
    const report = await setUp.ask();
    expect(codesOf(report)).toEqual(['provider.client_refused']);
    expect(remediesOf(report)).toContain(
      'write `token_endpoint_auth_method: client_secret_post` in providers[0]',
    );
  });

  it('whose redirect URI is not registered is told which one to register', async () => {
    const report = await setUp.ask((text) => text.replace('- id: main', '- id: other'));
    expect(codesOf(report)).toContain('provider.redirect_uri_refused');
    expect(remediesOf(report)).toContain(`byte for byte: ${setUp.url}upstream/other/callback`);
  });

  it('that is unknown is told', async () => {
    const report = await setUp.ask((text) => text.replace('client_id: gatehouse', 'client_id: gatehose'));
    expect(codesOf(report)).toEqual(['provider.client_refused', 'provider.authorization_refused']);
  });

  it('that may not use the password grant is told, where passwords are taken', async () => {
    const passwords = (text: string): string => `${text}\nlegacy_login: { password: true }\n`;
    const report = await setUp.ask(passwords);
    expect(codesOf(report)).toContain('provider.password_grant');
    expect(remediesOf(report)).toContain('Allow the password grant');
    expect(JSON.stringify(report)).toContain('with a name and a password that cannot exist');
    // Where it may, nobody is let in, and that is all right.
    setUp.idpProxy.faults.response = (answer, { path }) => {
      if (path === '/token' && answer.body.includes('unsupported_grant_type'))
        answer.body = '{"error":"invalid_grant"}';
    };
    expect(codesOf(await setUp.ask(passwords))).not.toContain('provider.password_grant');
    expect(codesOf(await setUp.ask())).not.toContain('provider.password_grant');
  });

  it('whose token endpoint answers nonsense is told', async () => {
    setUp.idp.faults.tokenStatus = 502;
    expect(codesOf(await setUp.ask())).toEqual(['provider.html']);
    setUp.idp.faults.tokenStatus = 404;
    expect(codesOf(await setUp.ask())).toEqual(['provider.html']);
    setUp.idp.faults.tokenStatus = undefined;
    setUp.idpProxy.faults.answer = ({ path }) =>
      path === '/token'
        ? {
            status: 400,
            headers: { 'content-type': 'application/json' },
            body: '{"error":"invalid_request"}',
          }
        : undefined;
    const { probes, findings } = await setUp.ask();
    expect(findings).toEqual([]);
    expect(probes.find(({ name }) => name === 'provider main: client authentication')).toEqual({
      name: 'provider main: client authentication',
      outcome: 'skipped',
      why: 'the answer to a wrong code (status 400, invalid_request) does not tell whether the client is accepted',
    });
  });

  it('whose scopes are refused is told which', async () => {
    setUp.idpProxy.faults.answer = ({ path }) => {
      const url = new URL(path, 'http://idp');
      if (url.pathname !== '/auth') return undefined;
      const { redirect_uri: to = '', state = '' } = Object.fromEntries(url.searchParams);
      const query = new URLSearchParams({ error: 'invalid_scope', state, iss: setUp.idpProxy.origin });
      return { status: 303, headers: { location: `${to}?${query.toString()}` }, body: '' };
    };
    const report = await setUp.ask();
    expect(codesOf(report)).toEqual(['provider.scope_refused']);
    expect(report.findings[0]?.expected).toContain('openid profile email');
  });

  it('never shows its secret', async () => {
    const text = JSON.stringify(await setUp.ask((config) => config.replace('id: gatehouse', 'id: gatehose')));
    expect(text).not.toContain(setUp.idp.clientSecret);
    expect(text).not.toContain(Buffer.from(setUp.idp.clientSecret).toString('base64').slice(4, 30));
  });
});

describe('keys and userinfo', () => {
  it('a private key in the set is told, whatever else is there', async () => {
    setUp.idp.faults.jwks = ({ keys }) => ({ keys: [...(keys as object[]), { kty: 'oct', k: 'c2VjcmV0' }] });
    const report = await setUp.ask();
    expect(codesOf(report)).toEqual(['provider.private_key_published']);
  });

  it('userinfo that answers whoever asks is told', async () => {
    setUp.idpProxy.faults.answer = ({ path }) =>
      path === '/me'
        ? { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' }
        : undefined;
    expect(codesOf(await setUp.ask())).toEqual(['provider.userinfo']);
    expect(codesOf(await setUp.ask(provider('fetch_userinfo: false')))).toEqual([]);
  });
});

describe('a provider that cannot be reached', () => {
  const settings = (issuer: string, more: Partial<ProviderSettings> = {}): ProviderSettings => ({
    id: 'main',
    issuer,
    client_id: 'gatehouse',
    client_secret: 'secret',
    ...more,
  });
  const codes = async (input: ProviderSettings): Promise<string[]> => {
    const { probes } = await examineProvider(deps, {
      settings: input,
      subject: 'provider main',
      place: 'providers[0]',
      redirectUri: 'https://auth.example.com/upstream/main/callback',
      localpartClaims: [],
    });
    return probes.flatMap(({ findings }) => findings.map(({ code, seen }) => `${code}: ${seen}`));
  };

  it('is told with the cause: refused, unresolved, silent', async () => {
    expect(await codes(settings('http://127.0.0.1:9'))).toEqual([
      expect.stringMatching(/^provider\.unreachable: .*ECONNREFUSED/),
    ]);
    expect(await codes(settings('https://nowhere.invalid'))).toEqual([
      expect.stringMatching(/^provider\.unreachable: nowhere\.invalid cannot be resolved/),
    ]);
    setUp.idp.faults.delayMs = 1500;
    expect(await codes(settings(setUp.idpProxy.origin, { timeout_seconds: 1 }))).toEqual([
      expect.stringMatching(/^provider\.unreachable: .*did not answer completely within 1000 ms/),
    ]);
    setUp.idp.faults.delayMs = 0;
  });

  it('is told with the cause: an address or a scheme that is not allowed', async () => {
    expect(await codes(settings('https://10.0.0.1'))).toEqual([
      expect.stringMatching(/^provider\.address_refused: 10\.0\.0\.1/),
    ]);
    expect(await codes(settings('http://idp.example.com'))).toEqual([
      expect.stringMatching(/^provider\.address_refused: .*only https/),
    ]);
  });

  it.each([
    ['the certificate has expired', 'localhost', { expired: true }],
    ['the certificate is for another host name', 'other.example.com', {}],
    ['what answers there does not speak TLS', undefined, {}],
  ])('is told with the cause: %s', async (cause, host, options) => {
    const certificate = selfSigned(host ?? 'localhost', options);
    const server = createServer(host === undefined ? {} : certificate);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const issuer =
      host === undefined
        ? setUp.idpProxy.origin.replace('http:', 'https:')
        : `https://localhost:${String(port)}`;
    const found = await codes(settings(issuer, { ca: certificate.cert, allow_addresses: ['127.0.0.1'] }));
    server.close();
    expect(found).toEqual([expect.stringMatching(new RegExp(`^provider\\.tls: .*${cause}`))]);
  });
});
