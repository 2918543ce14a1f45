/** Pages as a person meets them by accident: the public URL, addresses that lead nowhere, links to what is gone. Black box, behind a real IdP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser, type Browser } from '../support/browser.ts';
import { API_SCOPE, DEVICE_SCOPE, registerTestClient } from '../support/oauth-client.ts';

let gatehouse: Gatehouse;
beforeAll(async () => {
  gatehouse = await startGatehouse({ validateResponses: true, path: '/gate/' });
});
afterAll(() => gatehouse[Symbol.asyncDispose]());

const url = (path: string): string => gatehouse.url + path;
const html = { headers: { accept: 'text/html' }, redirect: 'manual' } as const;
async function signedIn(browser: Browser, at = 'account'): Promise<Browser> {
  await browser.open(url(at));
  await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
  return browser;
}

describe('the public URL', () => {
  it.each(['', 'with a query?x=1'])('leads to the account page %s', async (more) => {
    const answer = await fetch(url(more.replace('with a query', '')), html);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, url('account')]);
  });

  it('does so without its last slash, for reading only', async () => {
    expect((await fetch(gatehouse.url.slice(0, -1), html)).status).toBe(303);
    expect((await fetch(gatehouse.url, { ...html, method: 'POST' })).status).toBe(404);
    expect((await fetch(new URL('/', gatehouse.url), html)).status).toBe(404);
  });

  it('says what it is where nobody has an account', async () => {
    await using other = await startGatehouse({
      env: { GATEHOUSE__OAUTH_API: 'false', GATEHOUSE__LEGACY_LOGIN__SSO: 'false' },
    });
    const answer = await fetch(other.url, html);
    expect([answer.status, answer.headers.get('content-language')]).toEqual([200, 'en']);
    expect(await answer.text()).toContain('<bdi>example.org</bdi>');
  });
});

describe('an address that leads nowhere', () => {
  it.each([
    '_matrix',
    '_matrix/',
    '_matrix/client/v9/x',
    '_matrixx/client',
    'x/_matrix/client/versions',
    '_MATRIX/client',
    '%5Fmatrix/client',
    '_synapse/client/x',
  ])('can be read by a page of the web if it looks like Matrix: %s', async (path) => {
    const answer = await fetch(url(path));
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([404, '*']);
    expect(await answer.json()).toMatchObject({ errcode: 'M_UNRECOGNIZED' });
    expect((await fetch(url(path), { method: 'OPTIONS' })).status).toBe(204);
  });

  it.each(['nothing', 'account/nothing', 'consent', 'matrix', 'x_matrix'])(
    'has a way on for a person: %s',
    async (path) => {
      const answer = await fetch(url(path), html);
      const body = await answer.text();
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([404, null]);
      expect(body).toContain('This page does not exist');
      expect(body).toContain(`<a href="${gatehouse.url}">Go to the start page</a>`);
    },
  );
});

describe('the account page', () => {
  it.each([
    'account?action=org.matrix.device_view&device_id=GONE',
    'account?action=org.matrix.device_delete&device_id=GONE',
    `account/sessions/${'0'.repeat(26)}`,
    `account/sessions/${'0'.repeat(26)}/end`,
  ])('leads from a device that is gone back to the list: %s', async (path) => {
    const browser = await signedIn(createBrowser());
    const page = await browser.open(url(path));
    expect(page.status).toBe(404);
    expect((await browser.follow('See where you are signed in')).title).toBe('Your account');
  });

  it.each([
    'account?action=org.matrix.cross_signing_reset',
    'account?action=fly',
    'account?action=org.matrix.device_view',
    'account?action=org.matrix.device_delete&device_id=',
    'account?action=__proto__',
  ])('says that it does not have an action: %s', async (path) => {
    const browser = await signedIn(createBrowser(), path);
    expect(browser.page.title).toBe('Your account');
    expect(browser.page.body).toContain('does not offer');
    expect((await browser.open(url(path))).body).toContain('does not offer');
  });

  it.each(['account', 'account?action=org.matrix.profile', 'account?other=1', 'account?action='])(
    'says nothing of the kind of %s',
    async (path) => {
      const browser = await signedIn(createBrowser(), path);
      expect(browser.page.body).not.toContain('does not offer');
    },
  );

  it('is not shut out by other cookies of the same name', async () => {
    const browser = await signedIn(createBrowser());
    const [[name, value] = ['', '']] = Object.entries(browser.cookies(url('account'))).filter(([key]) =>
      key.endsWith('gatehouse-account'),
    );
    const stale = value.replace(/.{6}$/, 'AAAAAA');
    for (const before of [[stale], ['x'], [''], [stale, 'x', ''], ['"'], [value]]) {
      const cookie = [...before, value].map((each) => `${name}=${each}`).join('; ');
      const answer = await fetch(url('account'), { ...html, headers: { ...html.headers, cookie } });
      expect([before, answer.status]).toEqual([before, 200]);
    }
    const none = await fetch(url('account'), {
      ...html,
      headers: { ...html.headers, cookie: `${name}=${stale}` },
    });
    expect(none.status).toBe(303);
  });
});

describe('an error of the provider without state', () => {
  it.each([
    ['error=access_denied&error_description=Account+disabled', 'access_denied'],
    ['error=invalid_request&error_description=Invalid+redirect_uri', 'invalid_request'],
    ['error=server_error', 'server_error'],
    ['error=%3Cscript%3E', 'unknown_error'],
    ['error=Call+0800+12345', 'unknown_error'],
    ['error=', 'unknown_error'],
  ])('is shown as what it is: %s', async (query, code) => {
    const answer = await fetch(url(`upstream/main/callback?${query}`), html);
    const body = await answer.text();
    expect(answer.status).toBe(400);
    expect(body).toContain('The identity provider reported an error');
    expect(body).toContain(`<bdi>${code}</bdi>`);
    expect(body).not.toMatch(/too old|disabled|0800/);
  });

  it.each(['code=x', 'state=x&error=access_denied', ''])('is nothing else: %s', async (query) => {
    const answer = await fetch(url(`upstream/main/callback?${query}`), html);
    expect(await answer.text()).toContain('is too old');
  });
});

describe('the website of an app', () => {
  it.each([
    [['https://app.example.com/cb'], false],
    [['https://app.example.com/cb', 'https://sub.app.example.com/cb'], false],
    [['http://127.0.0.1/cb'], true],
    [['com.example.app:/cb'], true],
    [['https://app.example.com/cb', 'com.example.app:/cb'], true],
    [['http://127.0.0.1/cb', 'https://app.example.com/cb'], true],
  ])('is called unverified unless all answers go there: %s', async (redirectUris, isUnverified) => {
    const [redirectUri = ''] = redirectUris;
    const client = await registerTestClient(gatehouse, {
      client_uri: 'https://app.example.com/',
      application_type: 'native',
      redirect_uris: redirectUris,
    });
    const scope = `${API_SCOPE} openid ${DEVICE_SCOPE}ONE${String(isUnverified)}`;
    const browser = createBrowser();
    await browser.open(client.authorizeUrl({ redirect_uri: redirectUri, scope }));
    const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    expect(page.title).toBe('Allow this sign-in?');
    expect(page.body.includes('unverified')).toBe(isUnverified);
    expect(page.body).toContain('Reading and sending messages as you');
    expect(page.body).toContain('Your Matrix user ID and name');
  });
});
