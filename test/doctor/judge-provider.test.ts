/** A provider is judged before anything is configured. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { judgeProviderFile, judgeProviderUrl } from '../../src/doctor/judge-provider.ts';
import { recognisePreset } from '../../src/doctor/preset-shapes.ts';
import { resolveSettings } from '../../src/upstream/resolved-settings.ts';
import { startIdp, type Idp } from '../peers/idp.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { deps } from './set-up.ts';

let idp: Idp;
beforeAll(async () => {
  idp = await startIdp();
});
afterAll(() => idp.close());

describe('by its URL', () => {
  it('a real provider is told by its preset, its modes and what it lacks', async () => {
    const report = await judgeProviderUrl(deps, idp.issuer);
    expect(report).toMatchObject({
      version: 1,
      exit_code: 0,
      findings: [],
      provider: {
        issuer: idp.issuer,
        preset: { name: 'oidc-provider', evidence: 'tried' },
        modes: { facade: { fits: true, reasons: [] }, passthrough: { fits: false } },
      },
    });
    const { modes, missing, configuration } = report.provider!;
    expect(modes.passthrough.reasons).toContain('registration_endpoint is missing');
    expect(missing.map(({ member }) => member)).toEqual(['registration_endpoint']);
    expect(parse(configuration)).toEqual({
      providers: [
        {
          id: 'main',
          preset: 'oidc-provider',
          issuer: idp.issuer,
          client_id: 'gatehouse',
          client_secret_file: 'idp.secret',
        },
      ],
    });
    expect(report.probes.map(({ name }) => name)).toEqual([
      'provider: metadata',
      'provider: keys',
      'provider: userinfo',
      'provider: clock',
    ]);
  });

  it('the discovery URL does as well, and the slash of the issuer is found out', async () => {
    idp.faults.discoveryIssuer = `${idp.issuer}/`;
    const report = await judgeProviderUrl(deps, `${idp.issuer}/.well-known/openid-configuration`);
    idp.faults.discoveryIssuer = undefined;
    expect(report.findings).toEqual([]);
    expect(report.provider?.issuer).toBe(`${idp.issuer}/`);
  });

  it('metadata by RFC 8414 alone is found', async () => {
    await using proxy = await startFaultProxy({ target: () => idp.issuer, renames: true });
    proxy.faults.answer = ({ path }) =>
      path === '/.well-known/openid-configuration'
        ? { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>404</html>' }
        : undefined;
    const report = await judgeProviderUrl(deps, proxy.origin);
    expect(report.findings).toEqual([]);
    expect(parse(report.provider?.configuration ?? '')).toMatchObject({
      providers: [{ discovery: { method: 'oauth2' } }],
    });
  });

  it('a private address is asked, and told to be allowed', async () => {
    const { port } = new URL(idp.issuer);
    const report = await judgeProviderUrl(
      {
        ...deps,
        lookup: (_host, options, done) => {
          if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }]);
          else done(null, '127.0.0.1', 4);
        },
      },
      `https://idp.internal.example:${port}`,
    );
    // Loopback stands in for the private network, and speaks no TLS: so far it came.
    expect(report.findings.map(({ code }) => code)).toEqual(['provider.tls']);
    expect(report.provider).toBeNull();
    expect(report.exit_code).toBe(1);
  });

  it('one that does not fit is told why', async () => {
    idp.faults.discovery = (document) => ({ ...document, response_types_supported: ['id_token'] });
    const report = await judgeProviderUrl(deps, idp.issuer);
    idp.faults.discovery = undefined;
    expect(report.exit_code).toBe(1);
    expect(report.provider?.modes.facade).toEqual({
      fits: false,
      reasons: ['"code" among response_types_supported: id_token'],
    });
  });
});

describe('by a file', () => {
  const complete = {
    issuer: 'https://idp.example.com',
    authorization_endpoint: 'https://idp.example.com/a',
    token_endpoint: 'https://idp.example.com/t',
    revocation_endpoint: 'https://idp.example.com/v',
    registration_endpoint: 'https://idp.example.com/r',
    userinfo_endpoint: 'https://idp.example.com/u',
    jwks_uri: 'https://idp.example.com/j',
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: ['openid', 'profile', 'email', 'urn:matrix:client:api:*'],
  };

  it('passthrough fits where every MUST is met, the scopes included', async () => {
    const report = await judgeProviderFile(deps, 'idp.json', JSON.stringify(complete));
    expect(report.provider?.modes).toEqual({
      facade: { fits: true, reasons: [] },
      passthrough: { fits: true, reasons: [] },
    });
    expect(report.provider?.preset.name).toBe('generic');
    expect(report.probes.find(({ name }) => name === 'provider: keys')?.outcome).toBe('skipped');
  });

  it.each([
    ['revocation_endpoint', undefined, 'revocation_endpoint is missing'],
    ['response_modes_supported', ['query'], 'response_modes_supported must contain fragment'],
    [
      'scopes_supported',
      ['openid', 'profile', 'email'],
      'scopes_supported does not contain urn:matrix:client:api:*',
    ],
  ])('passthrough does not fit with %s %j, and says so', async (member, value, reason) => {
    const report = await judgeProviderFile(
      deps,
      'idp.json',
      JSON.stringify({ ...complete, [member]: value }),
    );
    expect(report.provider?.modes.passthrough).toEqual({ fits: false, reasons: [reason] });
    expect(report.provider?.modes.facade.fits).toBe(true);
  });

  it('what is no metadata is refused', async () => {
    await expect(judgeProviderFile(deps, 'x.json', '<html>')).rejects.toThrow(
      'x.json: it is markup, not JSON',
    );
    await expect(judgeProviderFile(deps, 'x.json', '{}')).rejects.toThrow('it states no issuer');
  });
});

describe('a preset is recognised', () => {
  it.each([
    ['google', { issuer: 'https://accounts.google.com' }],
    ['entra', { issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' }],
    ['keycloak', { issuer: 'https://idp.example.com/realms/main' }],
    ['authentik', { issuer: 'https://idp.example.com/application/o/matrix/' }],
    ['kanidm', { issuer: 'https://idp.example.com/oauth2/openid/gatehouse' }],
    ['gitlab', { issuer: 'https://gitlab.com' }],
    [
      'gitlab',
      {
        issuer: 'https://git.example.com',
        authorization_endpoint: 'https://git.example.com/oauth/authorize',
        jwks_uri: 'https://git.example.com/oauth/discovery/keys',
      },
    ],
    ['authelia', { authorization_endpoint: 'https://auth.example.com/api/oidc/authorization' }],
    [
      'zitadel',
      {
        authorization_endpoint: 'https://id.example.com/oauth/v2/authorize',
        userinfo_endpoint: 'https://id.example.com/oidc/v1/userinfo',
      },
    ],
    [
      'dex',
      {
        authorization_endpoint: 'https://dex.example.com/dex/auth',
        token_endpoint: 'https://dex.example.com/dex/token',
        jwks_uri: 'https://dex.example.com/dex/keys',
      },
    ],
    [
      'lemonldap',
      {
        authorization_endpoint: 'https://sso.example.com/oauth2/authorize',
        jwks_uri: 'https://sso.example.com/oauth2/jwks',
        end_session_endpoint: 'https://sso.example.com/oauth2/logout',
      },
    ],
    [
      'glewlwyd',
      {
        authorization_endpoint: 'https://glewlwyd.example.com/api/oidc/auth',
        jwks_uri: 'https://glewlwyd.example.com/api/oidc/jwks',
      },
    ],
  ])('as %s by %j', (name, document) => {
    expect(recognisePreset(document)?.name).toBe(name);
    expect(() =>
      resolveSettings({ id: 'x', issuer: 'https://x', client_id: 'x', preset: name }),
    ).not.toThrow();
  });

  it('or not, where nothing fits', () => {
    expect(recognisePreset({ issuer: 'https://idp.example.com' })).toBeUndefined();
  });
});
