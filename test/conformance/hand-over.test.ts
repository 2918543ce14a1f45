/** The way from the browser to an app that may not open: a page stays, and works for as long as the answer counts. Black box, behind a real IdP. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/protocol/clock.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { API_SCOPE, ask, DEVICE_SCOPE, type TestClient, testClient } from '../support/oauth-client.ts';
import { logInWith, ssoUrl } from '../support/sso.ts';

const SCHEME = 'org.example.app:/cb';
const LINK = 'https://links.example.com/open/cb';

forEachEngine((engine) => {
  let offset = 0;
  const clock: Clock = {
    now: () => systemClock.now() + offset,
    monotonic: () => systemClock.monotonic() + offset,
  };
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    gatehouse = await startGatehouse({
      validateResponses: true,
      clock,
      env: await databaseOf(engine),
      yaml: `hand_over: { lifetime_seconds: 120, app_links: ["https://links.example.com/open/"] }
legacy_login: { trusted_redirects: ["im.trusted://login", "http://localhost:7000/login"] }
clients:
  - { client_id: local, redirect_uris: ["http://127.0.0.1/cb", "http://localhost/cb", "http://[::1]/cb", "http://127.0.0.1/?app=1"] }
  - { client_id: local-trusted, redirect_uris: ["http://127.0.0.1/cb"], trusted: true }
  - { client_id: asks, redirect_uris: ["${SCHEME}", "${LINK}", "https://links.example.com/web"] }
  - { client_id: trusted, redirect_uris: ["${SCHEME}"], trusted: true }
`,
    });
  });
  afterAll(() => gatehouse[Symbol.asyncDispose]());
  beforeEach(() => {
    offset = 0;
  });

  const oauth = (clientId: string, redirectUri: string): TestClient =>
    testClient(gatehouse, { clientId, redirectUri });
  /** Through the IdP and our own question, in a browser where no app has claimed the scheme. */
  async function goTo(url: string, button?: string): Promise<{ browser: Browser; page: Page }> {
    const browser = createBrowser();
    await browser.open(url);
    let page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    if (button !== undefined) page = await browser.submit({ button });
    return { browser, page };
  }
  /** Where the button leads: to the app. */
  async function press(browser: Browser, scheme: string): Promise<URL> {
    browser.stopAt(scheme);
    const opened = await browser.follow('Open the app');
    expect(opened.stopped).toBe(true);
    return new URL(opened.url);
  }

  describe('a person whose app does not open', () => {
    it.each([
      ['consent', 'asks', SCHEME, 'Allow'],
      ['a trusted client', 'trusted', SCHEME, undefined],
    ])('sees what to do, and presses again: %s', async (_from, clientId, redirectUri, button) => {
      const client = oauth(clientId, redirectUri);
      const { browser, page } = await goTo(
        client.authorizeUrl({ scope: `${API_SCOPE} ${DEVICE_SCOPE}OF-${clientId}` }),
        button,
      );
      expect([page.status, page.title]).toEqual([200, 'Continue in the app']);
      expect(page.body).toContain('press the button');
      for (const again of [1, 2, 3]) {
        const reloaded = await browser.open(page.url);
        expect([again, reloaded.status]).toEqual([again, 200]);
      }
      offset = 100_000;
      await browser.open(page.url);
      const app = await press(browser, redirectUri.slice(0, redirectUri.indexOf('cb')));
      const answer = await client.redeem(app.searchParams.get('code') ?? '');
      expect(answer.status).toBe(200);
      const done = await browser.open(page.url);
      expect([done.status, done.title]).toEqual([410, 'This step is over']);
    });

    it.each([
      ['the confirmation', 'element://connect?x=1', 'Continue'],
      ['a trusted redirect', 'im.trusted://login', undefined],
    ])('sees what to do, and presses again: %s', async (_from, redirectUrl, button) => {
      const { browser, page } = await goTo(ssoUrl(gatehouse, { redirectUrl }), button);
      expect([page.status, page.title]).toEqual([200, 'Continue in the app']);
      offset = 100_000;
      expect((await browser.open(page.url)).status).toBe(200);
      const app = await press(browser, redirectUrl.slice(0, redirectUrl.indexOf(':')));
      expect((await logInWith(gatehouse, app.searchParams.get('loginToken') ?? '')).status).toBe(200);
      expect((await browser.open(page.url)).status).toBe(410);
    });

    it('gets there from the page before, whether it is reloaded or sent again', async () => {
      const { browser, page } = await goTo(oauth('asks', SCHEME).authorizeUrl());
      const allowed = await browser.submit({ button: 'Allow' });
      expect((await browser.open(page.url)).url).toBe(allowed.url);
      expect((await browser.submit({ button: 'Allow' }, page)).url).toBe(allowed.url);
    });

    it('is told when it is too late', async () => {
      const { browser, page } = await goTo(oauth('asks', SCHEME).authorizeUrl(), 'Allow');
      offset = 121_000;
      const late = await browser.open(page.url);
      expect([late.status, late.title]).toEqual([410, 'This step is over']);
    });

    it('hands a no over as well', async () => {
      const { browser, page } = await goTo(oauth('asks', SCHEME).authorizeUrl({ state: 's' }), 'Cancel');
      expect(page.title).toBe('Continue in the app');
      const app = await press(browser, 'org.example.app:');
      expect(Object.fromEntries(app.searchParams)).toMatchObject({ error: 'access_denied', state: 's' });
    });

    it('is handed over when the request itself is refused', async () => {
      const page = await createBrowser().open(oauth('asks', SCHEME).authorizeUrl({ scope: 'nothing' }));
      expect([page.status, page.title]).toEqual([200, 'Continue in the app']);
      expect(page.body).toContain('org.example.app:/cb?error=invalid_scope');
    });
  });

  describe('where a browser can be sent, but perhaps nobody is there', () => {
    /** Opens the page again and again until the answer is used, then once more. */
    async function openAgain(
      browser: Browser,
      first: Page,
      use: (to: URL) => Promise<number>,
    ): Promise<void> {
      const handOver = first.visited.find((url) => url.endsWith('/hand-over')) ?? '';
      offset = 100_000;
      const second = await browser.open(handOver);
      expect([second.stopped, second.url]).toEqual([true, first.url]);
      expect(await use(new URL(second.url))).toBe(200);
      expect((await browser.open(handOver)).status).toBe(410);
    }

    it.each([
      ['a link that opens an app', 'asks', LINK, 'Allow'],
      ['a port of 127.0.0.1', 'local', 'http://127.0.0.1:49152/cb', 'Allow'],
      ['a port of localhost', 'local', 'http://localhost:50123/cb', 'Allow'],
      ['a port of [::1]', 'local', 'http://[::1]:50123/cb', 'Allow'],
      ['a port, with a query', 'local', 'http://127.0.0.1:3000/?app=1', 'Allow'],
      ['a port of a trusted client', 'local-trusted', 'http://127.0.0.1:49152/cb', undefined],
    ])('an authorization code goes through the page, as often as needed: %s', async (_to, id, to, button) => {
      const client = oauth(id, to);
      const browser = createBrowser();
      browser.stopAt(to);
      await browser.open(client.authorizeUrl({ scope: `${API_SCOPE} ${DEVICE_SCOPE}AGAIN${id}` }));
      let first = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      if (button !== undefined) first = await browser.submit({ button });
      await openAgain(browser, first, async ({ searchParams }) => {
        return (await client.redeem(searchParams.get('code') ?? '')).status;
      });
    });

    it.each([
      ['the confirmation', 'http://127.0.0.1:49152/in', 'Continue'],
      ['the confirmation, in the own network', 'http://element.lan/', 'Continue'],
      ['a trusted redirect', 'http://localhost:7000/login', undefined],
    ])('a login token does too: %s', async (_from, redirectUrl, button) => {
      const browser = createBrowser();
      browser.stopAt(redirectUrl);
      await browser.open(ssoUrl(gatehouse, { redirectUrl }));
      let first = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      if (button !== undefined) first = await browser.submit({ button });
      await openAgain(browser, first, async ({ searchParams }) => {
        return (await logInWith(gatehouse, searchParams.get('loginToken') ?? '')).status;
      });
    });

    it('an error before anybody has signed in is a redirect', async () => {
      const to = 'http://127.0.0.1:49152/cb';
      const answer = await ask(oauth('local', to).authorizeUrl({ scope: 'nothing' }));
      expect(answer.status).toBe(303);
      expect(answer.headers.get('location')).toMatch(/^http:\/\/127\.0\.0\.1:49152\/cb\?error=invalid_scope/);
    });
  });

  it('sends the browser to a website at once', async () => {
    const browser = createBrowser();
    browser.stopAt('https://links.example.com/web');
    await browser.open(oauth('asks', 'https://links.example.com/web').authorizeUrl());
    await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    const back = await browser.submit({ button: 'Allow' });
    expect([back.stopped, new URL(back.url).searchParams.has('code')]).toEqual([true, true]);
  });

  it.each(['', '/open'])('answers no other browser (%s)', async (more) => {
    const { page } = await goTo(oauth('asks', SCHEME).authorizeUrl(), 'Allow');
    const other = await createBrowser().open(page.url + more);
    expect(other.status).toBe(403);
    expect(other.body).not.toContain('org.example.app');
    const unknown = page.url.replace(/[0-9a-z]{26}/, '0'.repeat(26));
    expect((await createBrowser().open(unknown + more)).status).toBe(404);
  });
});
