/** The account page in Chromium: the IdP on another site, by keyboard, without scripts, on a phone and on a desktop. */
import { mkdirSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { chromiumPath, launchChromium, noChromium, watchedPage } from '../support/chromium.ts';
import { registerTestClient, type TestClient } from '../support/oauth-client.ts';

const suite = chromiumPath === undefined ? `in Chromium (skipped: ${noChromium})` : 'in Chromium';
const looks = {
  'desktop, light': { viewport: { width: 1100, height: 800 }, colorScheme: 'light' },
  'phone, dark, no scripts': {
    viewport: { width: 360, height: 720 },
    colorScheme: 'dark',
    javaScriptEnabled: false,
  },
} as const;
const NASTY = `"><svg/onload=alert(1)><script>alert(2)</script>`;

describe.skipIf(chromiumPath === undefined)(suite, () => {
  let browser: Browser;
  let gatehouse: Gatehouse;
  let client: TestClient;
  beforeAll(async () => {
    browser = await launchChromium();
    gatehouse = await startGatehouse({ publicHost: 'localhost' });
    client = await registerTestClient(gatehouse, { client_name: `Element ${NASTY}` });
  });
  afterAll(async () => {
    await browser.close();
    await gatehouse[Symbol.asyncDispose]();
  });

  it.each(Object.entries(looks))('a person signs out one session, then all (%s)', async (name, options) => {
    const tokens = await Promise.all(
      ['PHONE', 'LAPTOP', '<svg/onload=alert(3)>'].map((device) =>
        client.tokens({
          parameters: { scope: `urn:matrix:client:api:* urn:matrix:client:device:${device}` },
        }),
      ),
    );
    const { page, complaints } = await watchedPage(browser, options);
    let dialogs = 0;
    page.on('dialog', (dialog) => {
      dialogs += 1;
      void dialog.dismiss();
    });
    const look = async (what: string): Promise<void> => {
      const folder = process.env['SCREENSHOTS'];
      if (folder === undefined) return;
      mkdirSync(folder, { recursive: true });
      await page.screenshot({
        path: `${folder}/${`${what} ${name}`.replace(/\W+/g, '-')}.png`,
        fullPage: true,
      });
    };
    await page.goto(`${gatehouse.url}account?action=org.matrix.device_delete&device_id=LAPTOP`);
    await page.fill('input[name=login]', 'alice');
    await page.click('text="Sign in"');
    await page.waitForURL(`${gatehouse.url}account?action=**`);
    expect(await page.textContent('h1')).toBe('Sign out this session?');
    await look('account one');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${gatehouse.url}account?done=ended`);
    expect(await page.textContent('[role=status]')).toBe('The session has ended.');
    await look('account overview');
    expect(await gatehouse.introspect(tokens[1]?.access_token ?? '')).toEqual({ active: false });
    expect(await gatehouse.introspect(tokens[0]?.access_token ?? '')).toMatchObject({ active: true });
    await page.getByRole('link', { name: 'Sign out everywhere' }).click();
    await page.waitForURL(`${gatehouse.url}account/sessions/end-all`);
    await look('account all');
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.waitForURL(`${gatehouse.url}account?done=all-ended`);
    expect(await gatehouse.introspect(tokens[0]?.access_token ?? '')).toEqual({ active: false });
    const [cookie] = (await page.context().cookies()).filter(({ name: each }) => each.endsWith('-account'));
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
    expect(dialogs).toBe(0);
    // The test IdP has no icon.
    expect(complaints.filter((each) => !each.includes('/favicon.ico'))).toEqual([]);
    await page.context().close();
  });
});
