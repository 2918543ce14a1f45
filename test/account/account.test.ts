/** The account page, as a person without JavaScript sees it, behind a real IdP. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { openDatabase } from '../../src/storage/engine/open-database.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { forEachEngine } from '../support/database.ts';
import {
  type Answer,
  ask,
  postForm,
  registerTestClient,
  type TestClient,
  type TokenSet,
} from '../support/oauth-client.ts';

const COOKIE = 'gatehouse-account';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let client: TestClient;
  let database: Database;
  beforeAll(async () => {
    const url = await engine.newUrl();
    gatehouse = await startGatehouse({
      env: {
        GATEHOUSE__DATABASE__URL: url,
        GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
        GATEHOUSE__LIMITS__SIGN_INS_PER_ADDRESS: '10000',
      },
    });
    client = await registerTestClient(gatehouse);
    database = await openDatabase({ url, clock: systemClock, random: systemRandom });
  });
  afterAll(async () => {
    await database.close();
    await gatehouse[Symbol.asyncDispose]();
  });

  const at = (path: string): string => `${gatehouse.url}${path}`;
  const isActive = async (tokens: TokenSet): Promise<unknown> =>
    (await gatehouse.introspect(tokens.access_token))['active'];
  const tokensOf = (login: string, deviceId: string): Promise<TokenSet> =>
    client.tokens({
      login,
      parameters: { scope: `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}` },
    });
  /** Opens a place of the account page and signs in where that is asked for. */
  async function visit(
    path: string,
    login: string,
    browser = createBrowser(),
  ): Promise<{ browser: Browser; page: Page }> {
    let page = await browser.open(at(path));
    if (page.title.includes('test IdP'))
      page = await browser.submit({ button: 'Sign in', fields: { login } });
    return { browser, page };
  }
  const cookieOf = (browser: Browser): string => browser.cookies(gatehouse.url)[COOKIE] ?? '';
  const csrfOf = (page: Page, button: string): string => {
    const form = page.forms.find(({ buttons }) => buttons.some(({ label }) => label === button));
    return new Map(form?.fields).get('csrf') ?? '';
  };

  describe('a person', () => {
    it('signs in through the IdP and sees where they are signed in', async () => {
      await tokensOf('alice', 'PHONE');
      const { browser, page } = await visit('account', 'alice');
      expect(page).toMatchObject({ status: 200, url: at('account'), title: 'Your account' });
      expect(page.text).toContain('@alice:example.org');
      expect(page.text).toContain('Alice Liddell');
      expect(page.text).toMatch(
        /Test client Device PHONE Signed in \d{4}-\d\d-\d\d \d\d:\d\d UTC Last active/,
      );
      // A second look needs no IdP.
      expect((await browser.open(at('account'))).visited).toEqual([at('account')]);
      expect(page.text).not.toContain('@bob');
    });

    it('signs out one session, after a question', async () => {
      const tokens = await tokensOf('alice', 'OLD/PHONE+=');
      const other = await tokensOf('alice', 'KEPT');
      const { browser } = await visit(
        'account?action=org.matrix.device_view&device_id=OLD%2FPHONE%2B%3D',
        'alice',
      );
      expect(browser.page.text).toContain('OLD/PHONE+=');
      const question = await browser.follow('Sign out');
      expect(question.title).toBe('Sign out this session?');
      expect(await isActive(tokens)).toBe(true);
      const done = await browser.submit({ button: 'Sign out' });
      expect(done.url).toBe(at('account?done=ended'));
      expect(done.text).toContain('The session has ended.');
      expect(await isActive(tokens)).toBe(false);
      expect(await client.refresh(tokens.refresh_token)).toMatchObject({ body: { error: 'invalid_grant' } });
      expect(await isActive(other)).toBe(true);
    });

    it('signs out everywhere, after a recent sign-in and a question', async () => {
      const mine = [await tokensOf('bob', 'B1'), await tokensOf('bob', 'B2')];
      const others = await tokensOf('alice', 'A1');
      const elsewhere = await visit('account', 'bob');
      const { browser } = await visit('account', 'bob');
      // The first sign-in did not say when the person proved who they are: the IdP is asked, and its session answers for them.
      const question = await browser.follow('Sign out everywhere');
      expect(question.visited.some((url) => url.includes('max_age=600'))).toBe(true);
      expect(question).toMatchObject({ url: at('account/sessions/end-all'), title: 'Sign out everywhere?' });
      expect(question.text).toContain('All 2 sessions');
      expect(await isActive(mine[0]!)).toBe(true);
      const done = await browser.submit({ button: 'Sign out everywhere' });
      expect(done.text).toContain('All your sessions have ended.');
      expect(done.text).toContain('You are not signed in anywhere.');
      expect(await Promise.all(mine.map(isActive))).toEqual([false, false]);
      expect(await isActive(others)).toBe(true);
      expect((await elsewhere.browser.open(at('account'))).visited.length).toBeGreaterThan(1);
    });

    it('must sign in again where the sign-in at the IdP was long ago', async () => {
      const { browser } = await visit('account', 'alice');
      gatehouse.idp.forgetSessions();
      const page = await browser.open(at('account/sessions/end-all'));
      expect(page.title).toContain('Sign in to the test IdP');
      // Somebody else who signs in here sees their own account only.
      const other = await browser.submit({ button: 'Sign in', fields: { login: 'bob' } });
      expect(other.title).toBe('Sign out everywhere?');
      expect((await browser.open(at('account'))).text).toContain('@bob:example.org');
    });

    it('leaves the page, and stays signed in in their apps', async () => {
      const tokens = await tokensOf('alice', 'APP');
      const { browser } = await visit('account', 'alice');
      const secret = cookieOf(browser);
      const left = await browser.submit({ button: 'Leave this page' });
      expect(left.title).toBe('You have left the account page');
      expect(cookieOf(browser)).toBe('');
      const again = await ask(at('account'), { headers: { cookie: `${COOKIE}=${secret}` } });
      expect(again.status).toBe(303);
      expect(await isActive(tokens)).toBe(true);
    });

    it('finds many sessions on several pages', async () => {
      for (let device = 0; device < 23; device++) await tokensOf('carol', `D${String(device)}`);
      const { browser, page } = await visit('account', 'carol');
      expect(page.text).toContain('Device D22 ');
      expect(page.text).not.toContain('Device D2 ');
      const older = await browser.follow('Older sessions');
      expect(older.text).toContain('Device D2 ');
      expect(older.links.map(({ label }) => label)).not.toContain('Older sessions');
    }, 30_000);
  });

  describe('a client sends a person by an action', () => {
    it('all of them are advertised, and work; the sign-in comes in between', async () => {
      const metadata = (await ask(at('.well-known/openid-configuration'))).body;
      expect(metadata['account_management_uri']).toBe(at('account'));
      await tokensOf('alice', 'WANTED');
      const titles: Record<string, string> = {
        'org.matrix.profile': 'Your account',
        'org.matrix.devices_list': 'Your account',
        'org.matrix.sessions_list': 'Your account',
        'org.matrix.device_view': 'Session',
        'org.matrix.session_view': 'Session',
        'org.matrix.device_delete': 'Sign out this session?',
        'org.matrix.session_end': 'Sign out this session?',
      };
      expect(metadata['account_management_actions_supported']).toEqual(
        expect.arrayContaining(Object.keys(titles)),
      );
      expect(metadata['account_management_actions_supported']).toHaveLength(Object.keys(titles).length);
      for (const [action, title] of Object.entries(titles)) {
        for (const name of [action, action.replace('org.matrix.', '')]) {
          const query = `account?action=${name}&device_id=WANTED&id_token_hint=x.y.z&unknown=1`;
          const { page } = await visit(query, 'alice');
          expect(page, name).toMatchObject({ status: 200, title });
          if (title !== 'Your account') expect(page.text, name).toContain('Device WANTED');
        }
      }
    }, 60_000);

    it.each([
      'account?action=org.matrix.account_deactivate',
      'account?action=nonsense&device_id=X',
      'account?action=constructor&device_id=X',
      'account?action=org.matrix.device_delete',
      'account?action=org.matrix.device_delete&device_id=',
      'account?before=../../x&done=%3Cscript%3E',
    ])('%s shows the overview', async (path) => {
      const { page } = await visit(path, 'alice');
      expect(page).toMatchObject({ status: 200, title: 'Your account' });
    });

    it('a device that is not there, or not theirs, is 404', async () => {
      const bobs = await tokensOf('bob', 'BOBS');
      const { browser } = await visit('account', 'alice');
      for (const device of ['BOBS', 'NEVER', "' OR 1=1 --", '%']) {
        for (const action of ['org.matrix.device_view', 'org.matrix.device_delete']) {
          const query = new URLSearchParams({ action, device_id: device }).toString();
          expect((await browser.open(at(`account?${query}`))).status).toBe(404);
        }
      }
      expect(await isActive(bobs)).toBe(true);
    });
  });

  describe('nobody else', () => {
    it("ends a session that is not theirs: with one's own cookie it is 404", async () => {
      const bobs = await tokensOf('bob', 'VICTIM');
      const bob = await visit('account?action=org.matrix.device_delete&device_id=VICTIM', 'bob');
      const target = bob.page.forms[0]?.action ?? '';
      const alice = await visit('account', 'alice');
      for (const url of [target, target.replace('/end', '')]) {
        expect((await alice.browser.open(url)).status).toBe(404);
      }
      const cookie = `${COOKIE}=${cookieOf(alice.browser)}`;
      // Alice's cookie with Bob's form, and with a token of her own for another session.
      await tokensOf('alice', 'OWN');
      const own = await visit(
        'account?action=org.matrix.device_delete&device_id=OWN',
        'alice',
        alice.browser,
      );
      for (const csrf of [csrfOf(bob.page, 'Sign out'), csrfOf(own.page, 'Sign out')]) {
        expect((await postForm(target, { csrf }, { cookie })).status).toBe(403);
      }
      expect(await isActive(bobs)).toBe(true);
    });

    it('forges a form: 403 without the token, with a wrong one, or from another site', async () => {
      const tokens = await tokensOf('alice', 'FORGED');
      const { browser, page } = await visit(
        'account?action=org.matrix.device_delete&device_id=FORGED',
        'alice',
      );
      const target = page.forms[0]?.action ?? '';
      const csrf = csrfOf(page, 'Sign out');
      const cookie = `${COOKIE}=${cookieOf(browser)}`;
      const refused: Answer[] = [
        await postForm(target, {}, { cookie }),
        await postForm(target, { csrf: 'wrong' }, { cookie }),
        await postForm(target, { csrf }, {}),
        await postForm(target, { csrf }, { cookie: `${COOKIE}=garbage` }),
        await postForm(target, { csrf }, { cookie, 'sec-fetch-site': 'cross-site' }),
        await postForm(target, { csrf }, { cookie, origin: 'https://evil.example' }),
        await postForm(target, { csrf }, { cookie, origin: 'null' }),
        await postForm(at('account/sessions/end-all'), { csrf }, { cookie }),
        await postForm(at('account/sign-out'), { csrf }, { cookie }),
      ];
      expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403));
      expect(await isActive(tokens)).toBe(true);
      expect((await postForm(target, { csrf }, { cookie })).status).toBe(303);
      expect(await isActive(tokens)).toBe(false);
    });

    it('changes anything by GET', async () => {
      const tokens = await tokensOf('alice', 'READ');
      const { browser, page } = await visit(
        'account?action=org.matrix.device_delete&device_id=READ',
        'alice',
      );
      const target = page.forms[0]?.action ?? '';
      for (const url of [
        target,
        `${target}?csrf=${csrfOf(page, 'Sign out')}`,
        at('account/sessions/end-all'),
      ]) {
        await browser.open(url);
      }
      expect((await browser.open(at('account/sign-out'))).status).toBe(405);
      expect(await isActive(tokens)).toBe(true);
      expect(cookieOf(browser)).not.toBe('');
    });

    it('gets in with a cookie that is broken, made up, or too long', async () => {
      for (const value of ['', 'x', `gas_${'A'.repeat(49)}`, 'x'.repeat(8000), '%00', '"><svg/onload=1>']) {
        const answer = await ask(at('account'), { headers: { cookie: `${COOKIE}=${value}` } });
        expect(answer.status).toBe(303);
        expect(new URL(answer.headers.get('location') ?? '').origin).toBe(gatehouse.idp.issuer);
      }
    });

    it('keeps a visit beyond its end, beyond a sign-out at the IdP, or beyond deactivation', async () => {
      const isIn = async ({ browser }: { browser: Browser }): Promise<boolean> =>
        (await ask(at('account'), { headers: { cookie: `${COOKIE}=${cookieOf(browser)}` } })).status === 200;
      const signedOut = await visit('account', 'alice');
      const expired = await visit('account', 'bob');
      expect([await isIn(signedOut), await isIn(expired)]).toEqual([true, true]);
      gatehouse.idp.setBackchannelLogoutUri(at('upstream/main/backchannel-logout'));
      await gatehouse.idp.sendBackchannelLogout('alice');
      expect([await isIn(signedOut), await isIn(expired)]).toEqual([false, true]);
      await database.write((tx) =>
        tx.updateTable('account_sessions').set({ expires_at: Date.now() }).execute(),
      );
      expect(await isIn(expired)).toBe(false);
      const gone = await visit('account', 'carol');
      await database.write((tx) =>
        tx.updateTable('users').set({ deactivated_at: 1 }).where('localpart', '=', 'carol').execute(),
      );
      expect(await isIn(gone)).toBe(false);
    });

    it('fixes a visit: the cookie is a fresh one at each sign-in', async () => {
      const { browser } = await visit('account', 'alice');
      const first = cookieOf(browser);
      await browser.open(at('account/sessions/end-all'));
      const second = cookieOf(browser);
      expect(second).toMatch(/^gas_/);
      expect(second).not.toBe(first);
      const old = await ask(at('account'), { headers: { cookie: `${COOKIE}=${first}` } });
      expect(old.status).toBe(303);
    });

    it('uses the page of a sign-in that another browser began, or that is over', async () => {
      const began = createBrowser();
      await began.open(at('account'));
      const page = await began.submit({ button: 'Sign in', fields: { login: 'alice' } });
      const link = page.visited.find((url) => url.includes('/account/welcome/')) ?? '';
      expect(link).not.toBe('');
      expect((await createBrowser().open(link)).status).toBe(403);
      expect((await began.open(link)).status).toBe(403);
    });
  });

  describe('the pages', () => {
    it('say nothing to other sites, load nothing, and cannot be framed', async () => {
      await tokensOf('alice', 'HEADERS');
      const { browser } = await visit('account', 'alice');
      for (const path of [
        'account',
        'account?action=org.matrix.device_view&device_id=HEADERS',
        'account?action=org.matrix.device_delete&device_id=HEADERS',
        'account/sessions/end-all',
        'account?action=org.matrix.device_view&device_id=NONE',
      ]) {
        const { headers, body } = await browser.open(at(path));
        const csp = headers.get('content-security-policy') ?? '';
        expect(csp).toMatch(
          /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
        );
        expect(headers.get('x-frame-options')).toBe('DENY');
        expect(headers.get('referrer-policy')).toBe('same-origin');
        expect(headers.get('cache-control')).toBe('no-store');
        expect(headers.get('access-control-allow-origin')).toBeNull();
        expect(body).not.toMatch(/<script|<img|<link|<iframe| on\w+=|javascript:/i);
        expect(body).toMatch(/<html lang="en">/);
        expect(body).toMatch(/name="viewport"/);
        expect(body.match(/<h1>/g)).toHaveLength(1);
        expect(body).toMatch(/<main>/);
      }
    });

    it('show what strangers wrote as text', async () => {
      const nasty = `"><svg/onload=alert(1)>'<script>x</script>`;
      const other = await registerTestClient(gatehouse, {
        client_name: nasty,
        client_uri: 'https://nasty.example.com/',
        redirect_uris: ['https://nasty.example.com/cb'],
        logo_uri: 'https://nasty.example.com/logo.svg',
      });
      const account = gatehouse.idp.accounts.get('alice');
      if (account === undefined) throw new Error('no alice');
      gatehouse.idp.accounts.set('alice', { ...account, name: nasty });
      const redirect = 'https://nasty.example.com/cb';
      const browser = createBrowser();
      browser.stopAt(redirect);
      const scope = `urn:matrix:client:api:* urn:matrix:client:device:<svg/onload=alert(1)>`;
      await browser.open(other.authorizeUrl({ redirect_uri: redirect, scope }));
      await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      const back = await browser.submit({ button: 'Allow' });
      const code = new URL(back.url).searchParams.get('code') ?? '';
      expect((await other.redeem(code, { redirect_uri: redirect })).status).toBe(200);
      const { page, browser: person } = await visit('account', 'alice');
      gatehouse.idp.accounts.set('alice', account);
      expect(page.text).toContain(nasty);
      const query = new URLSearchParams({
        action: 'device_delete',
        device_id: '<svg/onload=alert(1)>',
      }).toString();
      const question = await person.open(at(`account?${query}`));
      expect(question.text).toContain('<svg/onload=alert(1)>');
      for (const { body } of [page, question]) {
        expect(body).not.toMatch(/<svg|<script|<img|nasty\.example\.com/);
      }
    });

    it('keep the cookie from scripts and other sites; the database has its hash alone', async () => {
      const begun = await ask(at('account'));
      const bound = (begun.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '';
      const browser = createBrowser();
      browser.stopAt(at('upstream/'));
      await browser.open(begun.headers.get('location') ?? '');
      const callback = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      const known = await ask(callback.url, { headers: { cookie: bound } });
      const fresh = (known.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '';
      expect(fresh).not.toBe(bound);
      const welcome = known.headers.get('location') ?? '';
      // An account cookie that somebody put there before the sign-in is not taken over.
      const planted = `${COOKIE}=gas_${'A'.repeat(49)}`;
      const done = await ask(welcome, { headers: { cookie: `${fresh}; ${planted}` } });
      const [account = '', released = ''] = done.headers.getSetCookie();
      expect(account).toMatch(
        /^gatehouse-account=gas_[\w-]{49}; Max-Age=1800; Path=\/; HttpOnly; SameSite=Lax$/,
      );
      expect(released).toMatch(/^gatehouse-tx_\w+=; Max-Age=0;/);
      expect((await ask(welcome, { headers: { cookie: fresh } })).status).toBe(400);
      const rows = await database.query.selectFrom('account_sessions').selectAll().execute();
      const secret = /gas_[\w-]{49}/.exec(account)?.[0] ?? '';
      expect(rows.map(({ hash }) => hash)).toContain(createHash('sha256').update(secret).digest('base64url'));
      expect(JSON.stringify(rows)).not.toContain('gas_');
    });
  });
});

it('over https the cookie is __Host-, Secure, HttpOnly and SameSite=Lax', async () => {
  const { setCookie } = await import('../../src/http/cookies.ts');
  expect(setCookie('https://a.example/', 'account', 'v', { maxAgeSeconds: 1800 })).toBe(
    '__Host-gatehouse-account=v; Max-Age=1800; Path=/; HttpOnly; Secure; SameSite=Lax',
  );
});
