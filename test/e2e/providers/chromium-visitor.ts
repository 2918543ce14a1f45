/** A visitor with JavaScript, for providers whose pages are programs. */
import type { Page } from 'playwright-core';
import { launchChromium } from '../../support/chromium.ts';
import type { Person, Visitor } from './real-provider.ts';

/** `answer` does what the provider's page that is shown asks for, ends when that page has been left, and says if it gave the password. */
export async function chromiumVisitor(
  answer: (page: Page, person: Person) => Promise<boolean>,
): Promise<Visitor> {
  const browser = await launchChromium();
  const page = await (await browser.newContext({ locale: 'en' })).newPage();
  page.setDefaultTimeout(20_000);
  let arrived: string | undefined;
  return {
    async signIn(authorizationUrl, redirectUri, person) {
      const { origin } = new URL(authorizationUrl);
      arrived = undefined;
      let asked = false;
      await page.unrouteAll();
      await page.route(
        (url) => url.href.startsWith(redirectUri),
        async (route) => {
          arrived = route.request().url();
          await route.fulfill({ status: 200, body: 'arrived' });
        },
      );
      await page.goto(authorizationUrl);
      for (let step = 0; step < 6 && arrived === undefined; step += 1) {
        if (new URL(page.url()).origin === origin) {
          await page.getByRole('button', { name: /^(Allow|Continue)$/ }).click();
          await page.waitForURL((url) => url.href.startsWith(redirectUri));
        } else {
          asked ||= await answer(page, person).catch(async (cause: unknown) => {
            throw new Error(`stuck at ${page.url()}: ${await page.locator('body').innerText()}`, { cause });
          });
        }
      }
      if (arrived === undefined) {
        throw new Error(`the way ends at ${page.url()}: ${await page.locator('body').innerText()}`);
      }
      return { url: new URL(arrived), asked };
    },
    close: () => browser.close(),
  };
}
