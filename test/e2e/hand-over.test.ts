/** An app scheme that nobody handles, in a real browser: the person sees what to do, presses again, and the app would get a working code. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGatehouse, type Gatehouse } from '../peers/gatehouse.ts';
import { chromiumPath, launchChromium, noChromium, watchedPage } from '../support/chromium.ts';
import { testClient } from '../support/oauth-client.ts';
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
clients: [{ client_id: app, client_name: Example, redirect_uris: ["${SCHEME}"] }]
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

  it('from consent', async () => {
    const client = testClient(gatehouse, { clientId: 'app', redirectUri: SCHEME });
    const { context, page } = await watchedPage(browser, options);
    await strand(page, client.authorizeUrl(), 'Allow');
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
});
