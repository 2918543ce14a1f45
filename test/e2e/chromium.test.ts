import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signIn as signInWithoutScripts, startGatehouse, type Gatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { chromiumPath, launchChromium, noChromium, watchedPage } from '../support/chromium.ts';
import { removeFolder, runDemo, type DemoProcess } from '../demo/run-demo.ts';

const suite = chromiumPath === undefined ? `in Chromium (skipped: ${noChromium})` : 'in Chromium';

const looks = {
  'desktop, light': { viewport: { width: 1100, height: 800 }, colorScheme: 'light' },
  'phone, dark': { viewport: { width: 360, height: 720 }, colorScheme: 'dark' },
} as const;

/** Set SCREENSHOTS to a folder to look at every page. */
async function look(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS'];
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: `${folder}/${name.replace(/\W+/g, '-')}.png`, fullPage: true });
  }
  const wide = await page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  expect(wide, `${name}: scrolls sideways`).toBe(0);
}

/** Presses Tab until the element with this text has the focus, then Enter: as a person without a pointer does. */
async function pressByKeyboard(page: Page, label: string): Promise<void> {
  for (let tabs = 0; tabs < 60; tabs += 1) {
    await page.keyboard.press('Tab');
    const text = await page.evaluate('document.activeElement?.innerText ?? ""');
    if (String(text).trim() === label) {
      const outlined = await page.evaluate(
        'getComputedStyle(document.activeElement).outlineStyle !== "none" || getComputedStyle(document.activeElement).boxShadow !== "none"',
      );
      expect(outlined, `focus on “${label}” is visible`).toBe(true);
      await page.keyboard.press('Enter');
      return;
    }
  }
  throw new Error(`“${label}” cannot be reached by keyboard on ${page.url()}`);
}

describe.skipIf(chromiumPath === undefined)(suite, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  describe.each(Object.entries(looks))('the consent page (%s)', (name, options) => {
    let gatehouse: Gatehouse;
    let app: Server;
    let redirectUri: string;
    beforeAll(async () => {
      // Gatehouse on `localhost`, the IdP and the application on `127.0.0.1`: three origins on two sites.
      gatehouse = await startGatehouse({ publicHost: 'localhost' });
      app = createServer((request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(
          `<!doctype html><html lang="en"><title>app</title><link rel="icon" href="data:,"><p>${request.url ?? ''}</p></html>`,
        );
      }).listen(0, '127.0.0.1');
      await new Promise((listening) => app.once('listening', listening));
      redirectUri = `http://127.0.0.1:${String((app.address() as AddressInfo).port)}/callback`;
    });
    afterAll(async () => {
      app.closeAllConnections();
      app.close();
      await gatehouse[Symbol.asyncDispose]();
    });

    async function authorizationUrl(deviceId: string): Promise<string> {
      const registered = await fetch(`${gatehouse.url}oauth2/registration`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          application_type: 'native',
          client_name: 'Chatty <b>& friends</b>',
          client_uri: 'https://chatty.example/',
          policy_uri: 'https://chatty.example/privacy',
          tos_uri: 'https://chatty.example/terms',
          redirect_uris: ['http://127.0.0.1/callback'],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          token_endpoint_auth_method: 'none',
        }),
      });
      const { client_id } = (await registered.json()) as { client_id: string };
      const query = new URLSearchParams({
        response_type: 'code',
        client_id,
        redirect_uri: redirectUri,
        scope: `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`,
        state: 'the-state',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      });
      return `${gatehouse.url}oauth2/authorize?${query.toString()}`;
    }

    async function toConsent(page: Page, deviceId: string): Promise<void> {
      await page.goto(await authorizationUrl(deviceId));
      await page.getByLabel('Login').fill('alice');
      await page.getByLabel('Login').press('Enter');
      await page.getByRole('button', { name: 'Allow' }).waitFor();
    }

    it('names client, host, device and account, and by keyboard alone leads back to the application', async () => {
      const { context, page, complaints, hosts } = await watchedPage(browser, options);
      await toConsent(page, 'CHROMIUM1');
      const text = await page.locator('body').innerText();
      for (const part of ['Chatty <b>& friends</b>', 'chatty.example', 'CHROMIUM1', '@alice:example.org']) {
        expect(text).toContain(part);
      }
      expect(await page.locator('html').getAttribute('lang')).toBe('en');
      await look(page, `consent ${name}`);
      await pressByKeyboard(page, 'Allow');
      await page.waitForURL(`${redirectUri}**`);
      const landed = new URL(page.url());
      expect(landed.searchParams.get('state')).toBe('the-state');
      expect(landed.searchParams.get('code')).toMatch(/^gac_/);
      // The test IdP has no icon; everything else is ours.
      expect(complaints.filter((line) => !line.includes(`${gatehouse.idp.issuer}/favicon.ico`))).toEqual([]);
      expect([...hosts].every((host) => /^(localhost|127\.0\.0\.1):\d+$/.test(host))).toBe(true);
      await context.close();
    });

    it('takes a no back to the application', async () => {
      const { context, page, complaints } = await watchedPage(browser, options);
      await toConsent(page, 'CHROMIUM2');
      await page.getByRole('button').filter({ hasNotText: 'Allow' }).first().click();
      await page.waitForURL(`${redirectUri}**`);
      expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied');
      expect(complaints.filter((line) => !line.includes('/favicon.ico'))).toEqual([]);
      await context.close();
    });

    it('shows a page, not a redirect, for a client that nobody knows', async () => {
      const { context, page, hosts } = await watchedPage(browser, options);
      const url = new URL(await authorizationUrl('CHROMIUM3'));
      url.searchParams.set('client_id', 'nobody');
      await page.goto(url.href);
      expect(new URL(page.url()).pathname).toBe('/oauth2/authorize');
      await look(page, `unknown client ${name}`);
      expect([...hosts]).toEqual([new URL(gatehouse.url).host]);
      await context.close();
    });

    it('shows what is wrong with an account that has no Matrix name', async () => {
      gatehouse.idp.accounts.set('zoe', { sub: 'sub-of-zoe', preferred_username: 'Zoë Müller' });
      const { context, page } = await watchedPage(browser, options);
      await page.goto(await authorizationUrl('CHROMIUM4'));
      await page.getByLabel('Login').fill('zoe');
      await page.getByLabel('Login').press('Enter');
      await page.waitForURL(`${gatehouse.url}**`);
      const text = await page.locator('body').innerText();
      expect(text).toContain('preferred_username');
      expect(text).toContain('Zoë Müller');
      await look(page, `refused account ${name}`);
      await context.close();
    });

    it('says that the identity provider is down, and works again afterwards', async () => {
      const url = await authorizationUrl('CHROMIUM5');
      const { context, page } = await watchedPage(browser, options);
      await page.goto(url);
      await gatehouse.idp.goDown();
      gatehouse.idp.faults.tokenStatus = 500;
      await gatehouse.idp.comeBack();
      await page.getByLabel('Login').fill('alice');
      await page.getByLabel('Login').press('Enter');
      await page.waitForURL(`${gatehouse.url}**`);
      await look(page, `provider down ${name}`);
      gatehouse.idp.faults.tokenStatus = undefined;
      const landed = await signInWithoutScripts(createBrowser(), url, redirectUri);
      expect(new URL(landed.url).searchParams.has('code')).toBe(true);
      await context.close();
    });
  });

  describe('the demo', () => {
    let demo: DemoProcess;
    beforeAll(async () => {
      demo = await runDemo();
      await demo.waitFor('Ctrl-C');
    });
    afterAll(async () => {
      await demo.stop();
      removeFolder(demo.folder);
    });

    it.each(Object.entries(looks))('walks a person through by keyboard alone (%s)', async (name, options) => {
      const { context, page, complaints, hosts } = await watchedPage(browser, options);
      await page.goto(`http://127.0.0.1:${String(demo.ports.client)}/`);
      await look(page, `demo start ${name}`);
      await pressByKeyboard(page, 'Read the metadata');
      await page.waitForURL('**/#discover');
      await pressByKeyboard(page, 'Register');
      await page.waitForURL('**/#register');
      await pressByKeyboard(page, 'Sign in');
      await page.getByText('Who are you today?').waitFor();
      await look(page, `demo idp ${name}`);
      await pressByKeyboard(page, 'Sign in');
      await page.getByRole('button', { name: 'Allow' }).waitFor();
      await look(page, `demo consent ${name}`);
      await pressByKeyboard(page, 'Allow');
      await page.waitForURL('**/#authorize');
      for (const [label, id] of [
        ['Get tokens', 'token'],
        ['Call whoami', 'whoami'],
        ['Introspect', 'introspect'],
        ['Refresh', 'refresh'],
        ['Send the old one again', 'repeat'],
        ['Revoke', 'revoke'],
        ['Try the token again', 'afterwards'],
      ] as const) {
        await pressByKeyboard(page, label);
        await page.waitForURL(`**/#${id}`);
        expect(await page.getByRole('alert').count(), label).toBe(0);
      }
      const text = await page.locator('body').innerText();
      expect(text).toContain('That was the whole way');
      await look(page, `demo end ${name}`);
      expect(complaints).toEqual([]);
      expect([...hosts].every((host) => host.startsWith('127.0.0.1:'))).toBe(true);
      await context.close();
    });

    it('lets a person cancel, become somebody else, and try again', async () => {
      const { context, page, complaints } = await watchedPage(browser);
      await page.goto(`http://127.0.0.1:${String(demo.ports.client)}/`);
      await page.getByRole('button', { name: 'Read the metadata' }).click();
      await page.getByRole('button', { name: 'Register' }).click();
      await page.getByRole('link', { name: 'Sign in', exact: true }).click();
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('link', { name: 'Return to the app' }).click();
      await page.getByRole('alert').waitFor();
      expect(await page.getByRole('alert').innerText()).toContain('access_denied');
      await page.getByRole('link', { name: 'Sign in', exact: true }).click();
      await page.getByLabel('Zoë Müller').check();
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForURL(`http://127.0.0.1:${String(demo.ports.gatehouse)}/**`);
      expect(await page.locator('body').innerText()).toContain('Zoë Müller');
      await page.getByRole('link', { name: 'Try with another account' }).click();
      await page.getByLabel('Alice Liddell').check();
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('link', { name: 'Use another account' }).click();
      await page.getByLabel('Bob Cratchit').check();
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('button', { name: 'Allow' }).click();
      await page.getByRole('button', { name: 'Get tokens' }).click();
      await page.getByRole('button', { name: 'Call whoami' }).click();
      expect(await page.locator('body').innerText()).toContain('@bob:demo.example');
      expect(
        complaints.filter((line) => !line.includes('status 4') && !line.includes('status of 4')),
      ).toEqual([]);
      await context.close();
    });
  });
});
