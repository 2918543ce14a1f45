/** Legacy login by single sign-on, as a client and a person without JavaScript see it, behind a real IdP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noHomeserver } from '../../src/homeserver/none.ts';
import { type Clock, systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { deactivatePerson, lockPerson, unlockPerson } from '../../src/people/people.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { openDatabase } from '../../src/storage/engine/open-database.ts';
import { findUserByLocalpart } from '../../src/storage/records/users.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser, type Page } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { ask, postForm } from '../support/oauth-client.ts';
import { APP_URL, goThroughIdp, loginTokenOf, logInWith, ssoUrl } from '../support/sso.ts';

const HTML = { headers: { accept: 'text/html' } };

forEachEngine((engine) => {
  let offset = 0;
  const clock: Clock = {
    now: () => systemClock.now() + offset,
    monotonic: () => systemClock.monotonic() + offset,
  };
  let gatehouse: Gatehouse;
  let db: Database;
  beforeAll(async () => {
    const env = await databaseOf(engine);
    gatehouse = await startGatehouse({
      idp: { tellsSessions: true },
      env: {
        ...env,
        GATEHOUSE__LIMITS__SIGN_INS_PER_ADDRESS: '10000',
        GATEHOUSE__PROVIDERS__0__NAME: 'Example account',
        GATEHOUSE__PROVIDERS__0__BRAND: 'github',
        GATEHOUSE__PROVIDERS__0__ICON: 'mxc://example.org/icon',
        GATEHOUSE__LEGACY_LOGIN__TRUSTED_REDIRECTS:
          '["https://trusted.example.com/chat", "im.trusted://login"]',
      },
      clock,
      validateResponses: true,
    });
    gatehouse.idp.setBackchannelLogoutUri(`${gatehouse.url}upstream/main/backchannel-logout`);
    const url = env['GATEHOUSE__DATABASE__URL'] ?? '';
    db = await openDatabase({ url, clock: systemClock, random: systemRandom });
  });
  afterAll(async () => {
    await db.close();
    await gatehouse[Symbol.asyncDispose]();
  });

  const matrix = (path: string): string => `${gatehouse.url}_matrix/client/${path}`;
  const toConfirmation = (login = 'alice', browser = createBrowser()): Promise<Page> =>
    goThroughIdp(browser, ssoUrl(gatehouse), { login });
  const refused = { status: 403, body: { errcode: 'M_FORBIDDEN', error: expect.any(String) } };

  describe('GET /login', () => {
    it.each(['r0', 'v3'])(
      'on %s tells of single sign-on, which clients with OAuth are to prefer',
      async (version) => {
        const answer = await ask(matrix(`${version}/login`));
        expect(answer.status).toBe(200);
        expect(answer.body).toEqual({
          flows: [
            {
              type: 'm.login.sso',
              identity_providers: [
                { id: 'main', name: 'Example account', icon: 'mxc://example.org/icon', brand: 'github' },
              ],
              oauth_aware_preferred: true,
              'org.matrix.msc3824.delegated_oidc_compatibility': true,
            },
            { type: 'm.login.token' },
          ],
        });
        expect(answer.headers.get('content-type')).toBe('application/json');
        expect(answer.headers.get('access-control-allow-origin')).toBe('*');
        expect(answer.headers.get('cache-control')).toMatch(/max-age=\d+/);
        const etag = answer.headers.get('etag') ?? '';
        const again = await ask(matrix(`${version}/login`), { headers: { 'if-none-match': etag } });
        expect(again.status).toBe(304);
      },
    );

    it('other methods are 405, preflights run nothing', async () => {
      const wrong = await ask(matrix('v3/login'), { method: 'PUT' });
      expect(wrong).toMatchObject({ status: 405, body: { errcode: 'M_UNRECOGNIZED' } });
      expect(wrong.headers.get('allow')).toContain('GET');
      expect((await ask(matrix('v3/login'), { method: 'OPTIONS' })).status).toBe(204);
    });
  });

  describe('the whole way', () => {
    it('leads through the IdP and a question to a login token, and with it to a session', async () => {
      const browser = createBrowser();
      const question = await toConfirmation('alice', browser);
      expect(question.title).toBe('Continue to app.example.com?');
      expect(question.text).toContain('@alice:example.org');
      expect(question.text).toContain('Alice Liddell');
      const back = new URL((await browser.submit({ button: 'Continue' })).url);
      expect(back.href.startsWith(APP_URL)).toBe(true);
      const token = back.searchParams.get('loginToken') ?? '';
      expect(token).toMatch(/^glt_/);
      const answer = await logInWith(gatehouse, token, { device_id: 'SSODEVICE' });
      expect(answer).toMatchObject({
        status: 200,
        body: { user_id: '@alice:example.org', device_id: 'SSODEVICE', access_token: expect.any(String) },
      });
      expect(await gatehouse.introspect(String(answer.body['access_token']))).toMatchObject({
        active: true,
        username: 'alice',
        device_id: 'SSODEVICE',
      });
    });

    it.each([
      ['r0', undefined],
      ['v3', 'main'],
      ['r0', 'main'],
      ['unstable/org.matrix.msc2858', undefined],
      ['unstable/org.matrix.msc2858', 'main'],
    ])('begins under %s with the provider %s', async (version, idp) => {
      const url = ssoUrl(gatehouse, { version, ...(idp === undefined ? {} : { idp }) });
      const first = await ask(url);
      expect(first.status).toBe(302);
      expect(first.headers.get('cache-control')).toBe('no-store');
      expect(first.headers.get('set-cookie')).toBeNull();
      const page = await goThroughIdp(createBrowser(), url);
      expect(page.title).toBe('Continue to app.example.com?');
    });

    it('begins on our own host, wherever the client went: its cookie has to come back from the IdP', async () => {
      const elsewhere = ssoUrl(gatehouse).replace('127.0.0.1', 'localhost');
      const first = await ask(elsewhere);
      expect(first.headers.get('location')?.startsWith(`${gatehouse.url}sign-in/sso?`)).toBe(true);
      expect((await goThroughIdp(createBrowser(), elsewhere)).title).toBe('Continue to app.example.com?');
    });

    it.each([
      [
        'https://app.example.com/?a=1&loginToken=old&b=%2f+#/home?loginToken=kept',
        '?a=1&b=%2f+&',
        '#/home?loginToken=kept',
      ],
      ['https://app.example.com/?login%54oken=old', '?', ''],
      ['https://app.example.com/x?<ab c>&q"="fö%26"', '?%3Cab%20c%3E&q%22=%22f%C3%B6%26%22&', ''],
    ])('adds the token to %s, and changes nothing else', async (redirectUrl, before, after) => {
      const browser = createBrowser();
      await goThroughIdp(browser, ssoUrl(gatehouse, { redirectUrl }));
      const page = await browser.open(browser.page.url);
      const form = page.forms[0];
      const answer = await postForm(form?.action ?? '', Object.fromEntries(form?.fields ?? []), {
        cookie: Object.entries(browser.cookies(page.url))
          .map((pair) => pair.join('='))
          .join('; '),
      });
      expect(answer.status).toBe(303);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const location = answer.headers.get('location') ?? '';
      expect(location.replace(/loginToken=glt_[^#]+/, 'loginToken=T')).toBe(
        `${redirectUrl.split('?')[0] ?? ''}${before}loginToken=T${after}`,
      );
    });

    it('leads to the scheme of an app as well', async () => {
      const browser = createBrowser();
      const url = ssoUrl(gatehouse, { redirectUrl: 'element://connect?x=1' });
      const question = await goThroughIdp(browser, url, { stopAt: 'element:' });
      expect(question.title).toBe('Continue to the app behind element:?');
      const back = await browser.submit({ button: 'Continue' });
      expect(back.url).toMatch(/^element:\/\/connect\?x=1&loginToken=glt_/);
    });

    it('warns where the way to the app is not encrypted, and not on this computer', async () => {
      const abroad = await goThroughIdp(
        createBrowser(),
        ssoUrl(gatehouse, { redirectUrl: 'http://app.example.com/' }),
      );
      expect(abroad.title).toBe('Continue to http://app.example.com?');
      expect(abroad.text).toContain('not encrypted');
      const here = await goThroughIdp(
        createBrowser(),
        ssoUrl(gatehouse, { redirectUrl: 'http://localhost:8080/' }),
      );
      expect(here.title).toBe('Continue to an app on this computer?');
      expect(here.text).not.toContain('not encrypted');
    });

    it('goes on after another account was chosen, as that one', async () => {
      const browser = createBrowser();
      const question = await toConfirmation('alice', browser);
      await browser.follow('Use another account');
      const other = await browser.submit({ button: 'Sign in', fields: { login: 'bob' } });
      expect(other.text).toContain('@bob:example.org');
      // The form that was made for Alice is out of date.
      expect((await browser.submit({ button: 'Continue' }, question)).status).toBe(403);
      const back = await browser.submit({ button: 'Continue' }, other);
      const answer = await logInWith(gatehouse, new URL(back.url).searchParams.get('loginToken') ?? '');
      expect(answer.body).toMatchObject({ user_id: '@bob:example.org' });
    });
  });

  describe('redirectUrl', () => {
    it.each([
      'javascript:alert(1)',
      'data:text/html,x',
      'https:app.example.com',
      'https://user@app.example.com/',
      '//app.example.com/',
      'app.example.com',
      'https://app.example.com/\r\nx',
    ])('%j is refused before anybody signs in', async (redirectUrl) => {
      for (const url of [
        ssoUrl(gatehouse, { redirectUrl }),
        ssoUrl(gatehouse, { redirectUrl, idp: 'main' }),
      ]) {
        const answer = await ask(url);
        expect(answer).toMatchObject({
          status: 400,
          body: { errcode: 'M_INVALID_PARAM', error: expect.stringMatching(/^redirectUrl /) },
        });
        expect(answer.headers.get('cache-control')).toBe('no-store');
      }
      const own = `${gatehouse.url}sign-in/sso?${new URLSearchParams({ redirectUrl }).toString()}`;
      const answer = await ask(own, HTML);
      expect(answer.status).toBe(400);
      expect(answer.headers.getSetCookie()).toEqual([]);
      expect(answer.body['text']).toContain('Go back to the app');
      expect(answer.body['text']).toMatch(/Details: <[^>]*>redirectUrl /);
    });

    it('missing, empty or given twice: M_MISSING_PARAM or M_INVALID_PARAM, or a page for a person', async () => {
      const url = matrix('v3/login/sso/redirect');
      const missing = await ask(url);
      expect(missing).toMatchObject({
        status: 400,
        body: { errcode: 'M_MISSING_PARAM', error: expect.any(String) },
      });
      expect(missing.headers.get('access-control-allow-origin')).toBe('*');
      expect(await ask(`${url}?redirectUrl=`)).toMatchObject({ status: 400 });
      expect(await ask(`${url}?redirectUrl=https://a.example/&redirectUrl=https://b.example/`)).toMatchObject(
        {
          status: 400,
          body: { errcode: 'M_INVALID_PARAM' },
        },
      );
      const page = await ask(url, HTML);
      expect(page.status).toBe(400);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      for (const own of [
        '',
        '?redirectUrl=',
        '?redirectUrl=https://a.example/&redirectUrl=https://b.example/',
      ]) {
        expect((await ask(`${gatehouse.url}sign-in/sso${own}`, HTML)).status).toBe(400);
      }
    });

    it('that the operator lists gets its token without a question, and no other like it', async () => {
      for (const redirectUrl of ['https://trusted.example.com/chat/?x#y', 'im.trusted://login']) {
        const stopAt = redirectUrl.slice(0, 20);
        const back = await goThroughIdp(createBrowser(), ssoUrl(gatehouse, { redirectUrl }), { stopAt });
        expect(back.stopped).toBe(true);
        const token = new URL(back.url).searchParams.get('loginToken') ?? '';
        expect((await logInWith(gatehouse, token)).status).toBe(200);
      }
      for (const redirectUrl of [
        'https://trusted.example.com/',
        'https://trusted.example.com/chatter',
        'https://trusted.example.com/chat/../admin',
        'https://trusted.example.com/chat/..%2fadmin',
        'http://trusted.example.com/chat',
        'https://trusted.example.com:8443/chat',
        'https://trusted.example.com.evil.example/chat',
        'im.trusted://login.evil',
      ]) {
        const page = await goThroughIdp(createBrowser(), ssoUrl(gatehouse, { redirectUrl }));
        expect(page.title, redirectUrl).toMatch(/^Continue to /);
      }
    });

    it('is shown as text, whatever it is', async () => {
      const redirectUrl = 'x<b>"\'://h';
      expect((await ask(ssoUrl(gatehouse, { redirectUrl }))).status).toBe(400);
      const page = await goThroughIdp(
        createBrowser(),
        ssoUrl(gatehouse, { redirectUrl: 'https://xn--pple-43d.example/<script>alert(1)</script>' }),
      );
      expect(page.body).not.toContain('<script>');
      expect(page.title).toBe('Continue to xn--pple-43d.example?');
    });
  });

  describe('the request', () => {
    it('for a provider that there is not: 404, told to a person in words', async () => {
      const url = ssoUrl(gatehouse, { idp: 'nobody' });
      expect(await ask(url)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
      const page = await ask(url, HTML);
      expect(page.status).toBe(404);
      expect(page.body['text']).toContain('There is no such identity provider here');
      const own = `${gatehouse.url}sign-in/sso?idp=nobody&redirectUrl=${encodeURIComponent(APP_URL)}`;
      expect((await ask(own, HTML)).status).toBe(404);
    });

    it.each(['v3/login/cas/redirect', 'r0/login/cas/redirect', 'v3/login/cas/ticket'])(
      'for the removed %s: 404 M_UNRECOGNIZED',
      async (path) => {
        const answer = await ask(matrix(`${path}?redirectUrl=${encodeURIComponent(APP_URL)}`));
        expect(answer).toMatchObject({
          status: 404,
          body: { errcode: 'M_UNRECOGNIZED', error: expect.any(String) },
        });
      },
    );

    it('with another method: 405', async () => {
      for (const path of ['v3/login/sso/redirect', 'v3/login/sso/redirect/main']) {
        const answer = await ask(matrix(path), { method: 'POST' });
        expect(answer).toMatchObject({
          status: 405,
          body: { errcode: 'M_UNRECOGNIZED', error: expect.any(String) },
        });
      }
    });

    it('to register asks only an IdP that creates accounts for it; any other action is a login', async () => {
      await using capable = await startGatehouse({
        beforeStart: (idp) => {
          idp.faults.discovery = (document) => ({
            ...document,
            prompt_values_supported: ['login', 'create'],
          });
        },
      });
      const promptOf = async (at: Gatehouse, more: Record<string, string>): Promise<string | null> => {
        const own = (await ask(ssoUrl(at, { more }))).headers.get('location') ?? '';
        const location = (await ask(own)).headers.get('location') ?? '';
        expect(location.startsWith(at.idp.issuer)).toBe(true);
        return new URL(location).searchParams.get('prompt');
      };
      const older = 'org.matrix.msc3824.action';
      expect(await promptOf(gatehouse, { action: 'register' })).toBeNull();
      expect(await promptOf(capable, { action: 'register' })).toBe('create');
      expect(await promptOf(capable, { [older]: 'register' })).toBe('create');
      expect(await promptOf(capable, { action: 'register', [older]: 'register' })).toBe('create');
      expect(await promptOf(capable, { action: 'login', [older]: 'register' })).toBeNull();
      expect(await promptOf(capable, { action: 'login' })).toBeNull();
      expect(await promptOf(capable, { action: 'dance' })).toBeNull();
    });
  });

  describe('the question', () => {
    it('is for nobody but this browser, kept by nobody, framed by nobody', async () => {
      const browser = createBrowser();
      const question = await toConfirmation('alice', browser);
      expect(question.headers.get('cache-control')).toBe('no-store');
      expect(question.headers.get('x-frame-options')).toBe('DENY');
      const policy = question.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("default-src 'none'");
      // It would block the redirect to the app.
      expect(policy).not.toContain('form-action');
      expect(question.headers.get('access-control-allow-origin')).toBeNull();
      expect((await createBrowser().open(question.url)).status).toBe(403);
      expect((await createBrowser().submit({ button: 'Continue' }, question)).status).toBe(403);
    });

    it('takes no form that was not its own', async () => {
      const browser = createBrowser();
      const question = await toConfirmation('alice', browser);
      const cookie = Object.entries(browser.cookies(question.url))
        .map((pair) => pair.join('='))
        .join('; ');
      const csrf = new Map(question.forms[0]?.fields).get('csrf') ?? '';
      const post = (form: Record<string, string>, headers: Record<string, string> = {}): Promise<number> =>
        postForm(question.url, form, { cookie, ...headers }).then(({ status }) => status);
      expect(await post({ decision: 'continue' })).toBe(403);
      expect(await post({ decision: 'continue', csrf: 'x' })).toBe(403);
      const other = createBrowser();
      const others = await toConfirmation('bob', other);
      const foreign = new Map(others.forms[0]?.fields).get('csrf') ?? '';
      expect(await post({ decision: 'continue', csrf: foreign })).toBe(403);
      expect(await post({ decision: 'continue', csrf }, { origin: 'https://evil.example' })).toBe(403);
      expect(await post({ decision: 'continue', csrf }, { 'sec-fetch-site': 'cross-site' })).toBe(403);
      expect(await post({ decision: 'continue', csrf }, { cookie: '' })).toBe(403);
      expect(await post({ decision: 'continue', csrf })).toBe(303);
    });

    it('is answered once: a second answer gets no second token', async () => {
      const browser = createBrowser();
      const question = await toConfirmation('alice', browser);
      const csrf = new Map(question.forms[0]?.fields).get('csrf') ?? '';
      const cookie = Object.entries(browser.cookies(question.url))
        .map((pair) => pair.join('='))
        .join('; ');
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => postForm(question.url, { csrf, decision: 'continue' }, { cookie })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([303, 400, 400, 400, 400, 400]);
      expect((await postForm(question.url, { csrf, decision: 'continue' }, { cookie })).status).toBe(400);
      expect((await ask(question.url, { headers: { cookie } })).status).toBe(400);
    });

    it('answered with no: nothing is sent, and the person can close the page', async () => {
      const browser = createBrowser();
      await toConfirmation('alice', browser);
      const page = await browser.submit({ button: 'Cancel' });
      expect(page.status).toBe(200);
      expect(page.text).toContain('Nothing was sent to app.example.com. You can close this page.');
      expect((await browser.open(page.url)).status).toBe(403);
    });

    it('anything but yes is a no', async () => {
      const browser = createBrowser();
      await toConfirmation('alice', browser);
      const page = await browser.submit({ button: 'Continue', fields: { decision: 'perhaps' } });
      expect(page.title).toBe('You were not signed in');
    });

    it('belongs to one tab: two go their own ways', async () => {
      const browser = createBrowser();
      const first = await toConfirmation('alice', browser);
      const second = await goThroughIdp(
        browser,
        ssoUrl(gatehouse, { redirectUrl: 'https://app.example.com/second' }),
      );
      expect(second.url).not.toBe(first.url);
      const one = await browser.submit({ button: 'Continue' }, first);
      const two = await browser.submit({ button: 'Continue' }, second);
      expect(new URL(one.url).pathname).toBe('/');
      expect(new URL(two.url).pathname).toBe('/second');
      for (const page of [one, two]) {
        const token = new URL(page.url).searchParams.get('loginToken') ?? '';
        expect((await logInWith(gatehouse, token)).status).toBe(200);
      }
    });

    it('is not reached by the answer of the IdP a second time, nor in another browser', async () => {
      const browser = createBrowser();
      browser.stopAt(`${gatehouse.url}upstream/`);
      await browser.open(ssoUrl(gatehouse));
      const callback = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      expect((await createBrowser().open(callback.url)).status).toBe(400);
      browser.stopAt();
      expect((await browser.open(callback.url)).title).toBe('Continue to app.example.com?');
      expect((await browser.open(callback.url)).status).toBe(400);
    });

    it('is not asked for a sign-in that was for something else, nor does such a page take this one', async () => {
      const browser = createBrowser();
      const question = await toConfirmation('alice', browser);
      const id = /sign-in\/([0-9a-z]+)\/continue/.exec(question.url)?.[1] ?? '';
      expect((await browser.open(`${gatehouse.url}consent/${id}`)).status).toBe(403);
      expect((await browser.open(`${gatehouse.url}account/welcome/${id}`)).status).toBe(403);
      const visit = createBrowser();
      visit.stopAt(`${gatehouse.url}account/welcome`);
      await visit.open(`${gatehouse.url}account`);
      const welcome = await visit.submit({ button: 'Sign in', fields: { login: 'alice' } });
      const other = /welcome\/([0-9a-z]+)/.exec(welcome.url)?.[1] ?? '';
      visit.stopAt();
      expect((await visit.open(`${gatehouse.url}sign-in/${other}/continue`)).status).toBe(403);
    });

    it('is too old after half an hour', async () => {
      const browser = createBrowser();
      const question = await toConfirmation('alice', browser);
      offset += 31 * 60_000;
      expect((await browser.submit({ button: 'Continue' }, question)).status).toBe(404);
      offset = 0;
    });
  });

  it('what the IdP refuses is told, with a way back that says where it leads', async () => {
    const browser = createBrowser();
    await browser.open(ssoUrl(gatehouse));
    const page = await browser.submit({ button: 'Cancel' });
    expect(page.status).toBe(403);
    const back = page.links.find(({ label }) => label === 'Return to app.example.com');
    expect(back?.href).toBe(APP_URL);
  });

  describe('the login token', () => {
    it('works once; of many at once, for one', async () => {
      const token = await loginTokenOf(gatehouse);
      const answers = await Promise.all(Array.from({ length: 8 }, () => logInWith(gatehouse, token)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403, 403, 403, 403, 403]);
      expect(await logInWith(gatehouse, token)).toMatchObject(refused);
    });

    it('lives ten seconds', async () => {
      const early = await loginTokenOf(gatehouse);
      offset = 9000;
      expect((await logInWith(gatehouse, early)).status).toBe(200);
      offset = 0;
      const late = await loginTokenOf(gatehouse);
      offset = 10_001;
      expect(await logInWith(gatehouse, late)).toMatchObject(refused);
      offset = 0;
    });

    it('is stored nowhere but as a hash', async () => {
      const token = await loginTokenOf(gatehouse);
      const rows = await db.query.selectFrom('login_tokens').selectAll().execute();
      expect(rows.length).toBeGreaterThan(0);
      expect(JSON.stringify(rows)).not.toContain(token);
      expect(JSON.stringify(rows)).not.toContain(token.slice(4, 30));
    });

    it.each(['', 'x', 'glt_', `glt_${'A'.repeat(49)}`])('that is none (%j) is refused', async (token) => {
      expect(await logInWith(gatehouse, token)).toMatchObject({
        status: 403,
        body: { errcode: 'M_FORBIDDEN' },
      });
    });

    it('comes to nothing with a sign-out at the IdP, a question that is not answered yet as well', async () => {
      const browser = createBrowser();
      const question = await toConfirmation('carol', browser);
      const token = await loginTokenOf(gatehouse, 'carol');
      await gatehouse.idp.sendBackchannelLogout('carol');
      expect(await logInWith(gatehouse, token)).toMatchObject(refused);
      expect((await browser.submit({ button: 'Continue' }, question)).status).toBe(400);
    });

    it('carries the session at the IdP, whose end ends what was logged in with it', async () => {
      const token = await loginTokenOf(gatehouse, 'carol');
      const { body } = await logInWith(gatehouse, token);
      const accessToken = String(body['access_token']);
      expect(await gatehouse.introspect(accessToken)).toMatchObject({ active: true });
      await gatehouse.idp.sendBackchannelLogout('carol');
      expect(await gatehouse.introspect(accessToken)).toMatchObject({ active: false });
    });

    const people = {
      clock: systemClock,
      random: systemRandom,
      homeserver: noHomeserver,
      log: { warn: () => undefined },
      emit: () => undefined,
    };

    it('of somebody who is locked is given, and the login says that they are', async () => {
      const first = await loginTokenOf(gatehouse, 'bob');
      expect((await logInWith(gatehouse, first)).status).toBe(200);
      const user = await findUserByLocalpart(db.query, 'bob');
      if (user === undefined) throw new Error('no bob');
      await lockPerson({ ...people, db }, user.id);
      const token = await loginTokenOf(gatehouse, 'bob');
      expect(await logInWith(gatehouse, token)).toMatchObject({
        status: 401,
        body: { errcode: 'M_USER_LOCKED', soft_logout: true },
      });
      await unlockPerson({ ...people, db }, user.id);
    });

    it('of somebody who is deactivated meanwhile is worth nothing, and there is no new one', async () => {
      gatehouse.idp.accounts.set('dora', { sub: 'sub-of-dora', preferred_username: 'dora', name: 'Dora' });
      const token = await loginTokenOf(gatehouse, 'dora');
      const browser = createBrowser();
      const question = await toConfirmation('dora', browser);
      const user = await findUserByLocalpart(db.query, 'dora');
      if (user === undefined) throw new Error('no dora');
      await deactivatePerson({ ...people, db }, user.id);
      expect((await logInWith(gatehouse, token)).status).toBe(403);
      expect((await browser.submit({ button: 'Continue' }, question)).status).toBe(400);
      const again = await toConfirmation('dora');
      expect(again.status).toBe(403);
      expect(again.text).toContain('deactivated');
    });
  });
});
