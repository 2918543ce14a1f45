/** A provider that has the browser post its answer, from a site of its own, so that no cookie of ours comes along. Behind a real IdP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser, type Browser } from '../support/browser.ts';
import { ask, registerTestClient, type TestClient } from '../support/oauth-client.ts';

let gatehouse: Gatehouse;
let client: TestClient;
beforeAll(async () => {
  gatehouse = await startGatehouse({ env: { GATEHOUSE__PROVIDERS__0__RESPONSE_MODE: 'form_post' } });
  client = await registerTestClient(gatehouse);
});
afterAll(async () => {
  await gatehouse[Symbol.asyncDispose]();
});

const callback = (): string => `${gatehouse.url}upstream/main/callback`;

function post(fields: Record<string, string>, url = callback()): ReturnType<typeof ask> {
  return ask(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { accept: 'text/html', origin: 'https://idp.example.com', 'sec-fetch-site': 'cross-site' },
    body: new URLSearchParams(fields),
  });
}

/** A browser that has signed in at the IdP, and is shown the form that it is about to post. */
async function beforePost(): Promise<Browser> {
  const browser = createBrowser();
  browser.stopAt(client.redirectUri);
  await browser.open(client.authorizeUrl());
  await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
  return browser;
}

describe('an answer that is posted', () => {
  test('signs in, once', async () => {
    const browser = await beforePost();
    const form = browser.page;
    expect(form.url.startsWith(gatehouse.idp.issuer)).toBe(true);
    const consent = await browser.submit();
    const landed = consent.visited.map((url) => url.split('?')[0]);
    expect(landed.slice(0, 2)).toEqual([callback(), callback()]);
    const query = new URL(consent.visited[1] ?? '').searchParams;
    expect([...query.keys()].toSorted()).toEqual(['code', 'iss', 'state']);
    const done = await browser.submit({ button: 'Allow' });
    expect(new URL(done.url).searchParams.get('code')).toMatch(/^gac_/);
    const again = await browser.submit({}, form);
    expect(again.status).toBe(400);
  });

  test('does not sign in another browser', async () => {
    const browser = await beforePost();
    const form = browser.page;
    browser.clearCookies();
    expect((await browser.submit({}, form)).status).toBe(400);
  });

  test.each<[name: string, fields: Record<string, string>, kept: Record<string, string>]>([
    ['code and state', { state: 's', code: 'c' }, { state: 's', code: 'c' }],
    ['the issuer', { state: 's', code: 'c', iss: 'https://a' }, { state: 's', code: 'c', iss: 'https://a' }],
    ['an ID token', { state: 's', code: 'c', id_token: 'e.y.J' }, { state: 's', code: 'c' }],
    ["a person's name", { state: 's', code: 'c', user: '{"email":"a@b"}' }, { state: 's', code: 'c' }],
    [
      'an error',
      { state: 's', error: 'access_denied', error_description: 'a & b' },
      { state: 's', error: 'access_denied', error_description: 'a & b' },
    ],
    ['nothing', {}, {}],
    ['what would lead elsewhere', { state: 's', redirect_uri: 'https://evil' }, { state: 's' }],
  ])('with %s leads to the callback with what sign-in uses', async (_name, fields, kept) => {
    const answer = await post(fields);
    expect(answer.status).toBe(303);
    expect(answer.headers.get('cache-control')).toContain('no-store');
    expect(answer.headers.getSetCookie()).toEqual([]);
    const location = new URL(answer.headers.get('location') ?? '');
    expect(location.origin + location.pathname).toBe(callback());
    expect(Object.fromEntries(location.searchParams)).toEqual(kept);
  });

  test('is refused for a provider that nobody knows, or given twice', async () => {
    expect((await post({ state: 's' }, callback().replace('main', 'other'))).status).toBe(400);
    const twice = await ask(callback(), {
      method: 'POST',
      redirect: 'manual',
      headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
      body: 'state=a&state=b',
    });
    expect(twice.status).toBe(400);
  });
});

test('a post is refused where the answer is to come in the query', async () => {
  await using ordinary = await startGatehouse({});
  const answer = await post({ state: 's', code: 'c' }, `${ordinary.url}upstream/main/callback`);
  expect(answer.status).toBe(400);
});
