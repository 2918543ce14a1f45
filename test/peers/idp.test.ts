import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowser } from '../support/browser.ts';
import { startIdp, type Idp } from './idp.ts';

const redirectUri = 'http://127.0.0.1:9/callback';

async function signIn(idp: Idp, browser = createBrowser(), login = 'alice') {
  const config = await client.discovery(new URL(idp.issuer), idp.clientId, idp.clientSecret, undefined, {
    execute: [client.allowInsecureRequests],
  });
  const verifier = client.randomPKCECodeVerifier();
  const nonce = client.randomNonce();
  const state = client.randomState();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce,
    state,
  });
  browser.stopAt(redirectUri);
  let page = await browser.open(url.href);
  const asked = !page.stopped;
  if (asked) page = await browser.submit({ button: 'Sign in', fields: { login } });
  const tokens = await client.authorizationCodeGrant(config, new URL(page.url), {
    pkceCodeVerifier: verifier,
    expectedNonce: nonce,
    expectedState: state,
  });
  const claims = tokens.claims();
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '');
  return { asked, page, claims, userinfo };
}

describe('the test identity provider', () => {
  let idp: Idp;
  beforeAll(async () => {
    idp = await startIdp({ redirectUris: [redirectUri] });
  });
  afterAll(() => idp.close());

  it('signs a person in with one form, silently the second time, and sends iss', async () => {
    const browser = createBrowser();
    const first = await signIn(idp, browser);
    expect(first.asked).toBe(true);
    expect(new URL(first.page.url).searchParams.get('iss')).toBe(idp.issuer);
    expect(first.claims).toMatchObject({ sub: 'sub-of-alice' });
    expect(first.claims).not.toHaveProperty('preferred_username');
    expect(first.userinfo).toMatchObject({
      preferred_username: 'alice',
      email: 'alice@example.org',
      groups: ['matrix-users', 'staff'],
    });
    expect((await signIn(idp, browser)).asked).toBe(false);
    idp.forgetSessions();
    expect((await signIn(idp, browser, 'bob')).claims).toMatchObject({ sub: 'sub-of-bob' });
  });

  it('answers access_denied when the person cancels', async () => {
    const browser = createBrowser();
    browser.stopAt(redirectUri);
    const query = new URLSearchParams({
      client_id: idp.clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid',
      state: 's',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    });
    await browser.open(`${idp.issuer}/auth?${query.toString()}`);
    const page = await browser.submit({ button: 'Cancel' });
    expect(new URL(page.url).searchParams.get('error')).toBe('access_denied');
  });

  it('rotates its keys', async () => {
    const keys = async () =>
      ((await (await fetch(`${idp.issuer}/jwks`)).json()) as { keys: { kid: string }[] }).keys.map(
        ({ kid }) => kid,
      );
    const before = await keys();
    await idp.rotateKeys();
    expect(await keys()).toHaveLength(before.length + 1);
    await idp.rotateKeys({ forgetOld: true });
    expect(await keys()).toHaveLength(1);
    await expect(signIn(idp)).resolves.toMatchObject({ asked: true });
  });

  it('lies about its issuer, its nonce and its token endpoint when told to', async () => {
    idp.faults.discoveryIssuer = 'http://127.0.0.1:1/';
    await expect(signIn(idp)).rejects.toThrow();
    idp.faults.discoveryIssuer = undefined;
    idp.faults.nonce = 'another';
    await expect(signIn(idp)).rejects.toThrow();
    idp.faults.nonce = undefined;
    idp.faults.tokenStatus = 500;
    await expect(signIn(idp)).rejects.toThrow();
    idp.faults.tokenStatus = undefined;
    idp.faults.html503 = true;
    expect((await fetch(idp.issuer)).status).toBe(503);
    idp.faults.html503 = false;
    idp.faults.callback = (url) => {
      url.searchParams.set('iss', 'http://127.0.0.1:1/');
      return url;
    };
    await expect(signIn(idp)).rejects.toThrow();
    idp.faults.callback = undefined;
    await expect(signIn(idp)).resolves.toBeDefined();
  });

  it('refuses connections while it is down and answers on the same port afterwards', async () => {
    await idp.goDown();
    await expect(fetch(`${idp.issuer}/jwks`)).rejects.toThrow();
    await idp.comeBack();
    expect((await fetch(`${idp.issuer}/jwks`)).status).toBe(200);
  });
});
