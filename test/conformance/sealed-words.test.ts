/** What a client sends to have it back is its own: it does not lie readable in the database, and comes back as it was. Black box, behind a real IdP. */
import { decodeJwt } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { Database } from '../../src/storage/engine/database.ts';
import { tables } from '../../src/storage/tables.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { type Browser, createBrowser } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import {
  API_SCOPE,
  DEVICE_SCOPE,
  postForm,
  registerTestClient,
  type TestClient,
} from '../support/oauth-client.ts';
import { logInWith, ssoUrl } from '../support/sso.ts';

const STATE = 'canary of state/+=ä';
const NONCE = 'canary-of-nonce';
const REDIRECT = 'https://chat.example.com/in?session=canary-of-redirect#part';
const PREFIX = 'https://chat.example.com/';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let client: TestClient;
  let db: Database;
  beforeAll(async () => {
    const env = await databaseOf(engine);
    gatehouse = await startGatehouse({ validateResponses: true, env });
    client = await registerTestClient(gatehouse);
    db = await engine.open({ url: env['GATEHOUSE__DATABASE__URL'] ?? '' });
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  /** Every row of every table, as text. */
  async function stored(): Promise<string> {
    const rows: unknown[] = [];
    for (const table of Object.keys(tables)) {
      rows.push(...(await sql`select * from ${sql.table(table)}`.execute(db.query)).rows);
    }
    return JSON.stringify(rows);
  }
  const run = (statement: ReturnType<typeof sql>): Promise<void> =>
    db.write(async (tx) => {
      await statement.execute(tx);
    });
  const parameters = (): Record<string, string> => ({
    state: STATE,
    nonce: NONCE,
    scope: `openid ${API_SCOPE} ${DEVICE_SCOPE}SEALED`,
  });
  async function signIn(browser: Browser, url: string): Promise<void> {
    browser.stopAt(client.redirectUri, PREFIX);
    await browser.open(url);
    if (browser.page.title.includes('test IdP')) {
      await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    }
  }
  /** The rest of the way of an OAuth client: its words come back. */
  async function finish(browser: Browser, beforeRedemption?: () => Promise<void>): Promise<void> {
    const back = new URL((await browser.submit({ button: 'Allow' })).url).searchParams;
    expect(back.get('state')).toBe(STATE);
    await beforeRedemption?.();
    const answer = await client.redeem(back.get('code') ?? '');
    expect(answer.status).toBe(200);
    expect(decodeJwt(String(answer.body['id_token']))['nonce']).toBe(NONCE);
  }
  async function push(): Promise<string> {
    const pushed = await postForm(`${gatehouse.url}oauth2/par`, client.parameters(parameters()));
    expect(pushed.status).toBe(201);
    const query = { client_id: client.clientId, request_uri: String(pushed.body['request_uri']) };
    return `${gatehouse.url}oauth2/authorize?${new URLSearchParams(query).toString()}`;
  }

  describe('nothing of it is readable in the database', () => {
    const expectNothing = async (): Promise<void> => {
      const text = await stored();
      expect(text).toContain('sealed":"v1.');
      expect(text).not.toMatch(/canary/);
    };

    it('of an authorization request, from its arrival to its code', async () => {
      const browser = createBrowser();
      await signIn(browser, client.authorizeUrl(parameters()));
      await expectNothing();
      await finish(browser, expectNothing);
      await expectNothing();
    });

    it('of a pushed request', async () => {
      const url = await push();
      await expectNothing();
      const browser = createBrowser();
      await signIn(browser, url);
      await expectNothing();
      await finish(browser, expectNothing);
    });

    it('of the answer that says no', async () => {
      const browser = createBrowser();
      await signIn(browser, client.authorizeUrl(parameters()));
      const back = new URL((await browser.submit({ button: 'Cancel' })).url).searchParams;
      expect([back.get('state'), back.get('error')]).toEqual([STATE, 'access_denied']);
      await expectNothing();
    });

    it('of where a login token goes', async () => {
      const browser = createBrowser();
      await signIn(browser, ssoUrl(gatehouse, { redirectUrl: REDIRECT }));
      await expectNothing();
      const back = new URL((await browser.submit({ button: 'Continue' })).url);
      await expectNothing();
      expect(back.searchParams.get('session')).toBe('canary-of-redirect');
      expect((await logInWith(gatehouse, back.searchParams.get('loginToken') ?? '')).status).toBe(200);
    });
  });

  describe('what an earlier version has stored still works', () => {
    test('an authorization request', async () => {
      const browser = createBrowser();
      await signIn(browser, client.authorizeUrl(parameters()));
      await run(
        sql`update authorization_requests set state = ${STATE}, nonce = ${NONCE}, words_sealed = null`,
      );
      await finish(browser);
    });

    test('a code', async () => {
      const browser = createBrowser();
      await signIn(browser, client.authorizeUrl(parameters()));
      await finish(browser, () =>
        run(sql`update authorization_codes set nonce = ${NONCE}, nonce_sealed = null`),
      );
    });

    test('a pushed request', async () => {
      const url = await push();
      const plain = JSON.stringify(client.parameters(parameters()));
      await run(sql`update pushed_requests set parameters_json = ${plain}, parameters_sealed = null`);
      const browser = createBrowser();
      await signIn(browser, url);
      await finish(browser);
    });

    test('where a login token goes', async () => {
      const browser = createBrowser();
      await signIn(browser, ssoUrl(gatehouse, { redirectUrl: REDIRECT }));
      await run(sql`update login_requests set redirect_url = ${REDIRECT}, redirect_url_sealed = null`);
      const back = new URL((await browser.submit({ button: 'Continue' })).url);
      expect(back.searchParams.get('session')).toBe('canary-of-redirect');
    });
  });

  it('a request without words of its own has none afterwards', async () => {
    const browser = createBrowser();
    await signIn(browser, client.authorizeUrl({ ...parameters(), state: undefined, nonce: undefined }));
    const back = new URL((await browser.submit({ button: 'Allow' })).url).searchParams;
    expect(back.has('state')).toBe(false);
    const answer = await client.redeem(back.get('code') ?? '');
    expect(decodeJwt(String(answer.body['id_token']))).not.toHaveProperty('nonce');
  });

  it('the words of one sign-in are not taken for those of another', async () => {
    const [mine, other] = [createBrowser(), createBrowser()];
    await signIn(other, client.authorizeUrl({ ...parameters(), state: 'of another' }));
    await signIn(mine, client.authorizeUrl(parameters()));
    await run(
      sql`update authorization_requests set words_sealed = (select max(words_sealed) from authorization_requests)`,
    );
    const pages = [await mine.submit({ button: 'Allow' }), await other.submit({ button: 'Allow' })];
    expect(pages.map(({ status }) => status).sort()).toContain(500);
  });
});
