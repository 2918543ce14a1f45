/** Clients on other sites, in a real browser: no cookie rule, CSP or referrer policy of ours stands in the way of an honest sign-in. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from 'playwright-core';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { chromiumPath, launchChromium, noChromium, watchedPage } from '../support/chromium.ts';
import { registerTestClient } from '../support/oauth-client.ts';

const suite = chromiumPath === undefined ? `across sites (skipped: ${noChromium})` : 'across sites';

describe.skipIf(chromiumPath === undefined)(suite, () => {
  let browser: Browser;
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    browser = await launchChromium();
    // Gatehouse on `localhost`, the IdP on `127.0.0.1`: two sites.
    gatehouse = await startGatehouse({ publicHost: 'localhost' });
  });
  afterAll(async () => {
    await browser.close();
    await gatehouse[Symbol.asyncDispose]();
  });

  it.each([
    ['https', 'https://client.example.com/callback', 'web', 'query'],
    ['https', 'https://client.example.com/callback', 'web', 'fragment'],
    ['a custom scheme', 'com.example.client:/callback', 'native', 'query'],
    ['a custom scheme', 'com.example.client:/callback', 'native', 'fragment'],
  ])(
    'the person comes back to %s: %s (%s, %s)',
    async (_what, redirectUri, applicationType, responseMode) => {
      const client = await registerTestClient(gatehouse, {
        redirect_uris: [redirectUri],
        application_type: applicationType,
      });
      const { context, page, complaints } = await watchedPage(browser);
      // Where the browser is sent is read from the answer itself: nobody answers at the client's address here.
      const sentTo = new Promise<string>((resolve) => {
        page.on('response', (response) => {
          const { location } = response.headers();
          if (location?.startsWith(redirectUri) === true) resolve(location);
        });
      });
      const reached = new Promise<string>((resolve) => {
        page.on('request', (request) => {
          if (request.url().startsWith(redirectUri)) resolve(request.url());
        });
      });
      try {
        await page.goto(client.authorizeUrl({ redirect_uri: redirectUri, response_mode: responseMode }));
        await page.fill('input[name=login]', 'alice');
        await page.click('button:text-is("Sign in")');
        await page.waitForURL(/\/consent\//, { timeout: 10_000 });
        // The navigation that follows ends at an address that nobody answers.
        await page.click('button:text-is("Allow")', { noWaitAfter: true });
        const location = await sentTo;
        expect(location).toMatch(responseMode === 'fragment' ? /#code=gac_/ : /\?code=gac_/);
        if (redirectUri.startsWith('https:')) expect(await reached).toContain(redirectUri);
        expect(
          complaints.filter((complaint) => /Content Security Policy|form-action/i.test(complaint)),
        ).toEqual([]);
      } finally {
        await context.close();
      }
    },
  );
});
