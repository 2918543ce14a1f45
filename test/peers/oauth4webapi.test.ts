import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowser } from '../support/browser.ts';
import { type Gatehouse, signIn, startGatehouse } from './gatehouse.ts';

const redirectUri = 'https://strict.example.com/callback';
/** The one departure from its defaults: http, on loopback. */
const insecure = { [oauth.allowInsecureRequests]: true };
const scopeOf = (deviceId: string): string =>
  `openid urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`;

function secretOf({ client_secret: secret }: oauth.Client): string {
  if (typeof secret !== 'string') throw new Error('the client has no secret');
  return secret;
}

describe('oauth4webapi, in its strict defaults,', () => {
  let gatehouse: Gatehouse;
  let server: oauth.AuthorizationServer;
  let keys: oauth.CryptoKeyPair;

  beforeAll(async () => {
    keys = await oauth.generateKeyPair('ES256', { extractable: true });
    const jwks = { keys: [await crypto.subtle.exportKey('jwk', keys.publicKey)] };
    gatehouse = await startGatehouse({
      yaml: `clients:
  - { client_id: keyed, jwks: '${JSON.stringify(jwks)}', token_endpoint_auth_method: private_key_jwt, redirect_uris: ["${redirectUri}"], grant_types: [authorization_code, refresh_token, client_credentials], scopes: ["urn:example:a"] }
`,
    });
    const issuer = new URL(gatehouse.url);
    for (const algorithm of ['oidc', 'oauth2'] as const) {
      const response = await oauth.discoveryRequest(issuer, { algorithm, ...insecure });
      server = await oauth.processDiscoveryResponse(issuer, response);
    }
  });
  afterAll(() => gatehouse[Symbol.asyncDispose]());

  const register = async (metadata: Partial<oauth.Client>): Promise<oauth.Client> =>
    oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(
        server,
        { client_uri: 'https://strict.example.com/', redirect_uris: [redirectUri], ...metadata },
        insecure,
      ),
    );

  /** Every flow of a client that authenticates so. */
  async function wholeWay(client: oauth.Client, auth: oauth.ClientAuth, deviceId: string): Promise<void> {
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const nonce = oauth.generateRandomNonce();
    const parameters = {
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: scopeOf(deviceId),
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      max_age: '3600',
    };
    const pushed = await oauth.processPushedAuthorizationResponse(
      server,
      client,
      await oauth.pushedAuthorizationRequest(server, client, auth, parameters, insecure),
    );
    const url = new URL(server.authorization_endpoint ?? '');
    url.searchParams.set('client_id', client.client_id);
    url.searchParams.set('request_uri', pushed.request_uri);
    const landed = await signIn(createBrowser(), url.href, redirectUri);
    const callback = oauth.validateAuthResponse(server, client, new URL(landed.url), state);
    const granted = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      auth,
      callback,
      redirectUri,
      verifier,
      insecure,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, granted, {
      expectedNonce: nonce,
      maxAge: 3600,
      requireIdToken: true,
    });
    await oauth.validateApplicationLevelSignature(server, granted, insecure);
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    const userinfo = await oauth.processUserInfoResponse(
      server,
      client,
      claims?.sub ?? '',
      await oauth.userInfoRequest(server, client, tokens.access_token, insecure),
    );
    expect(userinfo['preferred_username']).toBe('alice');
    const refreshed = await oauth.processRefreshTokenResponse(
      server,
      client,
      await oauth.refreshTokenGrantRequest(server, client, auth, tokens.refresh_token ?? '', insecure),
    );
    if (client.token_endpoint_auth_method !== 'none') {
      const seen = await oauth.processIntrospectionResponse(
        server,
        client,
        await oauth.introspectionRequest(server, client, auth, refreshed.access_token, insecure),
      );
      expect(seen).toMatchObject({ active: true, username: 'alice', device_id: deviceId });
    }
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, auth, refreshed.access_token, insecure),
    );
    expect(await gatehouse.introspect(refreshed.access_token)).toEqual({ active: false });
  }

  it('goes the whole way as a public client', async () => {
    await wholeWay(await register({ token_endpoint_auth_method: 'none' }), oauth.None(), 'WEB1');
  });

  it('goes the whole way with a secret, in the header and in the form', async () => {
    const basic = await register({});
    expect(basic.token_endpoint_auth_method).toBe('client_secret_basic');
    await wholeWay(basic, oauth.ClientSecretBasic(secretOf(basic)), 'WEB2');
    const post = await register({ token_endpoint_auth_method: 'client_secret_post' });
    await wholeWay(post, oauth.ClientSecretPost(secretOf(post)), 'WEB3');
  });

  it('goes the whole way with a key, and gets a token of its own', async () => {
    const client = { client_id: 'keyed', token_endpoint_auth_method: 'private_key_jwt' };
    const auth = oauth.PrivateKeyJwt(keys.privateKey);
    await wholeWay(client, auth, 'WEB4');
    const own = await oauth.processClientCredentialsResponse(
      server,
      client,
      await oauth.clientCredentialsGrantRequest(server, client, auth, { scope: 'urn:example:a' }, insecure),
    );
    expect(own).toMatchObject({ token_type: 'bearer', scope: 'urn:example:a' });
  });

  it('understands refusals', async () => {
    const client = await register({});
    const wrong = await oauth.refreshTokenGrantRequest(
      server,
      client,
      oauth.ClientSecretBasic('wrong'),
      'x',
      insecure,
    );
    await expect(oauth.processRefreshTokenResponse(server, client, wrong)).rejects.toBeInstanceOf(
      oauth.WWWAuthenticateChallengeError,
    );
    const info = await oauth.userInfoRequest(server, client, 'garbage', insecure);
    await expect(oauth.processUserInfoResponse(server, client, 'x', info)).rejects.toBeInstanceOf(
      oauth.WWWAuthenticateChallengeError,
    );
  });
});
