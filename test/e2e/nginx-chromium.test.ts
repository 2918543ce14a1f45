/** Chromium at Gatehouse behind nginx, by https and two names: `__Host-` cookies, policies of the pages, and messages between windows hold. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BehindNginx, matrix, startBehindNginx } from '../support/behind-nginx.ts';
import { chromiumPath, launchChromium, noChromium, watchedPage } from '../support/chromium.ts';
import { nginxPath, noNginx } from '../support/nginx.ts';

const missing = chromiumPath === undefined ? noChromium : nginxPath === undefined ? noNginx : undefined;

describe.skipIf(missing !== undefined)(
  `behind nginx${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let browser: Browser;
    let served: BehindNginx;
    beforeAll(async () => {
      browser = await launchChromium(['--host-resolver-rules=MAP *.example.com 127.0.0.1']);
      served = await startBehindNginx();
    });
    afterAll(async () => {
      await served?.[Symbol.asyncDispose]();
      await browser?.close();
    });

    const watched = (): ReturnType<typeof watchedPage> => watchedPage(browser, { ignoreHTTPSErrors: true });
    const ours = (complaints: readonly string[]): string[] =>
      complaints.filter((line) => !line.includes('/favicon.ico'));

    it('an app that shows the login page of old is signed in', async () => {
      const { context, page, complaints } = await watched();
      const { promise: heard, resolve } = Promise.withResolvers<unknown>();
      await page.exposeFunction('tellApp', resolve);
      await page.addInitScript('window.matrixLogin = { onLogin: (answer) => tellApp(answer) }');
      await page.goto(`${served.base}_matrix/static/client/login/?device_id=A%2FB`);
      await page.getByRole('link', { name: 'Continue' }).click();
      await page.fill('input[name=login]', 'alice');
      await page.click('button:text-is("Sign in")');
      await page.getByRole('button', { name: 'Continue' }).waitFor();
      expect(page.url().startsWith(served.issuer)).toBe(true);
      const cookies = await context.cookies(served.issuer);
      expect(cookies.length).toBeGreaterThan(0);
      for (const cookie of cookies) {
        expect(cookie.name).toMatch(/^__Host-/);
        expect(cookie).toMatchObject({ secure: true, httpOnly: true });
      }
      await page.getByRole('button', { name: 'Continue' }).click();
      expect(await heard).toMatchObject({ user_id: '@alice:example.org', device_id: 'A/B' });
      expect(new URL(page.url()).hostname).toBe(matrix);
      expect(ours(complaints)).toEqual([]);
      await context.close();
    });

    it('a person confirms the removal of a device, and the window that asked hears it from the homeserver’s name', async () => {
      const login = async (deviceId: string): Promise<string> => {
        const { body } = await served.nginx.ask(matrix, '/_matrix/client/v3/login', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            type: 'm.login.password',
            identifier: { type: 'm.id.user', user: 'bob' },
            password: 'password of bob',
            device_id: deviceId,
          }),
        });
        return (JSON.parse(body) as { access_token: string }).access_token;
      };
      const [token] = [await login('KEPT'), await login('GONE/1')];
      const remove = (auth?: object): ReturnType<BehindNginx['nginx']['ask']> =>
        served.nginx.ask(matrix, '/_matrix/client/v3/devices/GONE%2F1', {
          method: 'DELETE',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ auth }),
        });
      const { session } = JSON.parse((await remove()).body) as { session: string };

      const { context, page, complaints } = await watched();
      await page.goto(`${served.base}_matrix/static/client/login/`);
      await page.evaluate(
        'window.heard = []; addEventListener("message", ({ data, origin }) => heard.push({ data, origin }))',
      );
      const opened = context.waitForEvent('page');
      const fallback = `${served.base}_matrix/client/v3/auth/m.login.sso/fallback/web?session=${session}`;
      await page.evaluate(`void window.open(${JSON.stringify(fallback)}, '_blank')`);
      const popup = await opened;
      await popup.getByRole('button', { name: 'Continue' }).click();
      await popup.fill('input[name=login]', 'bob');
      await popup.click('button:text-is("Sign in")');
      await expect
        .poll(() => page.evaluate('window.heard'))
        .toEqual([{ data: 'authDone', origin: new URL(served.base).origin }]);
      expect((await remove({ session })).status).toBe(200);
      expect(ours(complaints)).toEqual([]);
      await context.close();
    });
  },
);
