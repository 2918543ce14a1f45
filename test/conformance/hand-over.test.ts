/** The way from the browser to an app that may not open: a page stays, and works for as long as the answer counts. Black box, behind a real IdP. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/protocol/clock.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { API_SCOPE, DEVICE_SCOPE, type TestClient, testClient } from '../support/oauth-client.ts';
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
legacy_login: { trusted_redirects: ["im.trusted://login"] }
clients:
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

  it('goes through the page to a link that opens an app, as often as needed', async () => {
    const client = oauth('asks', LINK);
    const browser = createBrowser();
    browser.stopAt(LINK);
    await browser.open(client.authorizeUrl());
    await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    const first = await browser.submit({ button: 'Allow' });
    const handOver = first.visited.find((url) => url.endsWith('/hand-over')) ?? '';
    const second = await browser.open(handOver);
    expect([second.stopped, second.url]).toEqual([true, first.url]);
    expect((await client.redeem(new URL(second.url).searchParams.get('code') ?? '')).status).toBe(200);
    expect((await browser.open(handOver)).status).toBe(410);
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
