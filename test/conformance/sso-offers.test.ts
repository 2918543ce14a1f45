/** Single sign-on of legacy clients by what the operator switched on: off, alone, with several providers, across a restart, limited. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { startService } from '../../src/service.ts';
import { type Gatehouse, type GatehouseOptions, startGatehouse } from '../peers/gatehouse.ts';
import { startIdp } from '../peers/idp.ts';
import { createBrowser } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { ask, postForm } from '../support/oauth-client.ts';
import { APP_URL, goThroughIdp, loginTokenOf, logInWith, ssoUrl } from '../support/sso.ts';

const unrecognised = { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: expect.any(String) } };
const flowsOf = async (at: Gatehouse): Promise<unknown> =>
  (await ask(`${at.url}_matrix/client/v3/login`)).body['flows'];
const startWith = (env: Record<string, string>, more: GatehouseOptions = {}): Promise<Gatehouse> =>
  startGatehouse({ env, validateResponses: true, ...more });

async function expectNoSso(at: Gatehouse): Promise<void> {
  expect(await ask(ssoUrl(at))).toMatchObject(unrecognised);
  expect(await ask(ssoUrl(at, { idp: 'main' }))).toMatchObject(unrecognised);
  expect(await ask(`${at.url}_matrix/static/client/login/`)).toMatchObject(unrecognised);
  expect((await ask(`${at.url}sign-in/sso?redirectUrl=${encodeURIComponent(APP_URL)}`)).status).toBe(404);
}

describe('single sign-on', () => {
  it('switched off, and no passwords either: there is no legacy login, by 404 M_UNRECOGNIZED', async () => {
    await using off = await startWith({ GATEHOUSE__LEGACY_LOGIN__SSO: 'false' });
    const answer = await ask(`${off.url}_matrix/client/v3/login`);
    expect(answer).toMatchObject(unrecognised);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    await expectNoSso(off);
    const page = await ask(ssoUrl(off), { headers: { accept: 'text/html' } });
    expect(page.status).toBe(404);
    expect(page.body['text']).toContain('Single sign-on is switched off on this server.');
  });

  it('switched off, with passwords: the one flow is theirs', async () => {
    await using off = await startWith({
      GATEHOUSE__LEGACY_LOGIN__SSO: 'false',
      GATEHOUSE__LEGACY_LOGIN__PASSWORD: 'true',
    });
    expect(await flowsOf(off)).toEqual([{ type: 'm.login.password' }]);
    await expectNoSso(off);
  });

  it('and passwords: three flows', async () => {
    await using both = await startWith({ GATEHOUSE__LEGACY_LOGIN__PASSWORD: 'true' });
    expect(await flowsOf(both)).toMatchObject([
      { type: 'm.login.sso' },
      { type: 'm.login.token' },
      { type: 'm.login.password' },
    ]);
  });

  it('is there in passthrough mode too, beside the tokens of the provider', async () => {
    await using passthrough = await startWith({ GATEHOUSE__MODE: 'passthrough' });
    expect(await flowsOf(passthrough)).toMatchObject([{ type: 'm.login.sso' }, { type: 'm.login.token' }]);
  });

  it('without the OAuth API beside it is all there is: nothing prefers OAuth, and homeserver and sign-outs work', async () => {
    await using alone = await startWith({ GATEHOUSE__OAUTH_API: 'false' }, { idp: { tellsSessions: true } });
    alone.idp.setBackchannelLogoutUri(`${alone.url}upstream/main/backchannel-logout`);
    const [sso] = (await flowsOf(alone)) as Record<string, unknown>[];
    expect(sso).toEqual({ type: 'm.login.sso', identity_providers: [{ id: 'main', name: 'main' }] });
    const browser = createBrowser();
    await goThroughIdp(browser, ssoUrl(alone));
    await browser.follow('Use another account');
    await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    const back = await browser.submit({ button: 'Continue' });
    const { body } = await logInWith(alone, new URL(back.url).searchParams.get('loginToken') ?? '');
    expect(await alone.introspect(String(body['access_token']))).toMatchObject({
      active: true,
      username: 'alice',
    });
    expect((await browser.open(`${alone.url}account`)).text).toContain('@alice:example.org');
    await alone.idp.sendBackchannelLogout('alice');
    expect(await alone.introspect(String(body['access_token']))).toMatchObject({ active: false });
    for (const path of ['oauth2/authorize', 'consent/x', 'device', '_matrix/client/v1/auth_metadata']) {
      expect((await ask(alone.url + path)).status, path).toBe(404);
    }
    expect((await postForm(`${alone.url}oauth2/token`, { grant_type: 'refresh_token' })).status).toBe(404);
  });

  it('of several providers leads to the one that was chosen in the app, or here', async () => {
    const second = await startIdp({
      accounts: { zoe: { sub: 'sub-of-zoe', preferred_username: 'zoe', name: 'Zoe' } },
    });
    await using several = await startWith({
      GATEHOUSE__PROVIDERS__0__PRESET: 'gitlab',
      GATEHOUSE__PROVIDERS__1__ID: 'second',
      GATEHOUSE__PROVIDERS__1__NAME: 'Second one',
      GATEHOUSE__PROVIDERS__1__BRAND: 'org.example.brand',
      GATEHOUSE__PROVIDERS__1__ISSUER: second.issuer,
      GATEHOUSE__PROVIDERS__1__CLIENT_ID: second.clientId,
      GATEHOUSE__PROVIDERS__1__CLIENT_SECRET: second.clientSecret,
    });
    second.setRedirectUris(`${several.url}upstream/second/callback`);
    expect(await flowsOf(several)).toMatchObject([
      {
        identity_providers: [
          { id: 'main', name: 'main', brand: 'gitlab' },
          { id: 'second', name: 'Second one', brand: 'org.example.brand' },
        ],
      },
      { type: 'm.login.token' },
    ]);
    const browser = createBrowser();
    await browser.open(ssoUrl(several, { idp: 'second' }));
    expect(browser.page.url.startsWith(second.issuer)).toBe(true);
    const question = await browser.submit({ button: 'Sign in', fields: { login: 'zoe' } });
    expect(question.text).toContain('@zoe:example.org');
    const chooser = await createBrowser().open(ssoUrl(several));
    expect(chooser.title).toBe('Where do you want to sign in?');
    const chosen = createBrowser();
    await chosen.open(ssoUrl(several));
    expect((await chosen.follow('main')).url.startsWith(several.idp.issuer)).toBe(true);
    await second.close();
  });

  it('is limited for each address, as other sign-ins are', async () => {
    await using limited = await startWith({ GATEHOUSE__LIMITS__SIGN_INS_PER_ADDRESS: '2' });
    const url = `${limited.url}sign-in/sso?redirectUrl=${encodeURIComponent(APP_URL)}`;
    expect((await ask(url)).status).toBe(303);
    expect((await ask(url)).status).toBe(303);
    const third = await ask(url, { headers: { accept: 'text/html' } });
    expect(third.status).toBe(429);
    expect(third.headers.get('retry-after')).toMatch(/^\d+$/);
  });

  it('tells a person before they go on that they have as many sessions as they may have', async () => {
    await using crowded = await startWith({ GATEHOUSE__SESSIONS__LIMITS__PER_USER: '1' });
    const first = await goThroughIdp(createBrowser(), ssoUrl(crowded));
    expect(first.text).not.toContain('maximum number of sessions');
    expect((await logInWith(crowded, await loginTokenOf(crowded), { device_id: 'ONE' })).status).toBe(200);
    const browser = createBrowser();
    const second = await goThroughIdp(browser, ssoUrl(crowded));
    expect(second.text).toContain('You have reached the maximum number of sessions');
    expect(second.links.map(({ href }) => href)).toContain(`${crowded.url}account`);
    const back = await browser.submit({ button: 'Continue' });
    const token = new URL(back.url).searchParams.get('loginToken') ?? '';
    expect((await logInWith(crowded, token, { device_id: 'TWO' })).status).toBe(403);
    // The token is as good as before: where the person is signed in already, it signs them in again.
    expect((await logInWith(crowded, token, { device_id: 'ONE' })).status).toBe(200);
  });

  it('says so, and can be tried again, while the IdP is down', async () => {
    await using gatehouse = await startWith({});
    const browser = createBrowser();
    browser.stopAt(`${gatehouse.url}upstream/`);
    await browser.open(ssoUrl(gatehouse));
    const callback = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    browser.stopAt(APP_URL);
    await gatehouse.idp.goDown();
    const page = await browser.open(callback.url);
    expect(page.status).toBe(503);
    await gatehouse.idp.comeBack();
    expect((await browser.follow('Try again')).title).toBe('Continue to app.example.com?');
    expect((await browser.submit({ button: 'Continue' })).url).toContain('loginToken=glt_');
  });

  it('lives as long as the operator says', async () => {
    await using gatehouse = await startWith({ GATEHOUSE__LEGACY_LOGIN__LOGIN_TOKEN_TTL_SECONDS: '1' });
    const token = await loginTokenOf(gatehouse);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await logInWith(gatehouse, token)).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
  });

  it('works under a path, with the Matrix routes at the root of the host too', async () => {
    await using below = await startWith({}, { path: '/auth/' });
    const root = new URL('/', below.url).href;
    for (const at of [below.url, root]) {
      const browser = createBrowser();
      const question = await goThroughIdp(browser, ssoUrl({ url: at }));
      expect(question.url.startsWith(`${below.url}sign-in/`)).toBe(true);
      const back = await browser.submit({ button: 'Continue' });
      const token = new URL(back.url).searchParams.get('loginToken') ?? '';
      expect((await logInWith({ url: at }, token)).status).toBe(200);
    }
  });
});

forEachEngine((engine) => {
  it('a restart between any two steps is not noticed', async () => {
    const idp = await startIdp();
    const port = await freePort();
    const url = `http://127.0.0.1:${String(port)}/`;
    idp.setRedirectUris(`${url}upstream/main/callback`);
    await using folderOf = await startGatehouse();
    const file = join(folderOf.folder, 'restarted.yaml');
    writeFileSync(
      file,
      readFileSync(join(folderOf.folder, 'gatehouse.yaml'), 'utf8')
        .replaceAll(folderOf.url, url)
        .replace(/port: \d+ }\noperations/, `port: ${String(port)} }\noperations`)
        .replace(folderOf.idp.issuer, idp.issuer)
        .replace(folderOf.idp.clientSecret, idp.clientSecret),
    );
    const env = await databaseOf(engine);
    let service = await startService({ config: loadConfig(file, env) });
    const restart = async (): Promise<void> => {
      await service.close();
      service = await startService({ config: loadConfig(file, env) });
    };
    const browser = createBrowser();
    browser.stopAt(`${url}upstream/`);
    await browser.open(ssoUrl({ url }));
    await restart();
    const callback = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    browser.stopAt(APP_URL);
    const question = await browser.open(callback.url);
    expect(question.title).toBe('Continue to app.example.com?');
    await restart();
    const back = await browser.submit({ button: 'Continue' });
    await restart();
    const token = new URL(back.url).searchParams.get('loginToken') ?? '';
    expect((await logInWith({ url }, token)).status).toBe(200);
    await restart();
    expect((await logInWith({ url }, token)).status).toBe(403);
    await service.close();
    await idp.close();
  });
});
