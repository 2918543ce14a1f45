/** Legacy login by single sign-on in a real browser: the question, and the fallback page as an app shows it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGatehouse, type Gatehouse } from '../peers/gatehouse.ts';
import { chromiumPath, launchChromium, noChromium, watchedPage } from '../support/chromium.ts';
import { ssoUrl } from '../support/sso.ts';

const suite = chromiumPath === undefined ? `in Chromium (skipped: ${noChromium})` : 'in Chromium';

describe.skipIf(chromiumPath === undefined)(suite, () => {
  let browser: Browser;
  let gatehouse: Gatehouse;
  let app: Server;
  let appUrl: string;
  beforeAll(async () => {
    browser = await launchChromium();
    // Gatehouse on `localhost`, the IdP and the application on `127.0.0.1`: three origins on two sites.
    gatehouse = await startGatehouse({ publicHost: 'localhost' });
    app = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(
        '<!doctype html><html lang="en"><title>app</title><link rel="icon" href="data:,"><p>app</p></html>',
      );
    }).listen(0, '127.0.0.1');
    await new Promise((listening) => app.once('listening', listening));
    appUrl = `http://127.0.0.1:${String((app.address() as AddressInfo).port)}/`;
  });
  afterAll(async () => {
    app.closeAllConnections();
    app.close();
    await gatehouse[Symbol.asyncDispose]();
    await browser.close();
  });

  const ours = (complaints: readonly string[]): string[] =>
    complaints.filter((line) => !line.includes('/favicon.ico'));
  async function signInAtIdp(page: Page, login = 'alice'): Promise<void> {
    await page.getByLabel('Login').fill(login);
    await page.getByLabel('Login').press('Enter');
  }

  it.each([
    ['desktop, light', { viewport: { width: 1100, height: 800 }, colorScheme: 'light' }],
    ['phone, dark', { viewport: { width: 360, height: 720 }, colorScheme: 'dark' }],
  ] as const)('the question leads on to the app (%s)', async (_name, options) => {
    const { context, page, complaints } = await watchedPage(browser, options);
    await page.goto(ssoUrl(gatehouse, { redirectUrl: `${appUrl}?a=1#/home` }));
    await signInAtIdp(page);
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    const text = await page.locator('body').innerText();
    expect(text).toContain('@alice:example.org');
    const wide = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(wide).toBe(0);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(`${appUrl}**`);
    const landed = new URL(page.url());
    expect(landed.searchParams.get('a')).toBe('1');
    expect(landed.searchParams.get('loginToken')).toMatch(/^glt_/);
    expect(landed.hash).toBe('#/home');
    expect(ours(complaints)).toEqual([]);
    await context.close();
  });

  describe('the fallback page', () => {
    /** What an app puts into its web view before and after each page; the answer ends up in `heard`. */
    async function appView(options: { late?: boolean; older?: boolean } = {}): Promise<{
      context: BrowserContext;
      page: Page;
      complaints: readonly string[];
      heard: Promise<unknown>;
    }> {
      const watched = await watchedPage(browser);
      const { page } = watched;
      const { promise: heard, resolve } = Promise.withResolvers<unknown>();
      await page.exposeFunction('tellApp', resolve);
      const listen = `${options.older === true ? 'window' : 'window.matrixLogin'}.onLogin = (answer) => tellApp(answer)`;
      if (options.late === true) {
        page.on(
          'load',
          () =>
            void page
              .evaluate(`void setTimeout(() => { if (window.matrixLogin) { ${listen} } }, 300)`)
              .catch(() => undefined),
        );
      } else {
        await page.addInitScript(`window.matrixLogin = window.matrixLogin || {}; ${listen}`);
      }
      return { ...watched, heard };
    }
    const pageUrl = (query = '', slash = '/'): string =>
      `${gatehouse.url}_matrix/static/client/login${slash}${query}`;
    async function walk(page: Page, url: string): Promise<void> {
      await page.goto(url);
      await page.getByRole('link', { name: 'Continue' }).click();
      await signInAtIdp(page);
      await page.getByRole('button', { name: 'Continue' }).click();
    }

    it.each([
      ['with a slash', '/', {}],
      ['without one', '', {}],
      ['for an app that listens late', '/', { late: true }],
      ['for an app of old', '/', { older: true }],
    ])('gives the app the answer of the login, %s', async (_name, slash, options) => {
      const { context, page, complaints, heard } = await appView(options);
      await walk(
        page,
        pageUrl('?device_id=FALLBACK%2F1&initial_device_display_name=My%20phone&other=x', slash),
      );
      const answer = (await heard) as Record<string, unknown>;
      expect(answer).toMatchObject({ user_id: '@alice:example.org', device_id: 'FALLBACK/1' });
      expect(await gatehouse.introspect(String(answer['access_token']))).toMatchObject({ active: true });
      const devices = await fetch(`${gatehouse.url}_matrix/client/v3/devices/FALLBACK%2F1`, {
        headers: { authorization: `Bearer ${String(answer['access_token'])}` },
      });
      expect(await devices.json()).toMatchObject({ display_name: 'My phone' });
      await page.getByText('You are signed in.').waitFor();
      // Nobody finds the token in the history, and a second look asks for nothing with it.
      expect(page.url()).not.toContain('loginToken');
      expect(ours(complaints)).toEqual([]);
      await context.close();
    });

    it('lets the app hear by a frame, as the old ones do', async () => {
      const { context, page, complaints } = await watchedPage(browser);
      await page.goto(pageUrl());
      await page.evaluate(
        `const frame = document.createElement('iframe'); frame.setAttribute('src', 'js:{}'); document.documentElement.appendChild(frame); frame.remove();`,
      );
      expect(complaints.filter((line) => line.includes('Content Security Policy'))).toEqual([]);
      await context.close();
    });

    it('passes refresh_token on', async () => {
      const { context, page, heard } = await appView();
      await walk(page, pageUrl('?refresh_token=true'));
      expect(await heard).toMatchObject({
        refresh_token: expect.any(String),
        expires_in_ms: expect.any(Number),
      });
      await context.close();
    });

    it('makes no session that nobody has: without an app it says so', async () => {
      const { context, page } = await watchedPage(browser);
      const logins: string[] = [];
      page.on('request', (request) => {
        if (request.method() === 'POST' && request.url().endsWith('/login')) logins.push(request.url());
      });
      await walk(page, pageUrl());
      await page.getByText('no app is waiting for it').waitFor();
      expect(logins).toEqual([]);
      await context.close();
    });

    it('says so when the login is refused, and can be tried again', async () => {
      const { context, page, heard } = await appView();
      await page.goto(pageUrl('?device_id=AGAIN&loginToken=glt_wrong'));
      await page.getByText('You could not be signed in.').waitFor();
      await page.getByRole('link', { name: 'Try again' }).click();
      await signInAtIdp(page);
      await page.getByRole('button', { name: 'Continue' }).click();
      expect(await heard).toMatchObject({ device_id: 'AGAIN' });
      await context.close();
    });

    it('without JavaScript says what it needs it for', async () => {
      const { context, page } = await watchedPage(browser, { javaScriptEnabled: false });
      const answer = await page.goto(pageUrl());
      expect(answer?.headers()['content-security-policy']).toContain("default-src 'none'");
      expect(await page.locator('body').innerText()).toContain('needs JavaScript to return the sign-in');
      await context.close();
    });
  });
});
