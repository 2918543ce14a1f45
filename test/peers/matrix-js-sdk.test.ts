import { createClient } from 'matrix-js-sdk';
import { OAuth2, isValidAuthMetadata, type OAuthRegistrationRequest } from 'matrix-js-sdk/lib/oauth/index.js';
import { logger } from 'matrix-js-sdk/lib/logger.js';
import { TokenRefresher } from 'matrix-js-sdk/lib/oauth/tokenRefresher.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowser } from '../support/browser.ts';
import { signIn, startGatehouse, type Gatehouse } from './gatehouse.ts';

const web: OAuthRegistrationRequest = {
  client_name: 'Element Web',
  client_uri: 'https://app.element.example/',
  redirect_uris: ['https://app.element.example/?no_universal_links=true'],
  logo_uri: 'https://app.element.example/logo.png',
  tos_uri: 'https://elsewhere.example/tos',
};
const webRedirect = 'https://app.element.example/?no_universal_links=true';

describe('matrix-js-sdk signs in', () => {
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'log'] as const)
      logger[level] = () => undefined;
    gatehouse = await startGatehouse();
  });
  afterAll(() => gatehouse[Symbol.asyncDispose]());

  async function register(metadata: OAuthRegistrationRequest = web) {
    const authMetadata = await createClient({ baseUrl: gatehouse.url }).getAuthMetadata();
    return { authMetadata, clientId: await OAuth2.registerClient(authMetadata, metadata) };
  }

  async function grant(mode: 'fragment' | 'query' | undefined, deviceId: string, login = 'alice') {
    const { authMetadata, clientId } = await register();
    const oauth = new OAuth2(authMetadata, { clientId, deviceId });
    const url = await oauth.generateAuthorizationCodeGrantUrl('the state', webRedirect, mode);
    const landed = await signIn(createBrowser(), url, 'https://app.element.example/', login);
    const target = new URL(landed.url);
    const answer = mode === 'query' ? target.searchParams : new URLSearchParams(target.hash.slice(1));
    expect(target.searchParams.get('no_universal_links')).toBe('true');
    expect(answer.get('state')).toBe('the state');
    expect(answer.get('iss')).toBe(authMetadata.issuer);
    const code = answer.get('code') ?? '';
    return { oauth, code, tokens: await oauth.completeAuthorizationCodeGrant(code, webRedirect) };
  }

  const whoami = (accessToken: string) => createClient({ baseUrl: gatehouse.url, accessToken }).whoami();

  it('accepts the metadata, by the stable path and by the unstable one', async () => {
    const { authMetadata } = await register();
    expect(authMetadata.issuer).toBe(gatehouse.url);
    const unstable = await fetch(`${gatehouse.url}_matrix/client/unstable/org.matrix.msc2965/auth_metadata`);
    const document: unknown = await unstable.json();
    expect(isValidAuthMetadata(document as Record<string, unknown>)).toBe(true);
    expect(document).toEqual(authMetadata);
  });

  it('registers, and gets the same identifier for the same metadata', async () => {
    const first = await register();
    expect((await register()).clientId).toBe(first.clientId);
    expect((await register({ ...web, client_name: 'Another' })).clientId).not.toBe(first.clientId);
  });

  it.each(['fragment', 'query'] as const)('completes the code grant with response_mode %s', async (mode) => {
    const { tokens } = await grant(mode, `DEVICE${mode}`);
    expect(tokens).toMatchObject({
      token_type: 'Bearer',
      scope: `urn:matrix:client:api:* urn:matrix:client:device:DEVICE${mode}`,
    });
    expect(tokens.refresh_token).toBeTypeOf('string');
    expect(tokens.expires_in).toBeGreaterThan(60);
    expect(await whoami(tokens.access_token)).toMatchObject({
      user_id: '@alice:example.org',
      device_id: `DEVICE${mode}`,
    });
    expect(await gatehouse.introspect(tokens.access_token)).toMatchObject({
      active: true,
      username: 'alice',
      device_id: `DEVICE${mode}`,
    });
  });

  it('takes the fragment when it names no mode', async () => {
    const { tokens } = await grant(undefined, 'DEVICEDEFAULT', 'bob');
    expect((await whoami(tokens.access_token)).user_id).toBe('@bob:example.org');
  });

  it('accepts the device ids that QR login uses', async () => {
    const deviceId = 'xfOgOlg1RIlhGXMBcFt/bmsu+t1Ys1GI/iYnQlPYdEg=';
    const { tokens } = await grant('query', deviceId);
    expect((await whoami(tokens.access_token)).device_id).toBe(deviceId);
  });

  it('refreshes, once for many callers, and again after a lost answer', async () => {
    const { oauth, tokens } = await grant('query', 'DEVICEREFRESH');
    const seen: string[] = [];
    const refresher = new TokenRefresher(oauth, async ({ accessToken }: { accessToken: string }) => {
      seen.push(accessToken);
      return Promise.resolve();
    });
    const old = tokens.refresh_token ?? '';
    const [one, two] = await Promise.all([refresher.refreshTokens(old), refresher.refreshTokens(old)]);
    expect(one).toEqual(two);
    expect(seen).toEqual([one.accessToken]);
    expect(one.refreshToken).not.toBe(old);
    const again = await oauth.performRefreshTokenGrant(old);
    expect(again.access_token).toBe(one.accessToken);
    expect(again.refresh_token).toBe(one.refreshToken);
    expect((await whoami(one.accessToken)).device_id).toBe('DEVICEREFRESH');
  });

  it('calls a refused refresh a logout, and nothing else', async () => {
    const { oauth } = await grant('query', 'DEVICEREFUSED');
    const refresher = new TokenRefresher(oauth, () => Promise.resolve());
    await expect(refresher.refreshTokens('grt_unknown')).rejects.toMatchObject({
      name: 'TokenRefreshLogoutError',
    });
  });

  it.each(['access_token', 'refresh_token', undefined] as const)(
    'revokes with the hint %s and is signed out at once',
    async (hint) => {
      const { oauth, tokens } = await grant('query', 'DEVICEREVOKE');
      const token = hint === 'access_token' ? tokens.access_token : (tokens.refresh_token ?? '');
      await oauth.revokeToken(token, hint);
      await expect(whoami(tokens.access_token)).rejects.toMatchObject({
        errcode: 'M_UNKNOWN_TOKEN',
        httpStatus: 401,
      });
      expect(await gatehouse.introspect(tokens.access_token)).toEqual({ active: false });
      await expect(oauth.performRefreshTokenGrant(tokens.refresh_token ?? '')).rejects.toMatchObject({
        httpStatus: 400,
        error: 'invalid_grant',
      });
      await oauth.revokeToken(token, hint);
    },
  );

  it('is told no when the person says no', async () => {
    const { authMetadata, clientId } = await register();
    const oauth = new OAuth2(authMetadata, { clientId, deviceId: 'DEVICENO' });
    const browser = createBrowser();
    browser.stopAt('https://app.element.example/');
    await browser.open(await oauth.generateAuthorizationCodeGrantUrl('s', webRedirect, 'fragment'));
    await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    const page = await browser.submit({ button: 'Cancel' });
    const answer = new URLSearchParams(new URL(page.url).hash.slice(1));
    expect(answer.get('error')).toBe('access_denied');
    expect(answer.get('state')).toBe('s');
  });
});
