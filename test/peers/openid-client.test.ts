import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowser } from '../support/browser.ts';
import { signIn, startGatehouse, type Gatehouse } from './gatehouse.ts';

const native = {
  application_type: 'native',
  client_name: 'Strict client',
  client_uri: 'https://strict.example/',
  redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback', 'example.strict:/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  id_token_signed_response_alg: 'RS256',
};
const scopeOf = (deviceId: string) => `openid urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`;
const insecure = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] };

describe('openid-client, a strict second client,', () => {
  let gatehouse: Gatehouse;
  let config: client.Configuration;
  beforeAll(async () => {
    gatehouse = await startGatehouse();
    config = await client.dynamicClientRegistration(new URL(gatehouse.url), native, client.None(), insecure);
  });
  afterAll(() => gatehouse[Symbol.asyncDispose]());

  async function authorize(redirectUri: string, deviceId: string, parameters: Record<string, string> = {}) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const expectedState = client.randomState();
    const expectedNonce = client.randomNonce();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: scopeOf(deviceId),
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      nonce: expectedNonce,
      ...parameters,
    });
    const landed = await signIn(createBrowser(), url.href, redirectUri);
    return { callback: new URL(landed.url), checks: { pkceCodeVerifier, expectedState, expectedNonce } };
  }

  async function login(deviceId: string, redirectUri = 'http://127.0.0.1:49152/callback') {
    const { callback, checks } = await authorize(redirectUri, deviceId);
    return client.authorizationCodeGrant(config, callback, { ...checks, idTokenExpected: true });
  }

  it.each(['oidc', 'oauth2'] as const)('discovers the issuer by the rules of %s', async (algorithm) => {
    const found = await client.discovery(new URL(gatehouse.url), 'any', undefined, client.None(), {
      ...insecure,
      algorithm,
    });
    expect(found.serverMetadata().issuer).toBe(gatehouse.url);
    expect(found.serverMetadata().supportsPKCE()).toBe(true);
    expect(found.serverMetadata().authorization_response_iss_parameter_supported).toBe(true);
  });

  it('registers and sees what was kept of its metadata', () => {
    expect(config.clientMetadata()).toMatchObject({
      redirect_uris: native.redirect_uris,
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    });
    expect(config.clientMetadata().client_secret).toBeUndefined();
  });

  it.each(['http://127.0.0.1:49152/callback', 'http://[::1]:1024/callback', 'example.strict:/callback'])(
    'completes the code grant at %s with state, nonce, iss, PKCE and a signed ID token',
    async (redirectUri) => {
      const tokens = await login('STRICT1', redirectUri);
      expect(tokens.claims()).toMatchObject({
        iss: gatehouse.url,
        aud: config.clientMetadata().client_id,
      });
      expect(tokens.claims()?.sub).toBeTypeOf('string');
      expect(tokens.scope?.split(' ').sort()).toEqual(scopeOf('STRICT1').split(' ').sort());
      expect(await gatehouse.introspect(tokens.access_token)).toMatchObject({
        active: true,
        device_id: 'STRICT1',
      });
    },
  );

  it('refuses a wrong code verifier, and the right one afterwards', async () => {
    const { callback, checks } = await authorize('http://127.0.0.1:49152/callback', 'STRICT2');
    const wrong = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
    await expect(client.authorizationCodeGrant(config, callback, wrong)).rejects.toMatchObject({
      error: 'invalid_grant',
      status: 400,
    });
  });

  it('gets a code for one use only, and a replay ends what came from it', async () => {
    const { callback, checks } = await authorize('http://127.0.0.1:49152/callback', 'STRICT3');
    const tokens = await client.authorizationCodeGrant(config, callback, checks);
    await expect(client.authorizationCodeGrant(config, callback, checks)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    expect(await gatehouse.introspect(tokens.access_token)).toEqual({ active: false });
  });

  it('is answered with an error and iss by redirect when it forgets PKCE', async () => {
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: 'http://127.0.0.1:1/callback',
      scope: scopeOf('STRICT4'),
      state: 'xyz',
    });
    const browser = createBrowser();
    browser.stopAt('http://127.0.0.1:1/callback');
    const page = await browser.open(url.href);
    expect(page.stopped).toBe(true);
    await expect(
      client.authorizationCodeGrant(config, new URL(page.url), { expectedState: 'xyz' }),
    ).rejects.toMatchObject({ error: 'invalid_request' });
  });

  it('refreshes, and its ID token stays the same person', async () => {
    const tokens = await login('STRICT5');
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(next.access_token).not.toBe(tokens.access_token);
    expect(next.refresh_token).not.toBe(tokens.refresh_token);
    expect(next.claims()?.sub ?? tokens.claims()?.sub).toBe(tokens.claims()?.sub);
    expect(await gatehouse.introspect(next.access_token)).toMatchObject({ active: true });
  });

  it('revokes', async () => {
    const tokens = await login('STRICT6');
    await client.tokenRevocation(config, tokens.refresh_token ?? '');
    expect(await gatehouse.introspect(tokens.access_token)).toEqual({ active: false });
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    await client.tokenRevocation(config, 'never issued');
  });

  it('may not introspect: it is a public client', async () => {
    const tokens = await login('STRICT7');
    await expect(client.tokenIntrospection(config, tokens.access_token)).rejects.toThrow();
    const direct = await fetch(`${gatehouse.url}oauth2/introspect`, {
      method: 'POST',
      body: new URLSearchParams({
        token: tokens.access_token,
        client_id: config.clientMetadata().client_id,
      }),
    });
    expect(direct.status).toBe(401);
    expect(await direct.json()).not.toHaveProperty('active');
  });

  it.each(['/', '/auth/', '/deep/down/'])('signs in at an issuer with the path %s', async (path) => {
    await using elsewhere = await startGatehouse({ path });
    const redirectUri = 'http://127.0.0.1:49152/callback';
    for (const algorithm of ['oidc', 'oauth2'] as const) {
      const there = await client.dynamicClientRegistration(new URL(elsewhere.url), native, client.None(), {
        ...insecure,
        algorithm,
      });
      const pkceCodeVerifier = client.randomPKCECodeVerifier();
      const url = client.buildAuthorizationUrl(there, {
        redirect_uri: redirectUri,
        scope: scopeOf('ELSEWHERE'),
        code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
        state: 's',
      });
      const landed = await signIn(createBrowser(), url.href, redirectUri);
      const tokens = await client.authorizationCodeGrant(there, new URL(landed.url), {
        pkceCodeVerifier,
        expectedState: 's',
      });
      expect(tokens.claims()?.iss).toBe(elsewhere.url);
      expect(await elsewhere.introspect(tokens.access_token)).toMatchObject({ active: true });
    }
  });
});
