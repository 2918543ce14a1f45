/** Logins through a real provider (node-oidc-provider). */
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../src/protocol/clock.ts';
import { Unavailable } from '../../../src/protocol/unavailable.ts';
import { createProvider, type Provider } from '../../../src/upstream/provider.ts';
import { UpstreamRefusal } from '../../../src/upstream/login/refusal.ts';
import type { ProviderSettings } from '../../../src/upstream/settings.ts';
import { startIdp, type Idp } from '../../peers/idp.ts';
import { createBrowser } from '../../support/browser.ts';
import { testLog } from '../support/log.ts';
import { memoryStore } from '../support/memory-store.ts';

const redirectUri = 'http://127.0.0.1:9/upstream/main/callback';
const input = {
  redirectUri,
  state: 'state-of-this-login',
  nonce: 'nonce-of-this-login',
  codeVerifier: 'v'.repeat(64),
};

let idp: Idp;
const providers: Provider[] = [];
beforeAll(async () => {
  idp = await startIdp({ redirectUris: [redirectUri] });
});
afterAll(async () => {
  for (const provider of providers) await provider.close();
  await idp.close();
});
beforeEach(() => {
  Object.assign(idp.faults, {
    delayMs: 0,
    html503: false,
    nonce: undefined,
    tokenStatus: undefined,
    tokenResponse: undefined,
    userinfo: undefined,
    callback: undefined,
  });
  idp.requests.clear();
});

function connect(settings: Partial<ProviderSettings> = {}): Provider {
  const provider = createProvider({
    settings: {
      id: 'main',
      preset: 'oidc-provider',
      issuer: idp.issuer,
      client_id: idp.clientId,
      client_secret: idp.clientSecret,
      ...settings,
    },
    clock: systemClock,
    random: systemRandom,
    log: testLog(),
    documents: memoryStore(),
  });
  providers.push(provider);
  return provider;
}

/** Walks a browser through the IdP and returns where it came back. */
async function walk(
  provider: Provider,
  more: { prompt?: string; maxAgeSeconds?: number; loginHint?: string } = {},
  button = 'Sign in',
): Promise<URLSearchParams> {
  const browser = createBrowser();
  browser.stopAt(redirectUri);
  const url = await provider.authorizationUrl({ ...input, ...more });
  let page = await browser.open(url.href);
  if (!page.stopped) page = await browser.submit({ button, fields: { login: 'alice' } });
  return new URL(page.url).searchParams;
}

const finish = (
  provider: Provider,
  parameters: URLSearchParams,
  more: Partial<Parameters<Provider['finishLogin']>[0]> = {},
) =>
  provider.finishLogin({
    parameters,
    redirectUri,
    expectedState: input.state,
    nonce: input.nonce,
    codeVerifier: input.codeVerifier,
    ...more,
  });

async function refusalOf(promise: Promise<unknown>): Promise<UpstreamRefusal> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UpstreamRefusal);
  return error as UpstreamRefusal;
}

describe('a login through a real provider', () => {
  it('ends with who it is: ID token and userinfo merged', async () => {
    const provider = connect();
    const before = Date.now();
    const identity = await finish(provider, await walk(provider, { maxAgeSeconds: 600 }), {
      maxAgeSeconds: 600,
    });
    expect(identity).toMatchObject({
      issuer: idp.issuer,
      subject: 'sub-of-alice',
      claims: { preferred_username: 'alice', email: 'alice@example.org', aud: idp.clientId },
    });
    expect(identity.authenticatedAt).toBeGreaterThan(before - 5000);
    expect(idp.requests.get('/.well-known/openid-configuration')).toBe(1);
    expect(idp.requests.get('/jwks')).toBe(1);
  });

  it('twenty logins ask for the documents once', async () => {
    const provider = connect();
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        expect((await finish(provider, await walk(provider))).subject).toBe('sub-of-alice');
      }),
    );
    expect(idp.requests.get('/.well-known/openid-configuration')).toBe(1);
    expect(idp.requests.get('/jwks')).toBe(1);
  });

  it('asks for code, S256, state, nonce and the configured scopes, and passes on what the client asked for', async () => {
    const provider = connect({
      scopes: ['openid', 'email'],
      authorization_parameters: { hd: 'example.org', state: 'evil' },
    });
    const url = await provider.authorizationUrl({
      ...input,
      prompt: 'login',
      maxAgeSeconds: 0,
      loginHint: 'alice',
      acrValues: 'a b',
    });
    expect(url.origin + url.pathname).toBe(`${idp.issuer}/auth`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: idp.clientId,
      redirect_uri: redirectUri,
      scope: 'openid email',
      state: input.state,
      nonce: input.nonce,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge_method: 'S256',
      prompt: 'login',
      max_age: '0',
      login_hint: 'alice',
      acr_values: 'a b',
      hd: 'example.org',
    });
  });

  it('by client_secret_post, and by private_key_jwt', async () => {
    const post = await startIdp({ redirectUris: [redirectUri], clientAuthMethod: 'client_secret_post' });
    try {
      const provider = createProvider({
        settings: {
          id: 'main',
          issuer: post.issuer,
          client_id: post.clientId,
          client_secret: post.clientSecret,
          token_endpoint_auth_method: 'client_secret_post',
        },
        clock: systemClock,
        random: systemRandom,
        log: testLog(),
      });
      providers.push(provider);
      expect((await finish(provider, await walk(provider))).subject).toBe('sub-of-alice');
    } finally {
      await post.close();
    }
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const provider = connect({
      client_secret: undefined,
      client_private_key: JSON.stringify({ ...(await exportJWK(privateKey)), kid: 'k', alg: 'ES256' }),
    });
    // This client is registered for a secret: the provider names what it does not like about the assertion.
    expect((await refusalOf(finish(provider, await walk(provider)))).kind).toBe('client');
  });

  it('a wrong secret is our fault, said so', async () => {
    const provider = connect({ client_secret: 'wrong-secret-canary' });
    const refusal = await refusalOf(finish(provider, await walk(provider)));
    expect(refusal).toMatchObject({ kind: 'client', idpError: 'invalid_client' });
    expect(JSON.stringify(refusal) + String(refusal.stack)).not.toContain('canary');
  });

  it('the person cancels: denied', async () => {
    const provider = connect();
    const parameters = await walk(provider, {}, 'Cancel');
    const refusal = await refusalOf(finish(provider, parameters));
    expect(refusal).toMatchObject({ kind: 'denied', idpError: 'access_denied' });
  });

  it('prompt=none without a session there: login_required', async () => {
    const provider = connect();
    const parameters = await walk(provider, { prompt: 'none' });
    expect((await refusalOf(finish(provider, parameters))).kind).toBe('login_required');
  });

  it('a code counts once, and only with our verifier', async () => {
    const provider = connect();
    const first = await walk(provider);
    expect((await refusalOf(finish(provider, first, { codeVerifier: 'w'.repeat(64) }))).kind).toBe('code');
    const second = await walk(provider);
    await finish(provider, second);
    expect((await refusalOf(finish(provider, second))).kind).toBe('code');
  });

  it('a foreign nonce is refused', async () => {
    const provider = connect();
    idp.faults.nonce = 'another-nonce';
    const refusal = await refusalOf(finish(provider, await walk(provider)));
    expect(refusal.kind).toBe('id_token');
    expect(refusal.reason).toMatch(/nonce/);
  });

  it('userinfo about somebody else is refused', async () => {
    const provider = connect();
    idp.faults.userinfo = (body) => ({ ...body, sub: 'sub-of-bob' });
    expect((await refusalOf(finish(provider, await walk(provider)))).kind).toBe('userinfo');
  });

  it.each([500, 502, 503, 429])(
    'the token endpoint answers %d: Unavailable, and the code is sent once',
    async (status) => {
      const provider = connect();
      const parameters = await walk(provider);
      idp.faults.tokenStatus = status;
      await expect(finish(provider, parameters)).rejects.toThrow(Unavailable);
      expect(idp.requests.get('/token')).toBe(1);
    },
  );

  it('the IdP answers pages instead of JSON, or too late: Unavailable', async () => {
    const provider = connect({ timeout_seconds: 0.3 });
    const first = await walk(provider);
    idp.faults.html503 = true;
    await expect(finish(provider, first)).rejects.toThrow(Unavailable);
    idp.faults.html503 = false;
    const second = await walk(provider);
    idp.faults.delayMs = 600;
    await expect(finish(provider, second)).rejects.toMatchObject({
      name: 'Unavailable',
      cause: { message: expect.stringMatching(/within 300 ms/) as string },
    });
  });

  it('keys rotate under a running login: the new one is found', async () => {
    const provider = connect();
    await finish(provider, await walk(provider));
    const keys = idp.requests.get('/jwks');
    await idp.rotateKeys();
    // Within the cool-down of the first fetch nobody asks again: a retry is what is offered.
    await expect(finish(provider, await walk(provider))).rejects.toThrow(Unavailable);
    expect(idp.requests.get('/jwks')).toBe(keys);
    const restarted = connect();
    expect((await finish(restarted, await walk(restarted))).subject).toBe('sub-of-alice');
  });

  it('a restart while the IdP is down still sends browsers there', async () => {
    const documents = memoryStore();
    const options = { clock: systemClock, random: systemRandom, log: testLog(), documents };
    const settings = {
      id: 'main',
      issuer: idp.issuer,
      client_id: idp.clientId,
      client_secret: idp.clientSecret,
    };
    const first = createProvider({ settings, ...options });
    providers.push(first);
    await first.refresh();
    await idp.goDown();
    try {
      const second = createProvider({ settings, ...options });
      providers.push(second);
      second.start();
      expect((await second.authorizationUrl(input)).href).toContain(`${idp.issuer}/auth`);
      expect(second.state().metadata).not.toBe('none');
    } finally {
      await idp.comeBack();
    }
  });
});
