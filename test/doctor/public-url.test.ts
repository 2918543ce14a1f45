/** What else the doctor finds between clients and the service, asked over sockets. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/doctor/diagnose.ts';
import { examinePublicUrl } from '../../src/doctor/public-url/examine.ts';
import type { ProxiedAnswer } from '../support/fault-proxy.ts';
import { deps, startSetUp, type SetUp } from './set-up.ts';

let setUp: SetUp;
beforeAll(async () => {
  setUp = await startSetUp();
});
afterEach(() => {
  setUp.proxy.faults = {};
  setUp.wellKnown = { 'm.homeserver': { base_url: setUp.proxy.origin } };
});
afterAll(() => setUp[Symbol.asyncDispose]());

const codesOf = ({ findings }: Report): string[] => [...new Set(findings.map(({ code }) => code))];
const ask = async (): Promise<string[]> => codesOf(await setUp.ask());
const page = (status: number, text = 'nginx'): ProxiedAnswer => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: `<html><body>${text}</body></html>`,
});
const onPath = (pattern: RegExp, answer: ProxiedAnswer): void => {
  setUp.proxy.faults.answer = ({ path }) => (pattern.test(path) ? structuredClone(answer) : undefined);
};

describe('the reverse proxy', () => {
  it.each([
    ['public_url.not_proxied', /^\/upstream\//, page(404)],
    ['public_url.not_proxied', /^\/oauth2\/jwks/, page(404)],
    ['public_url.html', /^\/oauth2\/authorize/, page(200, 'Welcome!')],
    ['public_url.html', /auth_metadata/, page(200, 'Sign in to continue')],
    ['public_url.status', /auth_metadata/, { status: 401, headers: {}, body: '' }],
    [
      'public_url.malformed',
      /v1\/auth_metadata/,
      { status: 200, headers: { 'content-type': 'text/plain' }, body: '{}' },
    ],
    [
      'public_url.not_proxied',
      /^\/oauth2\/registration/,
      { status: 400, headers: { 'content-type': 'application/json' }, body: '{"errcode":"M_UNRECOGNIZED"}' },
    ],
  ])('is found to do %s at %s', async (code, pattern, answer) => {
    onPath(pattern, answer);
    expect(await ask()).toContain(code);
  });

  it('that has pages of its own in place of our refusals is found', async () => {
    setUp.proxy.faults.response = (answer) => {
      if (answer.status >= 400) Object.assign(answer, page(answer.status));
    };
    expect(await ask()).toEqual(
      expect.arrayContaining(['public_url.errors_replaced', 'public_url.unknown_path']),
    );
  });

  it('that answers unknown paths with a page is warned about', async () => {
    onPath(/gatehouse_doctor/, page(404));
    const report = await setUp.ask();
    expect(codesOf(report)).toEqual(['public_url.unknown_path']);
    expect(report.exit_code).toBe(0);
  });

  it('that adds cross-origin headers of its own is found', async () => {
    setUp.proxy.faults.response = ({ headers }, { method }) => {
      if (method !== 'OPTIONS') headers['access-control-allow-origin'] = ['*', '*'];
    };
    const report = await setUp.ask();
    expect(codesOf(report)).toContain('public_url.cors_doubled');
    expect(report.findings.find(({ code }) => code === 'public_url.cors_doubled')?.remedy).toMatch(
      /^Take the Access-Control headers out/,
    );
  });

  it('that refuses preflights is found', async () => {
    setUp.proxy.faults.answer = ({ method }) => (method === 'OPTIONS' ? page(405) : undefined);
    const report = await setUp.ask();
    expect(codesOf(report)).toEqual(['public_url.preflight']);
    expect(report.findings[0]?.probed).toBe(
      `OPTIONS ${setUp.url}oauth2/registration, OPTIONS ${setUp.url}oauth2/token`,
    );
  });

  it('that loses the Authorization header is found', async () => {
    setUp.proxy.faults.request = ({ headers }) => {
      delete headers.authorization;
    };
    expect(await ask()).toEqual(['public_url.authorization_stripped']);
  });

  it('that keeps what is no-store is found', async () => {
    const kept = new Map<string, ProxiedAnswer>();
    setUp.proxy.faults.answer = ({ path }) => kept.get(path);
    setUp.proxy.faults.response = (answer, { path }) => {
      if (path.endsWith('/whoami')) kept.set(path, structuredClone(answer));
    };
    expect(await ask()).toEqual(['public_url.cached']);
  });

  it('that writes its own Cache-Control is found', async () => {
    setUp.proxy.faults.response = ({ headers }) => {
      headers['cache-control'] = 'max-age=31536000';
    };
    expect(await ask()).toEqual(['public_url.cache_control', 'public_url.cached']);
  });

  it('that rewrites one copy of the metadata is found', async () => {
    setUp.proxy.faults.response = (answer, { path }) => {
      if (path.includes('openid-configuration')) {
        answer.body = answer.body.replace(
          '"claims_parameter_supported":false',
          '"claims_parameter_supported":true',
        );
      }
    };
    const report = await setUp.ask();
    expect(codesOf(report)).toEqual(['public_url.metadata_differs']);
    expect(report.findings[0]?.seen).toBe('another claims_parameter_supported');
  });

  it('that turns https into http in bodies, or the other way, is found with the scheme', async () => {
    setUp.proxy.faults.response = (answer) => {
      answer.body = answer.body.replaceAll('http:', 'https:');
    };
    const { findings } = await setUp.ask();
    const issuer = findings.find(({ code }) => code === 'public_url.issuer_mismatch');
    expect(issuer?.seen).toContain('the scheme differs (http: and https:)');
    expect(issuer?.remedy).toContain('something rewrites the scheme');
    expect(issuer?.probed.split(', ')).toHaveLength(4);
  });

  it('that strips what the specification demands is found', async () => {
    setUp.proxy.faults.response = (answer) => {
      answer.body = answer.body.replace('"S256"', '"plain"');
    };
    const report = await setUp.ask();
    expect(codesOf(report)).toEqual(['public_url.metadata_unfit']);
    expect(report.findings[0]?.seen).toBe('code_challenge_methods_supported must contain S256');
  });
});

describe('the homeserver', () => {
  it.each([
    ['homeserver.well_known_missing', undefined],
    ['homeserver.well_known_missing', {}],
    ['homeserver.well_known_mismatch', { 'm.homeserver': { base_url: 'https://matrix.example.com' } }],
  ])('whose well-known file is wrong: %s', async (code, wellKnown) => {
    setUp.wellKnown = wellKnown;
    const report = await setUp.ask();
    // Where homeserver and server name share a host, clients do without the file.
    expect(codesOf(report)).toEqual(wellKnown === undefined ? [] : [code]);
  });

  it('whose well-known file names another issuer is found', async () => {
    setUp.wellKnown = {
      'm.homeserver': { base_url: setUp.proxy.origin },
      'org.matrix.msc2965.authentication': { issuer: 'https://old.example.com/' },
    };
    expect(await ask()).toEqual(['homeserver.well_known_mismatch']);
  });

  it('that does not answer is found', async () => {
    onPath(/versions/, page(502));
    expect(await ask()).toEqual(['homeserver.versions']);
  });

  it('that web clients cannot read is found', async () => {
    setUp.proxy.faults.response = ({ headers }, { path }) => {
      if (path.includes('versions')) delete headers['access-control-allow-origin'];
    };
    expect(await ask()).toEqual(['homeserver.cors']);
  });

  it('at another URL must have our metadata', async () => {
    const other = (text: string): string =>
      text.replace(`public_url: "${setUp.proxy.origin}"`, `public_url: "${setUp.proxy.origin}/hs"`);
    setUp.proxy.faults.request = (request) => {
      request.path = request.path.replace(/^\/hs/, '');
    };
    setUp.wellKnown = { 'm.homeserver': { base_url: `${setUp.proxy.origin}/hs` } };
    expect(codesOf(await setUp.ask(other))).toEqual([]);
    onPath(/^\/hs\/_matrix\/client\/v1\/auth_metadata/, page(404));
    expect(codesOf(await setUp.ask(other))).toEqual(['homeserver.auth_metadata']);
  });
});

describe('the routes of session management', () => {
  const json = (status: number, body: unknown): ProxiedAnswer => ({
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

  it.each([
    ['is not there', /v3\/login$/, page(404)],
    [
      'is not there, says the homeserver',
      /v3\/refresh$/,
      json(404, { errcode: 'M_UNRECOGNIZED', error: 'x' }),
    ],
    ['is a page', /v3\/logout$/, page(200)],
    ['is another refusal', /v3\/logout\/all$/, json(401, { errcode: 'M_UNKNOWN_TOKEN', error: 'x' })],
    ['offers what the homeserver has', /v3\/login$/, json(200, { flows: [{ type: 'm.login.password' }] })],
    ['offers nothing that can be read', /v3\/login$/, json(200, { flows: 'none' })],
  ])('that do not reach us are found: one %s', async (_what, pattern, answer) => {
    onPath(pattern, answer);
    const report = await setUp.ask();
    expect(codesOf(report)).toEqual(['homeserver.not_proxied']);
    expect(report.findings).toHaveLength(1);
    expect(report.findings[0]?.probed).toMatch(pattern);
    expect(report.findings[0]?.remedy).toMatch(/^Pass \/_matrix\/client\/\{r0,v3\}\/log|refresh/);
  });

  it('are asked at the URL of the homeserver, without logging in', async () => {
    const asked: string[] = [];
    setUp.proxy.faults.request = ({ method, path }) => {
      if (path.startsWith('/_matrix/client/v3/log')) asked.push(`${method} ${path}`);
    };
    expect(await ask()).toEqual([]);
    expect(asked.sort()).toEqual([
      'GET /_matrix/client/v3/login',
      'POST /_matrix/client/v3/logout',
      'POST /_matrix/client/v3/logout/all',
    ]);
  });

  it('must refuse login in so many words where it is off', async () => {
    await using off = await startSetUp({ configure: (text) => `${text}legacy_login: { sso: false }\n` });
    expect(codesOf(await off.ask())).toEqual([]);
    off.proxy.faults.answer = ({ path }) =>
      path.endsWith('v3/login') ? json(200, { flows: [{ type: 'm.login.sso' }] }) : undefined;
    expect(codesOf(await off.ask())).toEqual(['homeserver.not_proxied']);
  });

  it('are not ours in passthrough', async () => {
    const report = await setUp.ask((text) => text.replace('server_name:', 'mode: passthrough\nserver_name:'));
    const probe = report.probes.find(({ name }) => name === 'homeserver: session routes');
    expect(probe).toMatchObject({ outcome: 'skipped', why: 'in passthrough they are not ours' });
  });
});

describe('a public URL', () => {
  it('with a path is asked in every form, and is sound', async () => {
    await using below = await startSetUp({ path: '/auth/' });
    const asked: string[] = [];
    below.proxy.faults.request = ({ path }) => void asked.push(path);
    const report = await below.ask();
    expect(report.findings).toEqual([]);
    expect(asked).toContain('/.well-known/oauth-authorization-server/auth');
    expect(asked).toContain('/auth/.well-known/openid-configuration');
  });

  it('in passthrough has the metadata of the provider, and is sound', async () => {
    await using through = await startSetUp({
      configure: (text) =>
        text
          .replace('server_name:', 'mode: passthrough\nserver_name:')
          .replace(
            '    client_id:',
            '    discovery: { overrides: { registration_endpoint: "http://127.0.0.1:9/register" } }\n    client_id:',
          ),
    });
    const report = await through.ask();
    expect(report.findings.filter(({ subject }) => subject !== 'configuration')).toEqual([]);
    const routes = report.probes.find(({ name }) => name === 'public URL: routes');
    expect(routes).toMatchObject({ outcome: 'skipped', why: 'in passthrough the provider has it' });
  });

  it('without the OAuth API must refuse the metadata in so many words', async () => {
    await using off = await startSetUp({ configure: (text) => `oauth_api: false\n${text}` });
    const report = await off.ask();
    expect(report.findings).toEqual([]);
    const routes = report.probes.find(({ name }) => name === 'public URL: routes');
    expect(routes).toMatchObject({ outcome: 'skipped', why: 'oauth_api is off' });
    off.proxy.faults.answer = ({ path }) => (path.includes('auth_metadata') ? page(404) : undefined);
    expect(codesOf(await off.ask())).toEqual(['public_url.not_proxied']);
  });

  it('that leads nowhere is told once, with the cause', async () => {
    const { probes } = await examinePublicUrl(deps, {
      publicUrl: 'https://nowhere.invalid/',
      mode: 'facade',
      oauthApi: true,
      issuer: 'https://nowhere.invalid/',
      providerIds: ['main'],
      maxAgeSeconds: 600,
      allowHttp: false,
    });
    const findings = probes.flatMap((probe) => probe.findings);
    expect(findings).toMatchObject([{ code: 'public_url.unreachable' }]);
    expect(findings[0]?.seen).toContain('nowhere.invalid cannot be resolved');
    expect(probes.slice(1).every(({ outcome }) => outcome === 'skipped')).toBe(true);
  });
});

describe('the service', () => {
  it('that does not run is the one finding', async () => {
    await using own = await startSetUp();
    await own.stopService();
    const report = await own.ask();
    expect(report.findings).toMatchObject([{ code: 'service.not_running', subject: 'service' }]);
    expect(report.findings[0]?.remedy).toContain('gatehouse serve --config');
    expect(report.exit_code).toBe(1);
  });

  it('whose port another program has is found', async () => {
    const report = await setUp.ask((text) =>
      text.replace(/listen: .*/, `listen: { port: ${new URL(setUp.idp.issuer).port} }`),
    );
    expect(codesOf(report)).toEqual(['service.foreign']);
  });

  it('that says it is not ready is told with its reasons', async () => {
    setUp.proxy.faults.answer = ({ path }) =>
      path === '/health/ready'
        ? {
            status: 503,
            headers: { 'content-type': 'application/json' },
            body: '{"status":"unavailable","reasons":["the database does not answer"]}',
          }
        : undefined;
    const report = await setUp.ask((text) =>
      text.replace('operations: { port: 0 }', `operations: { port: ${new URL(setUp.proxy.origin).port} }`),
    );
    expect(report.findings).toMatchObject([
      { code: 'service.not_ready', seen: 'the database does not answer' },
    ]);
  });
});

describe('the configuration', () => {
  it('with faults is all that is looked at: exit code 2', async () => {
    const report = await setUp.ask((text) =>
      text.replace('server_name:', 'sever_name:').replace('- id: main', '- id: Main'),
    );
    expect(report.exit_code).toBe(2);
    expect(codesOf(report)).toEqual(['config.fault']);
    expect(report.findings.length).toBeGreaterThan(2);
    expect(report.probes).toEqual([{ name: 'configuration', outcome: 'findings' }]);
  });

  it('without trusted proxies behind https is warned about', async () => {
    const report = await setUp.ask((text) =>
      text.replace(/public_url: http:.*/, 'public_url: https://nowhere.invalid/'),
    );
    expect(codesOf(report)).toContain('config.trusted_proxies');
  });
});
