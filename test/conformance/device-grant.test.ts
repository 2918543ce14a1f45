/** The device grant (RFC 8628), as a device without a browser and a person with one see it. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/protocol/clock.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { forEachEngine } from '../support/database.ts';
import {
  type Answer,
  API_SCOPE,
  ask,
  DEVICE_SCOPE,
  postForm,
  postJson,
  registerTestClient,
  type TestClient,
} from '../support/oauth-client.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const QR_DEVICE = 'xfOgOlg1RIlhGXMBcFt/bmsu+t1Ys1GI/iYnQlPYdEg=';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let db: Database;
  let client: TestClient;
  let offset = 0;
  const clock = {
    now: () => systemClock.now() + offset,
    monotonic: () => systemClock.monotonic() + offset,
  };
  beforeAll(async () => {
    const url = await engine.newUrl();
    gatehouse = await startGatehouse({
      validateResponses: true,
      clock,
      env: {
        GATEHOUSE__DATABASE__URL: url,
        GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
        GATEHOUSE__LIMITS__DEVICE_GRANTS_PER_ADDRESS: '1000',
        GATEHOUSE__LISTEN__TRUSTED_PROXIES__0: '127.0.0.1',
      },
    });
    db = await engine.open({ url });
    client = await registerTestClient(gatehouse, {
      client_name: 'A <b>TV</b>',
      grant_types: [GRANT, 'refresh_token'],
      redirect_uris: undefined,
      response_types: undefined,
    });
  });
  afterAll(() => gatehouse[Symbol.asyncDispose]());
  afterEach(() => {
    offset = 0;
  });

  const device = (id: string): string => `${API_SCOPE} ${DEVICE_SCOPE}${id}`;
  const begin = (form: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Answer> =>
    postForm(
      `${gatehouse.url}oauth2/device_authorization`,
      { client_id: client.clientId, scope: device('TV'), ...form },
      headers,
    );
  const poll = (deviceCode: unknown, more: Record<string, string> = {}): Promise<Answer> =>
    client.token({ grant_type: GRANT, device_code: String(deviceCode), ...more });
  /** A person on the way to the confirmation: from the link, or by typing the code. */
  const confirm = async (
    begun: Answer,
    way: { browser?: Browser; login?: string; typed?: string } = {},
  ): Promise<{ browser: Browser; page: Page }> => {
    const { browser = createBrowser(), login = 'alice', typed } = way;
    const link = begun.body[typed === undefined ? 'verification_uri_complete' : 'verification_uri'];
    await browser.open(String(link));
    const fields = typed === undefined ? {} : { fields: { user_code: typed } };
    let page = await browser.submit({ button: 'Continue', ...fields });
    if (page.title.includes('test IdP')) {
      page = await browser.submit({ button: 'Sign in', fields: { login } });
    }
    return { browser, page };
  };
  const allow = async (begun: Answer, way?: Parameters<typeof confirm>[1]): Promise<Page> =>
    (await confirm(begun, way)).browser.submit({ button: 'Allow' });

  describe('a device', () => {
    it('is signed in by a person elsewhere, with the scopes and device of QR login', async () => {
      const begun = await begin({ scope: `openid ${device(QR_DEVICE)}` });
      expect(begun.status).toBe(200);
      expect(begun.headers.get('cache-control')).toBe('no-store');
      expect(begun.body).toEqual({
        device_code: expect.stringMatching(/^gdc_/) as unknown,
        user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/) as unknown,
        verification_uri: `${gatehouse.url}device`,
        verification_uri_complete: `${gatehouse.url}device?user_code=${String(begun.body['user_code'])}`,
        expires_in: 900,
        interval: 5,
      });
      const { browser, page } = await confirm(begun);
      expect(page.title).toContain('Did you start this');
      for (const part of [
        'A &lt;b&gt;TV',
        'client.example.com',
        QR_DEVICE.slice(0, 20),
        '127.0.0.1',
        'Reading and sending messages as you',
      ]) {
        expect(page.body).toContain(part);
      }
      expect(await poll(begun.body['device_code'])).toMatchObject({
        body: { error: 'authorization_pending' },
      });
      expect((await browser.submit({ button: 'Allow' })).title).toContain('signed in');
      const answer = await poll(begun.body['device_code']);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.body).toMatchObject({
        token_type: 'Bearer',
        scope: `openid ${device(QR_DEVICE)}`,
        refresh_token: expect.stringMatching(/^grt_/) as unknown,
        id_token: expect.stringMatching(/^ey/) as unknown,
      });
      expect(await gatehouse.introspect(String(answer.body['access_token']))).toMatchObject({
        active: true,
        username: 'alice',
        device_id: QR_DEVICE,
      });
      const refreshed = await client.refresh(String(answer.body['refresh_token']));
      expect(refreshed.status).toBe(200);
      expect(refreshed.body).not.toHaveProperty('id_token');
    });

    it('redeems its code once, whoever is faster', async () => {
      const begun = await begin();
      await allow(begun);
      const answers = await Promise.all(Array.from({ length: 8 }, () => poll(begun.body['device_code'])));
      expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
      const others = answers.filter((answer) => answer.status !== 200);
      expect(others.map(({ status, body }) => [status, body['error']])).toEqual(
        Array.from({ length: 7 }, () => [400, 'invalid_grant']),
      );
      expect(await poll(begun.body['device_code'])).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
      const winner = answers.find((answer) => answer.status === 200);
      expect(await gatehouse.introspect(String(winner?.body['access_token']))).toMatchObject({
        active: true,
      });
    });

    it('waits, and waits longer when it came too early', async () => {
      const begun = await begin();
      const code = begun.body['device_code'];
      const errorAfter = async (seconds: number): Promise<unknown> => {
        offset += seconds * 1000;
        const answer = await poll(code);
        expect(answer.status).toBe(400);
        expect(answer.headers.get('cache-control')).toBe('no-store');
        return answer.body['error'];
      };
      expect(await errorAfter(0)).toBe('authorization_pending');
      expect(await errorAfter(5)).toBe('authorization_pending');
      expect(await errorAfter(1)).toBe('slow_down');
      expect(await errorAfter(6)).toBe('slow_down');
      expect(await errorAfter(11)).toBe('slow_down');
      expect(await errorAfter(20)).toBe('authorization_pending');
      expect(await errorAfter(15)).toBe('slow_down');
      expect(await errorAfter(900)).toBe('expired_token');
    });

    it('is told no when the person says no, and in the end that it is late', async () => {
      const begun = await begin();
      const { browser } = await confirm(begun);
      expect((await browser.submit({ button: 'Cancel' })).title).toContain('refused');
      expect(await poll(begun.body['device_code'])).toMatchObject({
        status: 400,
        body: { error: 'access_denied' },
      });
      const late = await begin();
      await allow(late);
      offset = 901_000;
      expect(await poll(late.body['device_code'])).toMatchObject({
        status: 400,
        body: { error: 'expired_token' },
      });
    });

    it("has a code of its own client's alone", async () => {
      const begun = await begin();
      await allow(begun);
      const other = await registerTestClient(gatehouse, {
        client_name: 'Another',
        grant_types: [GRANT, 'authorization_code'],
      });
      for (const code of [
        begun.body['device_code'],
        'gdc_unknown',
        `${String(begun.body['device_code'])}x`,
      ]) {
        expect(await other.token({ grant_type: GRANT, device_code: String(code) })).toMatchObject({
          status: 400,
          body: { error: 'invalid_grant' },
        });
      }
      expect(await client.token({ grant_type: GRANT })).toMatchObject({ body: { error: 'invalid_request' } });
      expect((await poll(begun.body['device_code'])).status).toBe(200);
    });

    it.each(['locked_at', 'deactivated_at'] as const)(
      'gets nothing where the person is %s by then',
      async (column) => {
        const begun = await begin({ scope: device('GONE') });
        await allow(begun, { login: 'carol' });
        const set = (value: number | null): Promise<unknown> =>
          db.write((tx) =>
            tx
              .updateTable('users')
              .set({ [column]: value })
              .where('localpart', '=', 'carol')
              .execute(),
          );
        await set(clock.now());
        expect(await poll(begun.body['device_code'])).toMatchObject({
          status: 400,
          body: { error: 'invalid_grant' },
        });
        await set(null);
      },
    );

    it.each([
      [{ scope: '' }, 'invalid_scope'],
      [{ scope: API_SCOPE }, 'invalid_scope'],
      [{ scope: 'openid' }, 'invalid_scope'],
      [{ scope: `${API_SCOPE} ${DEVICE_SCOPE}A ${DEVICE_SCOPE}B` }, 'invalid_scope'],
      [{ scope: device('a"b') }, 'invalid_scope'],
      [{ prompt: 'create' }, 'invalid_request'],
      [{ prompt: 'login create' }, 'invalid_request'],
    ])('cannot begin with %j: %s', async (form, error) => {
      const answer = await begin(form);
      expect(answer).toMatchObject({
        status: 400,
        body: { error, error_description: expect.any(String) as unknown },
      });
      expect(answer.headers.get('cache-control')).toBe('no-store');
    });

    it('has to be a client, and one that is registered for this', async () => {
      expect(await begin({ client_id: 'nobody' })).toMatchObject({
        status: 401,
        body: { error: 'invalid_client' },
      });
      expect(await begin({ client_id: '' })).toMatchObject({
        status: 401,
        body: { error: 'invalid_client' },
      });
      const other = await registerTestClient(gatehouse, { client_name: 'Code alone' });
      for (const answer of [
        await begin({ client_id: other.clientId }),
        await other.token({ grant_type: GRANT, device_code: 'x' }),
      ]) {
        expect(answer).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
      }
    });

    it('is a client that needs no redirect URI', async () => {
      const metadata = { client_uri: 'https://tv.example.com/', token_endpoint_auth_method: 'none' };
      const answer = await postJson(`${gatehouse.url}oauth2/registration`, {
        ...metadata,
        grant_types: [GRANT],
      });
      expect(answer).toMatchObject({
        status: 201,
        body: { grant_types: [GRANT], response_types: [], redirect_uris: [] },
      });
      expect(
        await postJson(`${gatehouse.url}oauth2/registration`, {
          ...metadata,
          grant_types: [GRANT, 'authorization_code'],
        }),
      ).toMatchObject({ status: 400, body: { error: 'invalid_redirect_uri' } });
      expect(
        await postJson(`${gatehouse.url}oauth2/registration`, {
          ...metadata,
          grant_types: ['refresh_token'],
        }),
      ).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } });
    });

    it('finds the grant in the metadata', async () => {
      const { body } = await ask(`${gatehouse.url}.well-known/openid-configuration`);
      expect(body['device_authorization_endpoint']).toBe(`${gatehouse.url}oauth2/device_authorization`);
      expect(body['grant_types_supported']).toContain(GRANT);
    });
  });

  describe('a person', () => {
    it.each([
      (code: string) => code.toLowerCase(),
      (code: string) => code.replace('-', ''),
      (code: string) => ` ${code.split('').join(' ')} `,
      (code: string) => code.replace('-', '\u2013'),
    ])('may type the code as %s', async (spell) => {
      const begun = await begin();
      const { page } = await confirm(begun, { typed: spell(String(begun.body['user_code'])) });
      expect(page.title).toContain('Did you start this');
    });

    it.each(['', 'AAAA-AAAA', 'WDJB-MJH', 'x'.repeat(5000), 'ＷＤＪＢ-ＭＪＨＴ', 'ſſſſ-ſſſſ', "' OR 1=1--"])(
      'is told that %j is no code',
      async (typed) => {
        const browser = createBrowser();
        await browser.open(`${gatehouse.url}device`);
        const page = await browser.submit({ button: 'Continue', fields: { user_code: typed } });
        expect(page.status).toBe(400);
        expect(page.body).toContain('not known here');
        offset = 0;
      },
    );

    it('guesses five times in one browser, and twenty times from one address', async () => {
      offset = 3_600_000;
      const from = (address: string): ((code: string) => Promise<number>) => {
        let secret: Promise<{ cookie: string; csrf: string }> | undefined;
        return async (code) => {
          secret ??= formOf(address);
          const { cookie, csrf } = await secret;
          const answer = await postForm(
            `${gatehouse.url}device`,
            { csrf, user_code: code },
            { cookie, 'x-forwarded-for': address, accept: 'text/html' },
          );
          if (answer.status === 429) expect(answer.headers.get('retry-after')).not.toBeNull();
          return answer.status;
        };
      };
      const one = from('192.0.2.1');
      for (let guess = 0; guess < 5; guess++) expect(await one('WDJB-MJHT')).toBe(400);
      expect(await one('WDJB-MJHT')).toBe(429);
      const begun = await begin();
      expect(await one(String(begun.body['user_code']))).toBe(429);
      for (let browser = 0; browser < 3; browser++) {
        const next = from('192.0.2.1');
        for (let guess = 0; guess < 5; guess++) expect(await next('WDJB-MJHT')).toBe(400);
      }
      expect(await from('192.0.2.1')('WDJB-MJHT')).toBe(429);
      expect(await from('192.0.2.2')('WDJB-MJHT')).toBe(400);
      const atOnce = from('192.0.2.3');
      const answers = await Promise.all(Array.from({ length: 10 }, () => atOnce('WDJB-MJHT')));
      expect(answers.filter((status) => status === 400)).toHaveLength(5);
    });

    const formOf = async (address = '127.0.0.1'): Promise<{ cookie: string; csrf: string }> => {
      const response = await fetch(`${gatehouse.url}device`, { headers: { 'x-forwarded-for': address } });
      const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      return { cookie, csrf: /name="csrf"\s+value="([^"]+)"/.exec(await response.text())?.[1] ?? '' };
    };

    it('changes nothing by GET, and nothing without the token of the form', async () => {
      const begun = await begin();
      const { browser, page } = await confirm(begun);
      const cookies = Object.entries(browser.cookies(page.url)).map(([name, value]) => `${name}=${value}`);
      const headers = { cookie: cookies.join('; ') };
      for (const url of [
        page.url,
        `${page.url}?decision=allow`,
        String(begun.body['verification_uri_complete']),
      ]) {
        expect((await ask(url, { headers })).status).toBe(200);
      }
      expect((await postForm(page.url, { decision: 'allow' }, headers)).status).toBe(403);
      expect((await postForm(page.url, { decision: 'allow', csrf: 'x' }, headers)).status).toBe(403);
      expect((await postForm(page.url, { decision: 'allow' })).status).toBe(403);
      expect(
        (await postForm(`${gatehouse.url}device`, { user_code: String(begun.body['user_code']) })).status,
      ).toBe(403);
      expect(await poll(begun.body['device_code'])).toMatchObject({
        body: { error: 'authorization_pending' },
      });
      await browser.submit({ button: 'Allow' });
      expect((await poll(begun.body['device_code'])).status).toBe(200);
    });

    it('cannot take what another one has claimed', async () => {
      const begun = await begin({ scope: device('CLAIMED') });
      const alice = await confirm(begun, { login: 'alice' });
      const bob = await confirm(begun, { login: 'bob' });
      expect(bob.page.status).toBe(403);
      expect(bob.page.body).toContain('another person');
      expect((await alice.browser.submit({ button: 'Allow' })).title).toContain('signed in');
      const tokens = await poll(begun.body['device_code']);
      expect(await gatehouse.introspect(String(tokens.body['access_token']))).toMatchObject({
        username: 'alice',
      });
    });

    it('may begin again in another browser, and answers once', async () => {
      const begun = await begin({ scope: device('TWICE') });
      const first = await confirm(begun);
      const second = await confirm(begun);
      await second.browser.submit({ button: 'Cancel' });
      const late = await first.browser.submit({ button: 'Allow' });
      expect(late.status).toBe(400);
      expect(await poll(begun.body['device_code'])).toMatchObject({ body: { error: 'access_denied' } });
      const again = createBrowser();
      await again.open(String(begun.body['verification_uri_complete']));
      expect((await again.submit({ button: 'Continue' })).status).toBe(400);
    });

    it('is warned where the device belongs to another app', async () => {
      const web = await registerTestClient(gatehouse, { client_name: 'Web app' });
      await web.tokens({ parameters: { scope: device('SHARED') } });
      const { page } = await confirm(await begin({ scope: device('SHARED') }));
      expect(page.body).toContain('Web app');
      expect(page.body).toContain('Careful');
    });
  });
});
