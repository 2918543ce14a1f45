/** An app scheme that nobody handles, in a real browser: the person sees what to do, presses again, and the app would get a working code. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGatehouse, type Gatehouse } from '../peers/gatehouse.ts';
import { chromiumPath, launchChromium, noChromium, watchedPage } from '../support/chromium.ts';
import { freePort } from '../support/free-port.ts';
import { API_SCOPE, DEVICE_SCOPE, testClient } from '../support/oauth-client.ts';
import { logInWith, ssoUrl } from '../support/sso.ts';

const suite = chromiumPath === undefined ? `in Chromium (skipped: ${noChromium})` : 'in Chromium';
const SCHEME = 'org.example.app:/cb';

describe.skipIf(chromiumPath === undefined)(suite, () => {
  let browser: Browser;
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    browser = await launchChromium();
    gatehouse = await startGatehouse({
      publicHost: 'localhost',
      yaml: `legacy_login: { trusted_redirects: ["im.trusted://login"] }
clients:
  - { client_id: app, client_name: Example, redirect_uris: ["${SCHEME}"] }
  - { client_id: trusted, client_name: Trusted, redirect_uris: ["${SCHEME}"], trusted: true }
  - { client_id: local, client_name: Terminal, redirect_uris: ["http://127.0.0.1/cb"] }
`,
    });
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
    await browser.close();
  });

  /** Presses the button, which leaves the page as it is, and tells where the browser was sent. */
  async function press(page: Page): Promise<URL> {
    const button = page.getByRole('link', { name: 'Open the app' });
    const target = (await button.getAttribute('href')) ?? '';
    await button.click();
    await page.waitForTimeout(300);
    await page.getByText('press the button').waitFor();
    // Chromium reports no answer that leads to a scheme: the same question in the same cookie jar.
    const response = await page.context().request.get(target, { maxRedirects: 0 });
    expect(response.status()).toBe(303);
    return new URL(response.headers()['location'] ?? '');
  }

  async function strand(page: Page, url: string, button?: string): Promise<void> {
    await page.goto(url);
    await page.getByLabel('Login').fill('alice');
    await page.getByLabel('Login').press('Enter');
    if (button !== undefined) await page.getByRole('button', { name: button }).click();
    await page.getByRole('heading', { name: 'Continue in the app' }).waitFor();
    // It opened the app by itself, which is not there: the page has stayed.
    await page.waitForTimeout(500);
    await page.reload();
    await page.getByText('press the button').waitFor();
    const wide = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(wide).toBe(0);
  }

  const options = { viewport: { width: 360, height: 720 }, colorScheme: 'dark' } as const;

  it.each([
    ['consent', 'app', 'Allow'],
    ['a trusted client', 'trusted', undefined],
  ])('from %s', async (_from, clientId, button) => {
    const client = testClient(gatehouse, { clientId, redirectUri: SCHEME });
    const { context, page } = await watchedPage(browser, options);
    await strand(page, client.authorizeUrl({ scope: `${API_SCOPE} ${DEVICE_SCOPE}OF-${clientId}` }), button);
    await press(page);
    const app = await press(page);
    expect(app.protocol).toBe('org.example.app:');
    expect((await client.redeem(app.searchParams.get('code') ?? '')).status).toBe(200);
    await context.close();
  });

  it.each([
    ['the confirmation of a single sign-on', 'element://connect', 'Continue'],
    ['a trusted redirect', 'im.trusted://login', undefined],
  ])('from %s', async (_from, redirectUrl, button) => {
    const { context, page } = await watchedPage(browser, options);
    await strand(page, ssoUrl(gatehouse, { redirectUrl }), button);
    await press(page);
    const app = await press(page);
    expect((await logInWith(gatehouse, app.searchParams.get('loginToken') ?? '')).status).toBe(200);
    await context.close();
  });

  it.each(['an authorization code', 'a login token'])(
    'to a program that listens too late, with %s: going back opens it again',
    async (what) => {
      const port = await freePort();
      const redirectUri = `http://127.0.0.1:${String(port)}/cb`;
      const client = testClient(gatehouse, { clientId: 'local', redirectUri });
      const isCode = what === 'an authorization code';
      const { context, page } = await watchedPage(browser, options);
      await page.goto(
        isCode
          ? client.authorizeUrl({ scope: `${API_SCOPE} ${DEVICE_SCOPE}LATE` })
          : ssoUrl(gatehouse, { redirectUrl: redirectUri }),
      );
      await page.getByLabel('Login').fill('alice');
      await page.getByLabel('Login').press('Enter');
      await page.getByRole('button', { name: isCode ? 'Allow' : 'Continue' }).click();
      // The browser's own page: the program does not answer.
      await expect.poll(() => page.url(), { timeout: 10_000 }).toContain('chrome-error://');
      const arrived = Promise.withResolvers<URL>();
      const program = createServer((request, response) => {
        if (request.url?.startsWith('/cb') === true) arrived.resolve(new URL(request.url, redirectUri));
        response.end('Signed in.');
      });
      await once(program.listen(port, '127.0.0.1'), 'listening');
      await page.goBack({ waitUntil: 'commit' });
      const { searchParams } = await arrived.promise;
      await page.getByText('Signed in.').waitFor();
      const answer = isCode
        ? await client.redeem(searchParams.get('code') ?? '')
        : await logInWith(gatehouse, searchParams.get('loginToken') ?? '');
      expect(answer.status).toBe(200);
      await context.close();
      program.closeAllConnections();
      program.close();
    },
  );
});
