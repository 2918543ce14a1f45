import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { buildAuthorizationUrl } from '../../src/upstream/login/authorization-url.ts';
import { presets } from '../../src/upstream/presets/presets.ts';
import { resolveSettings } from '../../src/upstream/resolved-settings.ts';
import type { ProviderSettings } from '../../src/upstream/settings.ts';
import { UpstreamRefusal } from '../../src/upstream/login/refusal.ts';
import { startForgedIdp } from './support/forged-idp.ts';
import { sendJson, startScriptedServer } from './support/scripted-server.ts';

const input = { redirectUri: 'https://x.example/cb', state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43) };

function urlOf(
  settings: Partial<ProviderSettings>,
  more: { prompt?: string } = {},
  metadata: Record<string, unknown> = {},
): URLSearchParams {
  const resolved = resolveSettings({
    id: 'main',
    issuer: 'https://idp.example',
    client_id: 'c',
    ...settings,
  });
  const server = {
    issuer: 'https://idp.example',
    authorization_endpoint: 'https://idp.example/a?ui=1',
    ...metadata,
  };
  return buildAuthorizationUrl(server, resolved, { ...input, ...more }).searchParams;
}

describe('presets', () => {
  it('are data: each has its name, its title and its sources, and the code names no product', async () => {
    for (const [name, preset] of presets) {
      expect(preset.name).toBe(name);
      expect(preset.title).not.toBe('');
      expect(preset.sources.length).toBeGreaterThan(0);
    }
    const folder = new URL('../../src/upstream/', import.meta.url);
    const files = (await readdir(folder, { recursive: true })).filter(
      (file) => file.endsWith('.ts') && !file.startsWith('presets/'),
    );
    expect(files.length).toBeGreaterThan(20);
    for (const file of files) {
      const code = await readFile(new URL(file, folder), 'utf8');
      expect(code.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')).not.toMatch(
        /keycloak|entra|google|authentik|kanidm|glewlwyd|dex\b/i,
      );
    }
  });

  it('an unknown one is refused', () => {
    expect(() =>
      resolveSettings({ id: 'm', issuer: 'https://x.example', client_id: 'c', preset: 'okta2' }),
    ).toThrow(RangeError);
  });

  it('the operator has the last word over a preset', () => {
    const settings = { preset: 'oidc-provider', pkce: 'never', scopes: ['openid', 'groups'] } as const;
    expect(urlOf(settings).has('code_challenge')).toBe(false);
    expect(urlOf(settings).get('scope')).toBe('openid groups');
  });

  it.each<[Partial<ProviderSettings>, unknown, boolean]>([
    [{}, undefined, true],
    [{}, [], true],
    [{}, ['plain'], false],
    [{}, ['plain', 'S256'], true],
    [{ pkce: 'always' }, ['plain'], true],
    [{ pkce: 'never' }, ['S256'], false],
    [{ preset: 'entra' }, undefined, true],
    [{ preset: 'kanidm' }, [], true],
    [{ preset: 'glewlwyd' }, undefined, false],
    [{ preset: 'glewlwyd' }, ['S256'], true],
  ])('PKCE with %o and the list %j: %s', (settings, listed, sent) => {
    const query = urlOf(
      settings,
      {},
      listed === undefined ? {} : { code_challenge_methods_supported: listed },
    );
    expect(query.get('code_challenge_method')).toBe(sent ? 'S256' : null);
  });

  it.each<[Partial<ProviderSettings>, string, string | null, (readonly string[])?]>([
    [{}, 'login consent', 'login consent'],
    [{}, 'create', null],
    [{}, 'create', 'create', ['create']],
    [{ preset: 'keycloak' }, 'select_account', 'login'],
    [{ preset: 'keycloak' }, 'login select_account', 'login'],
    [{ preset: 'entra' }, 'login consent', 'login'],
    [{ preset: 'google' }, 'login', 'select_account'],
    [{ preset: 'google' }, 'create', null, ['create']],
    [{ preset: 'google' }, 'none', 'none'],
  ])('prompt with %o: %s becomes %s', (settings, prompt, sent, listed) => {
    const metadata = listed === undefined ? {} : { prompt_values_supported: listed };
    expect(urlOf(settings, { prompt }, metadata).get('prompt')).toBe(sent);
  });

  it('form_post is asked for where configured, and the endpoint keeps its query', () => {
    expect(urlOf({ response_mode: 'form_post' }).get('response_mode')).toBe('form_post');
    expect(urlOf({}).has('response_mode')).toBe(false);
    expect(urlOf({}).get('ui')).toBe('1');
  });
});

describe('issuer templates and aliases', () => {
  const template = 'https://login.microsoftonline.com/{tenantid}/v2.0';
  const tenant = '72f988bf-0000-4000-8000-2d7cd011db47';
  const issuer = `https://login.microsoftonline.com/${tenant}/v2.0`;

  it('the tenant comes from the token and must be allowed; the identity has its own issuer', async () => {
    await using idp = await startForgedIdp({ preset: 'entra', allowed_tenants: [tenant] });
    idp.metadata = { issuer: template, authorization_response_iss_parameter_supported: undefined };
    idp.claims = { iss: issuer, tid: tenant };
    expect((await idp.login({ iss: undefined })).issuer).toBe(issuer);
    expect((await idp.login({ iss: issuer })).issuer).toBe(issuer);
    for (const claims of [
      { iss: issuer, tid: 'another-tenant' },
      { iss: issuer.replace(tenant, 'another-tenant'), tid: 'another-tenant' },
      { iss: issuer, tid: undefined },
      { iss: template, tid: tenant },
      { iss: issuer.replace(tenant, 'x'), tid: tenant },
    ]) {
      idp.claims = claims;
      await expect(idp.login({ iss: undefined })).rejects.toThrow(UpstreamRefusal);
    }
    idp.claims = { iss: issuer, tid: tenant };
    await expect(idp.login({ iss: issuer.replace(tenant, 'x') })).rejects.toThrow(UpstreamRefusal);
  });

  it('without allowed tenants the document is refused, and no other preset takes a template', async () => {
    for (const settings of [{ preset: 'entra' }, { allowed_tenants: [tenant] }]) {
      await using idp = await startForgedIdp(settings);
      idp.metadata = { issuer: template };
      await idp.provider.refresh();
      expect(idp.provider.state().metadata).toBe('none');
    }
  });

  it('oid can identify people instead of sub', async () => {
    await using idp = await startForgedIdp({ subject_claim: 'oid' });
    idp.claims = { oid: 'object-1' };
    expect((await idp.login()).subject).toBe('object-1');
    idp.claims = {};
    await expect(idp.login()).rejects.toMatchObject({ kind: 'subject' });
  });

  it('an alias counts in ID tokens; the identity keeps the one issuer', async () => {
    await using idp = await startForgedIdp({ preset: 'google' });
    idp.claims = { iss: 'accounts.google.com' };
    expect((await idp.login()).issuer).toBe(idp.issuer);
    idp.claims = { iss: 'accounts.google.com.evil.example' };
    await expect(idp.login()).rejects.toThrow(UpstreamRefusal);
  });
});

describe('plain OAuth 2.0', () => {
  it('identity comes from userinfo alone, numbers included; no document is fetched', async () => {
    await using server = await startScriptedServer();
    await using idp = await startForgedIdp({
      preset: 'oauth2',
      subject_claim: 'id',
      scopes: ['read:user'],
      discovery: {
        overrides: {
          authorization_endpoint: `${server.url}/authorize`,
          token_endpoint: `${server.url}/token`,
          userinfo_endpoint: `${server.url}/user`,
        },
      },
    });
    let user: Record<string, unknown> = { id: 583231, login: 'octocat' };
    server.answer((request, response) => {
      if (request.path === '/token')
        sendJson(response, { access_token: 'gho_canary', token_type: 'bearer', id_token: 'junk' });
      else if (request.headers.authorization === 'Bearer gho_canary') sendJson(response, user);
      else response.writeHead(401).end();
    });
    expect(await idp.login({ iss: undefined })).toEqual({
      issuer: idp.issuer,
      subject: '583231',
      claims: user,
    });
    expect(server.seen.map((request) => request.path)).toEqual(['/token', '/user']);
    expect(idp.server.seen).toHaveLength(0);
    const query = (await idp.provider.authorizationUrl({ ...input })).searchParams;
    expect(query.get('scope')).toBe('read:user');
    expect(query.has('nonce')).toBe(false);
    expect(idp.provider.state()).toMatchObject({ metadata: 'fresh', keys: 'fresh' });
    for (const id of [undefined, null, '', 1.5, 2 ** 60, {}, true]) {
      user = { id, login: 'x' };
      await expect(idp.login({ iss: undefined })).rejects.toMatchObject({ kind: 'subject' });
    }
    server.answer((_, response) => {
      sendJson(response, { error: 'bad_verification_code', error_description: 'The code is incorrect.' });
    });
    await expect(idp.login({ iss: undefined })).rejects.toThrow(UpstreamRefusal);
  });
});
