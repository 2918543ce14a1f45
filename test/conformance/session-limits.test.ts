/** As many sessions as one may have: nothing ends for another one but what the person chose. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { forEachEngine } from '../support/database.ts';
import {
  API_SCOPE,
  DEVICE_SCOPE,
  postForm,
  registerTestClient,
  type TestClient,
  type TokenSet,
} from '../support/oauth-client.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

forEachEngine((engine) => {
  describe('with two sessions a person and one a client', () => {
    let gatehouse: Gatehouse;
    let one: TestClient;
    let two: TestClient;
    let three: TestClient;
    beforeAll(async () => {
      gatehouse = await startGatehouse({
        env: {
          GATEHOUSE__DATABASE__URL: await engine.newUrl(),
          GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
          GATEHOUSE__SESSIONS__LIMITS: '{ per_user: 2, per_client: 1 }',
        },
      });
      for (const login of ['dora', 'erin']) {
        gatehouse.idp.accounts.set(login, { sub: `sub-${login}`, preferred_username: login });
      }
      const register = (name: string): Promise<TestClient> =>
        registerTestClient(gatehouse, {
          client_name: name,
          grant_types: ['authorization_code', 'refresh_token', GRANT],
        });
      [one, two, three] = [await register('App one'), await register('App two'), await register('App three')];
    });
    afterAll(() => gatehouse[Symbol.asyncDispose]());

    const scope = (device: string): string => `${API_SCOPE} ${DEVICE_SCOPE}${device}`;
    const signIn = (client: TestClient, device: string, login: string): Promise<TokenSet> =>
      client.tokens({ login, parameters: { scope: scope(device) } });
    const consent = async (
      client: TestClient,
      device: string,
      login: string,
    ): Promise<{ browser: Browser; page: Page }> => {
      const browser = createBrowser();
      browser.stopAt(client.redirectUri);
      await browser.open(client.authorizeUrl({ scope: scope(device) }));
      const page = await browser.submit({ button: 'Sign in', fields: { login } });
      return { browser, page };
    };
    const isLive = async (tokens: TokenSet): Promise<unknown> =>
      (await gatehouse.introspect(tokens.access_token))['active'];
    /** The name of the box of the session on this device. */
    const boxOf = (page: Page, device: string): string => {
      const box = page.body.split('<label>').find((label) => label.includes(`<bdi>${device}</bdi>`));
      return /name="(end-[^"]+)"/.exec(box ?? '')?.[1] ?? `no box for ${device}`;
    };

    it('the consent page asks which to end, and ends those alone', async () => {
      const first = await signIn(one, 'A1', 'alice');
      const second = await signIn(two, 'A2', 'alice');
      const { browser, page } = await consent(three, 'A3', 'alice');
      expect(page.body).toContain('Choose at least');
      expect(page.body).toContain('App one');
      expect(page.body).toContain('App two');
      const again = await browser.submit({ button: 'Allow' });
      expect(again.status).toBe(400);
      expect(again.stopped).toBe(false);
      expect([await isLive(first), await isLive(second)]).toEqual([true, true]);
      const wrong = await browser.submit({
        button: 'Allow',
        fields: { 'end-0123456789abcdefghjkmnpqrs': 'yes' },
      });
      expect(wrong.status).toBe(400);
      const back = await browser.submit({ button: 'Allow', fields: { [boxOf(page, 'A2')]: 'yes' } });
      expect([await isLive(first), await isLive(second)]).toEqual([true, false]);
      const answer = await three.redeem(new URL(back.url).searchParams.get('code') ?? '');
      expect(answer.status).toBe(200);
      expect(await isLive(first)).toBe(true);
    });

    it('another session of the same client has to go, and the same device is just replaced', async () => {
      const first = await signIn(one, 'B1', 'bob');
      const replaced = await signIn(one, 'B1', 'bob');
      expect([await isLive(first), await isLive(replaced)]).toEqual([false, true]);
      const { browser, page } = await consent(one, 'B2', 'bob');
      expect(page.body).toContain('Choose at least');
      const back = await browser.submit({ button: 'Allow', fields: { [boxOf(page, 'B1')]: 'yes' } });
      expect(back.stopped).toBe(true);
      expect(await isLive(replaced)).toBe(false);
    });

    it('who cancels keeps everything, whatever was chosen', async () => {
      const first = await signIn(one, 'C1', 'carol');
      const second = await signIn(two, 'C2', 'carol');
      const { browser, page } = await consent(three, 'C3', 'carol');
      await browser.submit({ button: 'Cancel', fields: { [boxOf(page, 'C1')]: 'yes' } });
      expect([await isLive(first), await isLive(second)]).toEqual([true, true]);
    });

    it('of two that were allowed at once the later one gets no tokens, and nobody is signed out', async () => {
      const first = await signIn(one, 'D1', 'dora');
      const code = async (client: TestClient, device: string): Promise<string> =>
        (await client.authorize({ login: 'dora', parameters: { scope: scope(device) } })).get('code') ?? '';
      const [left, right] = [await code(two, 'D2'), await code(three, 'D3')];
      expect((await two.redeem(left)).status).toBe(200);
      expect(await three.redeem(right)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(await isLive(first)).toBe(true);
    });

    it('a device is asked for the same', async () => {
      const first = await signIn(one, 'E1', 'erin');
      await signIn(two, 'E2', 'erin');
      const begun = await postForm(`${gatehouse.url}oauth2/device_authorization`, {
        client_id: three.clientId,
        scope: scope('E3'),
      });
      const browser = createBrowser();
      await browser.open(String(begun.body['verification_uri_complete']));
      await browser.submit({ button: 'Continue' });
      const page = await browser.submit({ button: 'Sign in', fields: { login: 'erin' } });
      expect(page.body).toContain('Choose at least');
      expect((await browser.submit({ button: 'Allow' })).status).toBe(400);
      const done = await browser.submit({ button: 'Allow', fields: { [boxOf(page, 'E1')]: 'yes' } });
      expect(done.title).toContain('signed in');
      expect(await isLive(first)).toBe(false);
      const form = { grant_type: GRANT, device_code: String(begun.body['device_code']) };
      expect((await three.token(form)).status).toBe(200);
    });
  });
});
