/** The fallback page of user-interactive authentication in Chromium: app, homeserver and IdP on different sites; the app hears that it is done. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { openDatabase } from '../../src/storage/engine/open-database.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { chromiumPath, launchChromium, noChromium, watchedPage } from '../support/chromium.ts';
import { askMatrix, startLegacy } from '../support/legacy-session.ts';
import { registerTestClient } from '../support/oauth-client.ts';

const suite = chromiumPath === undefined ? `in Chromium (skipped: ${noChromium})` : 'in Chromium';

/** An app: opens the page in a window of its own, and notes who tells it what. */
const APP = `<!doctype html><title>App</title><script>
window.heard = [];
addEventListener('message', ({ data, origin }) => window.heard.push({ data, origin }));
</script>`;

describe.skipIf(chromiumPath === undefined)(suite, () => {
  let browser: Browser;
  let gatehouse: Gatehouse;
  const app = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(APP);
  });
  beforeAll(async () => {
    browser = await launchChromium();
    gatehouse = await startGatehouse({ publicHost: 'localhost' });
    await (await registerTestClient(gatehouse)).tokens();
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    app.close();
    await browser.close();
    await gatehouse[Symbol.asyncDispose]();
  });

  /** A legacy client that wants a device deleted, and has been given a session. */
  async function askToDelete(): Promise<{ fallback: string; again: () => ReturnType<typeof askMatrix> }> {
    const url = `sqlite:${gatehouse.folder}/gatehouse.db`;
    const db = await openDatabase({ url, clock: systemClock, random: systemRandom });
    const { accessToken: token } = await startLegacy(db);
    const { deviceId } = await startLegacy(db, { deviceName: '<script>alert(1)</script>' });
    await db.close();
    const request = `DELETE v3/devices/${deviceId}`;
    const { session } = (await askMatrix(gatehouse, request, { token })).body;
    return {
      fallback: `${gatehouse.url}_matrix/client/v3/auth/m.login.sso/fallback/web?session=${String(session)}`,
      again: () => askMatrix(gatehouse, request, { token, json: { auth: { session } } }),
    };
  }

  it('a window that an app opened tells it, from the homeserver’s origin, when its person is done', async () => {
    const { fallback, again } = await askToDelete();
    const { page, context, complaints } = await watchedPage(browser);
    const { port } = app.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${String(port)}/`);
    const opened = context.waitForEvent('page');
    await page.evaluate(`void window.open(${JSON.stringify(fallback)}, '_blank')`);
    const popup = await opened;
    popup.on('console', (message) => complaints.push(`${message.text()} ${message.location().url}`));
    popup.on('dialog', () => complaints.push('a dialog'));
    await popup.getByRole('button', { name: 'Continue' }).click();
    expect((await again()).status).toBe(401);
    await popup.fill('input[name=login]', 'alice');
    await popup.click('text="Sign in"');
    await popup.waitForURL(`${gatehouse.url}_matrix/client/v3/auth/m.login.sso/fallback/web?done=**`);
    const heard = (): Promise<unknown> => page.evaluate('window.heard');
    await expect.poll(heard).toEqual([{ data: 'authDone', origin: new URL(gatehouse.url).origin }]);
    expect((await again()).status).toBe(200);
    expect(complaints.filter((each) => !each.includes('favicon.ico'))).toEqual([]);
    await context.close();
  });

  it('a web view calls the function that its app put into it, and no other window', async () => {
    const { fallback, again } = await askToDelete();
    const { page, context, complaints } = await watchedPage(browser, {
      viewport: { width: 360, height: 720 },
      colorScheme: 'dark',
    });
    let calls = 0;
    await page.exposeFunction('onAuthDone', () => {
      calls += 1;
    });
    await page.goto(fallback);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.fill('input[name=login]', 'alice');
    await page.click('text="Sign in"');
    await page.waitForURL('**/fallback/web?done=**');
    await expect.poll(() => calls).toBe(1);
    expect(await page.textContent('h1')).toBe('Confirmed');
    expect((await again()).status).toBe(200);
    expect(complaints.filter((each) => !each.includes('favicon.ico'))).toEqual([]);
    await context.close();
  });

  it('without scripts the person is told to go back, and the app finds out by asking again', async () => {
    const { fallback, again } = await askToDelete();
    const { page, context } = await watchedPage(browser, { javaScriptEnabled: false });
    await page.goto(fallback);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.fill('input[name=login]', 'alice');
    await page.click('text="Sign in"');
    await page.waitForURL('**/fallback/web?done=**');
    expect(await page.textContent('main')).toContain('Go back to your app');
    expect((await again()).status).toBe(200);
    await context.close();
  });
});
