/** Names that belong to a bridge or to nobody: no new person gets one, by any way in, and who has one already keeps it. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { findUserByLocalpart, insertLink, insertUser } from '../../src/storage/records/users.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser, type Page } from '../support/browser.ts';
import { forEachEngine } from '../support/database.ts';
import { postJson, registerTestClient, type TestClient } from '../support/oauth-client.ts';
import { APP_URL, goThroughIdp, ssoUrl } from '../support/sso.ts';
import { startTokenService } from '../verification/service.ts';

const RESERVED = '[admin, Support, _bridge_*]';
const TOLD = /The name @\S+:example\.org is reserved for other purposes on this server/;

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let client: TestClient;
  let db: Database;
  let url: string;
  beforeAll(async () => {
    url = await engine.newUrl();
    gatehouse = await startGatehouse({
      idp: { passwordGrant: true },
      validateResponses: true,
      env: {
        GATEHOUSE__DATABASE__URL: url,
        GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
        GATEHOUSE__RESERVED_LOCALPARTS: RESERVED,
        GATEHOUSE__LEGACY_LOGIN__PASSWORD: 'true',
      },
    });
    client = await registerTestClient(gatehouse);
    db = await engine.open({ url });
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  /** Somebody whom the provider calls so. */
  function account(login: string, name = login): string {
    gatehouse.idp.accounts.set(login, { sub: `sub-of-${login}`, preferred_username: name });
    gatehouse.idp.passwords.set(login, `password of ${login}`);
    return login;
  }
  const signIn = async (login: string): Promise<Page> => {
    const browser = createBrowser();
    await browser.open(client.authorizeUrl());
    return browser.submit({ button: 'Sign in', fields: { login } });
  };
  const logIn = (user: string, password = `password of ${user}`) =>
    postJson(`${gatehouse.url}_matrix/client/v3/login`, {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user },
      password,
    });

  describe('a first sign-in', () => {
    test.each([
      ['admin', 'admin'],
      ['ADMIN', 'admin'],
      ['support', 'support'],
      ['_bridge_alice', '_bridge_alice'],
      ['_Bridge_Alice', '_bridge_alice'],
      ['_bridge_', '_bridge_'],
    ])('as %s is refused with a page that names %s, the next time as well', async (name, localpart) => {
      const login = account(`of-${name}`, name);
      for (let time = 0; time < 2; time++) {
        const page = await signIn(login);
        expect(page.status).toBe(403);
        expect(page.text).toMatch(TOLD);
        expect(page.text).toContain(`@${localpart}:example.org`);
      }
      expect(await findUserByLocalpart(db.query, localpart)).toBeUndefined();
    });

    test.each(['administrator', 'the.admin', '_bridge', 'supporter', 'x_bridge_alice', 'admin_'])(
      'as %s is let in: the name is another one',
      async (name) => {
        expect((await client.tokens({ login: account(name) })).access_token).toMatch(/^gat_/);
      },
    );

    it('for a login token is refused by the same page', async () => {
      const page = await goThroughIdp(createBrowser(), ssoUrl(gatehouse), {
        login: account('of-bridge', '_bridge_sso'),
        stopAt: APP_URL,
      });
      expect(page.status).toBe(403);
      expect(page.text).toMatch(TOLD);
    });
  });

  describe('a password', () => {
    test.each(['admin', 'ADMIN', 'support', '_bridge_bob', '_BRIDGE_BOB', '@_bridge_bob:example.org'])(
      'of %s is 403 M_FORBIDDEN, in words',
      async (user) => {
        const localpart = /^@?([^:]+)/.exec(user)?.[1]?.toLowerCase() ?? '';
        account(localpart);
        const answer = await logIn(user, `password of ${localpart}`);
        expect(answer).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
        expect(answer.body['error']).toMatch(TOLD);
      },
    );

    it('that is wrong says nothing about the name', async () => {
      account('admin');
      expect((await logIn('admin', 'no')).body['error']).toBe('Invalid username or password');
      expect((await logIn('nobody', 'no')).body['error']).toBe('Invalid username or password');
    });
  });

  it('a person who has the name already keeps it, by every way in', async () => {
    const at = Date.now();
    account('_bridge_owner');
    await db.write(async (tx) => {
      await insertUser(tx, { id: 'owner', localpart: '_bridge_owner', displayname: null, created_at: at });
      await insertLink(tx, {
        issuer: gatehouse.idp.issuer,
        subject: 'sub-of-_bridge_owner',
        provider_id: 'main',
        user_id: 'owner',
        created_at: at,
        last_login_at: at,
      });
    });
    const { access_token: token } = await client.tokens({ login: '_bridge_owner' });
    expect(await gatehouse.introspect(token)).toMatchObject({ active: true, username: '_bridge_owner' });
    expect(await logIn('_bridge_owner')).toMatchObject({ status: 200 });
  });

  it('a token of the provider makes no such user, and opens no door elsewhere', async () => {
    await using service = await startTokenService(
      {
        mode: 'passthrough',
        reserved_localparts: ['admin', '_bridge_*'],
        forward_auth: { enabled: true },
        database: { url: await engine.newUrl() },
        encryption_key: randomBytes(32).toString('base64'),
      },
      { tokens: { strategies: ['jwt'] } },
    );
    for (const [login, isLetIn] of [
      ['admin', false],
      ['_bridge_carol', false],
      ['carol', true],
    ] as const) {
      const token = await service.tokenFor(login, 'PHONE');
      expect((await service.introspect(token)).body['active']).toBe(isLetIn);
      expect((await service.as(token, 'verify')).status).toBe(isLetIn ? 200 : 401);
    }
  });
});
