/** A fault that trying again cannot cure does not say that it can: the person is given something to tell the administrator. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import type { Idp, IdpFaults } from '../peers/idp.ts';
import { createBrowser, type Page } from '../support/browser.ts';
import { registerTestClient } from '../support/oauth-client.ts';

async function tryToSignIn(gatehouse: Gatehouse): Promise<Page> {
  const client = await registerTestClient(gatehouse);
  const browser = createBrowser();
  browser.stopAt(client.redirectUri);
  const page = await browser.open(client.authorizeUrl());
  if (!page.title.includes('test IdP')) return page;
  return browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
}

function expectNoHope(page: Page): void {
  expect(page.text).toMatch(/trying again does not change that\. Please tell your administrator/);
  expect(page.text).toMatch(/Reference: \S+/);
  expect(page.text).not.toMatch(/try again|in a moment/i);
  expect(page.text).not.toMatch(/not available, try/);
}

describe('before the person is at the provider', () => {
  it.each<[string, (idp: Idp) => void, Record<string, string>]>([
    ['states another issuer', ({ faults }) => (faults.discoveryIssuer = 'https://idp.example.com'), {}],
    ['has no token endpoint', ({ faults }) => (faults.discovery = without('token_endpoint')), {}],
    [
      'has a list that is text',
      ({ faults }) => (faults.discovery = (all) => ({ ...all, scopes_supported: 'x' })),
      {},
    ],
    [
      'has no metadata',
      () => undefined,
      { GATEHOUSE__PROVIDERS__0__DISCOVERY__URL: 'http://127.0.0.1:PORT/nothing' },
    ],
    [
      'must be asked with https',
      () => undefined,
      { GATEHOUSE__PROVIDERS__0__DISCOVERY__URL: 'https://127.0.0.1:PORT/' },
    ],
    [
      'has a set of rules that only the operator can change',
      ({ faults }) => (faults.discovery = without('revocation_endpoint')),
      { GATEHOUSE__MODE: 'passthrough', GATEHOUSE__LEGACY_LOGIN__SSO: 'true' },
    ],
  ])('where it %s', async (_what, beforeStart, env) => {
    const settings = (idp: Idp): void => {
      beforeStart(idp);
      for (const [name, value] of Object.entries(env)) env[name] = value.replace('PORT', String(idp.port));
    };
    await using gatehouse = await startGatehouse({ beforeStart: settings, env });
    const page =
      env['GATEHOUSE__MODE'] === undefined
        ? await tryToSignIn(gatehouse)
        : await createBrowser().open(
            `${gatehouse.url}_matrix/client/v3/login/sso/redirect?redirectUrl=https%3A%2F%2Fapp.example.org%2F`,
          );
    expect(page.status).toBe(503);
    expectNoHope(page);
  });

  it('an outage says that it may pass', async () => {
    await using gatehouse = await startGatehouse({ beforeStart: ({ faults }) => (faults.html503 = true) });
    const page = await tryToSignIn(gatehouse);
    expect(page.status).toBe(503);
    expect(page.text).toContain('please try again in a moment');
  });
});

describe('when the person comes back', () => {
  let gatehouse: Gatehouse;
  let intact: IdpFaults;
  beforeAll(async () => {
    gatehouse = await startGatehouse();
    intact = { ...gatehouse.idp.faults };
  });
  afterEach(() => {
    Object.assign(gatehouse.idp.faults, intact);
  });
  afterAll(() => gatehouse[Symbol.asyncDispose]());

  it.each<[string, Partial<IdpFaults>, number]>([
    ['no ID token', { tokenResponse: without('id_token') }, 403],
    ['no access token', { tokenResponse: without('access_token') }, 403],
    ['userinfo of somebody else', { userinfo: (all) => ({ ...all, sub: 'somebody-else' }) }, 403],
    ['another nonce', { nonce: 'other' }, 403],
    ['the token endpoint is not there', { tokenStatus: 404 }, 503],
    ['the token endpoint is elsewhere', { tokenStatus: 405 }, 503],
  ])('with %s', async (_what, faults, status) => {
    Object.assign(gatehouse.idp.faults, faults);
    const page = await tryToSignIn(gatehouse);
    expect(page.status).toBe(status);
    expectNoHope(page);
  });

  it.each<[string, Partial<IdpFaults>]>([
    ['answers 500', { tokenStatus: 500 }],
    ['answers 429', { tokenStatus: 429 }],
    ['answers 503', { tokenStatus: 503 }],
  ])('a token endpoint that %s may be well again soon', async (_what, faults) => {
    Object.assign(gatehouse.idp.faults, faults);
    const page = await tryToSignIn(gatehouse);
    expect(page.status).toBe(503);
    expect(page.text).toContain('please try again in a moment');
  });

  it('a code that is not taken may be taken next time', async () => {
    gatehouse.idp.faults.callback = (url) => {
      url.searchParams.set('code', 'nobody-gave-this-out');
      return url;
    };
    const page = await tryToSignIn(gatehouse);
    expect(page.status).toBe(403);
    expect(page.text).toContain('Please try again, or ask your administrator');
  });
});

function without(member: string): (object: Record<string, unknown>) => unknown {
  return (object) => Object.fromEntries(Object.entries(object).filter(([name]) => name !== member));
}
