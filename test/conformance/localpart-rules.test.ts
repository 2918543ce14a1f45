/** Access rules about the name that a person has here: the final localpart, which no spelling of a claim evades, for every way in. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { postJson, registerTestClient, type TestClient } from '../support/oauth-client.ts';
import { startTokenService } from '../verification/service.ts';

const ADMIN = 'urn:synapse:admin:*';
const ACCESS = `{ deny: [{ claim: localpart, any_of: [Root, evil] }, { claim: name, any_of: [mallory] }],
  admin: [{ claim: localpart, any_of: [chief] }], recheck_seconds: 1 }`;

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let client: TestClient;
  beforeAll(async () => {
    gatehouse = await startGatehouse({
      idp: { passwordGrant: true },
      validateResponses: true,
      env: {
        ...(await databaseOf(engine)),
        GATEHOUSE__PROVIDERS__0__PRESET: 'oidc-provider',
        GATEHOUSE__PROVIDERS__0__ACCESS: ACCESS,
        GATEHOUSE__PROVIDERS__0__CLAIMS__LOCALPART: '{name|before_at}',
        GATEHOUSE__LEGACY_LOGIN__PASSWORD: 'true',
      },
    });
    client = await registerTestClient(gatehouse);
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  function account(login: string, claims: Record<string, unknown>): void {
    gatehouse.idp.accounts.set(login, { sub: `sub-of-${login}`, preferred_username: login, ...claims });
    gatehouse.idp.passwords.set(login, `password of ${login}`);
  }
  /** Members that the provider adds to userinfo. */
  function says(more: object): void {
    gatehouse.idp.faults.userinfo = (body) => ({ ...body, ...more });
  }
  const tokensOf = (login: string) =>
    client.tokens({
      login,
      parameters: { scope: `urn:matrix:client:api:* urn:matrix:client:device:D-${login} ${ADMIN}` },
    });

  describe('who is denied by name', () => {
    test.each([
      ['by the name as it is', 'root'],
      ['in capitals', 'ROOT'],
      ['in both', 'Root'],
      ['behind a filter of the template', 'root@anywhere.example'],
      ['in capitals behind the filter', 'ROOT@x'],
      ['with a claim that is called localpart', 'evil', { localpart: 'harmless' }],
      ['by the claim that the localpart is made of, in capitals', 'Mallory'],
    ])('is kept out %s', async (how, name, more: object = {}) => {
      says(more);
      account('denied', { name });
      const browser = createBrowser();
      await browser.open(client.authorizeUrl());
      const page = await browser.submit({ button: 'Sign in', fields: { login: 'denied' } });
      expect([how, page.status]).toEqual([how, 403]);
      expect(page.text).toContain('is not allowed to use this service');
    });

    test.each([
      ['roots', {}],
      ['the.root', {}],
      ['harmless', { localpart: 'root' }],
      ['mallory2', {}],
    ])('is not %s', async (name, more: object) => {
      says(more);
      account(name, { name });
      expect((await tokensOf(name)).access_token).toMatch(/^gat_/);
    });

    it('is kept out with a password as well, in words', async () => {
      account('root', { name: 'ROOT' });
      const answer = await postJson(`${gatehouse.url}_matrix/client/v3/login`, {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: 'Root' },
        password: 'password of root',
      });
      expect(answer).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      expect(answer.body['error']).toContain('is not allowed to use this service');
    });
  });

  it('an administrator by name is one whatever the claim becomes, and stays one at a recheck', async () => {
    account('chief', { name: 'Chief' });
    expect((await tokensOf('chief')).scope).toContain(ADMIN);
    account('chief', { name: 'somebody' });
    const tokens = await tokensOf('chief');
    expect(tokens.scope).toContain(ADMIN);
    const asked = gatehouse.idp.requests.get('/token') ?? 0;
    while ((gatehouse.idp.requests.get('/token') ?? 0) === asked) await delay(50);
    await delay(200);
    expect(await gatehouse.introspect(tokens.access_token)).toMatchObject({
      active: true,
      username: 'chief',
      scope: expect.stringContaining(ADMIN) as string,
    });
    // Taking the name of an administrator at the provider makes nobody one.
    account('intruder', { name: 'intruder' });
    await tokensOf('intruder');
    account('intruder', { name: 'chief' });
    expect((await tokensOf('intruder')).scope).not.toContain(ADMIN);
  });

  it('a token of the provider is judged by the final localpart too', async () => {
    const env = await databaseOf(engine);
    await using service = await startTokenService(
      {
        mode: 'passthrough',
        forward_auth: { enabled: true },
        database: { url: env['GATEHOUSE__DATABASE__URL'] },
        encryption_key: env['GATEHOUSE__ENCRYPTION_KEY'],
      },
      {
        tokens: { strategies: ['jwt'] },
        access: { deny: [{ claim: 'localpart', any_of: ['Root'] }] },
      },
    );
    for (const [login, isLetIn] of [
      ['root', false],
      ['ROOT', false],
      ['roots', true],
    ] as const) {
      const token = await service.tokenFor(login, 'PHONE', { preferred_username: login });
      expect((await service.introspect(token)).body['active']).toBe(isLetIn);
      expect((await service.as(token, 'verify')).status).toBe(isLetIn ? 200 : 401);
    }
  });
});
