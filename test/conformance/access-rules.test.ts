/** Access rules at sign-in and while sessions live, behind a real IdP that gives refresh tokens. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser, type Page } from '../support/browser.ts';
import { forEachEngine } from '../support/database.ts';
import {
  ask,
  postJson,
  postForm,
  registerTestClient,
  type TestClient,
  type TokenSet,
} from '../support/oauth-client.ts';

const ADMIN = 'urn:synapse:admin:*';
const ACCESS = `{ require: [{ claim: groups, any_of: [matrix-users] }], deny: [{ claim: groups, any_of: [suspended] }],
  admin: [{ claim: groups, any_of: [admins] }], recheck_seconds: 2 }`;

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let client: TestClient;
  beforeAll(async () => {
    gatehouse = await startGatehouse({
      env: {
        GATEHOUSE__DATABASE__URL: await engine.newUrl(),
        GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
        GATEHOUSE__PROVIDERS__0__PRESET: 'oidc-provider',
        GATEHOUSE__PROVIDERS__0__ACCESS: ACCESS,
        GATEHOUSE__PROVIDERS__0__DISCOVERY__MIN_TTL_SECONDS: '60',
      },
    });
    client = await registerTestClient(gatehouse);
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    setGroups('alice', ['matrix-users', 'staff']);
    setGroups('bob', ['matrix-users']);
  });

  function setGroups(login: string, groups: unknown): void {
    const { idp } = gatehouse;
    const account = idp.accounts.get(login);
    if (account === undefined) throw new Error(`no ${login}`);
    idp.accounts.set(login, { ...account, groups });
  }
  const tokensOf = (login: string, deviceId: string, more = ''): Promise<TokenSet> =>
    client.tokens({
      login,
      parameters: { scope: `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}${more}` },
    });
  const isActive = async (token: string): Promise<unknown> => (await gatehouse.introspect(token))['active'];
  const isOver = async (token: string, withinMs: number): Promise<boolean> => {
    const until = performance.now() + withinMs;
    while (performance.now() < until) {
      if ((await isActive(token)) === false) return true;
      await delay(50);
    }
    return false;
  };
  const refreshesAtIdp = (): number => gatehouse.idp.requests.get('/token') ?? 0;
  const tryToSignIn = async (login: string): Promise<Page> => {
    const browser = createBrowser();
    await browser.open(client.authorizeUrl());
    return browser.submit({ button: 'Sign in', fields: { login } });
  };

  describe('at sign-in', () => {
    it('somebody without the group is refused before there is a user, in general words', async () => {
      const page = await tryToSignIn('carol');
      expect(page.status).toBe(403);
      expect(page.text).toContain('is not allowed to use this service');
      expect(page.text).not.toContain('matrix-users');
      // The name was not taken by the refusal: it is free for whoever may have it.
      setGroups('carol', ['matrix-users']);
      expect(await isActive((await tokensOf('carol', 'CAROL')).access_token)).toBe(true);
    });

    it('somebody who is denied is refused, whatever other groups they have', async () => {
      setGroups('bob', ['matrix-users', 'suspended']);
      expect((await tryToSignIn('bob')).status).toBe(403);
    });

    it('a refused sign-in ends the sessions that there are: the claims say so', async () => {
      const tokens = await tokensOf('bob', 'BOB1');
      expect(await isActive(tokens.access_token)).toBe(true);
      setGroups('bob', []);
      expect((await tryToSignIn('bob')).status).toBe(403);
      expect(await isActive(tokens.access_token)).toBe(false);
      expect(await client.refresh(tokens.refresh_token)).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
    });
  });

  describe('the admin scope', () => {
    it('is granted to an administrator who asks, to nobody else, and is lost with the group', async () => {
      expect((await tokensOf('alice', 'ADMIN0', ` ${ADMIN}`)).scope).not.toContain(ADMIN);
      setGroups('alice', ['matrix-users', 'admins']);
      expect((await tokensOf('alice', 'ADMIN1')).scope).not.toContain(ADMIN);
      const browser = createBrowser();
      await browser.open(
        client.authorizeUrl({ scope: `urn:matrix:client:api:* urn:matrix:client:device:X ${ADMIN}` }),
      );
      const consent = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      expect(consent.text).toContain('your rights as an administrator');
      const tokens = await tokensOf('alice', 'ADMIN2', ` ${ADMIN}`);
      expect(tokens.scope.split(' ')).toContain(ADMIN);
      const narrowed = await client.refresh(tokens.refresh_token, { scope: tokens.scope });
      expect(String((await gatehouse.introspect(String(narrowed.body['access_token'])))['scope'])).toContain(
        ADMIN,
      );
      setGroups('alice', ['matrix-users']);
      const until = performance.now() + 6000;
      let scope = ADMIN;
      while (scope.includes(ADMIN) && performance.now() < until) {
        await delay(50);
        scope = String((await gatehouse.introspect(String(narrowed.body['access_token'])))['scope']);
      }
      expect(scope).toContain('urn:matrix:client:device:ADMIN2');
      expect(scope).not.toContain(ADMIN);
    });

    it('is warned of on the page for a device as well, if the person can give it', async () => {
      const device = await registerTestClient(gatehouse, {
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token', 'authorization_code'],
      });
      for (const [groups, warned] of [
        [['matrix-users', 'admins'], true],
        [['matrix-users'], false],
      ] as const) {
        setGroups('alice', [...groups]);
        const begun = await postForm(`${gatehouse.url}oauth2/device_authorization`, {
          client_id: device.clientId,
          scope: `urn:matrix:client:api:* urn:matrix:client:device:TV${String(warned)} ${ADMIN}`,
        });
        const browser = createBrowser();
        await browser.open(String(begun.body['verification_uri_complete']));
        await browser.submit({ button: 'Continue' });
        const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
        expect(page.title).toBe('Did you start this sign-in?');
        expect(page.text.includes('your rights as an administrator')).toBe(warned);
        expect(page.text.includes('Your rights as an administrator')).toBe(warned);
      }
    });

    it('alone is no sign-in: the API scope must be there', async () => {
      const refused = await ask(client.authorizeUrl({ scope: `${ADMIN} urn:matrix:client:device:X` }));
      expect(new URL(refused.headers.get('location') ?? '').searchParams.get('error')).toBe('invalid_scope');
    });
  });

  describe('while sessions live', () => {
    it('who lost the group loses all sessions within the configured time, and can come back with it', async () => {
      const first = await tokensOf('alice', 'ONE');
      const second = await tokensOf('alice', 'TWO');
      const pending = await client.authorize({ login: 'alice' });
      const other = await tokensOf('bob', 'OTHER');
      setGroups('alice', ['staff']);
      expect(await isOver(first.access_token, 2500)).toBe(true);
      expect(await isActive(second.access_token)).toBe(false);
      expect(await isActive(other.access_token)).toBe(true);
      expect(await client.redeem(pending.get('code') ?? '')).toMatchObject({
        body: { error: 'invalid_grant' },
      });
      expect(await client.refresh(second.refresh_token)).toMatchObject({ body: { error: 'invalid_grant' } });
      setGroups('alice', ['matrix-users']);
      expect(await isActive((await tokensOf('alice', 'ONE')).access_token)).toBe(true);
    }, 15_000);

    it('is asked again and again, each refresh token once, and nobody loses anything', async () => {
      const tokens = await tokensOf('alice', 'STEADY');
      const before = refreshesAtIdp();
      await delay(4500);
      expect(refreshesAtIdp()).toBeGreaterThanOrEqual(before + 2);
      expect(await isActive(tokens.access_token)).toBe(true);
    }, 15_000);

    it.each<[string, (g: Gatehouse) => Promise<void> | void, (g: Gatehouse) => Promise<void> | void]>([
      ['is down', (g) => g.idp.goDown(), (g) => g.idp.comeBack()],
      [
        'answers 503',
        (g) => {
          g.idp.faults.html503 = true;
        },
        (g) => {
          g.idp.faults.html503 = false;
        },
      ],
      [
        'has forgotten its sessions and grants (invalid_grant)',
        (g) => {
          g.idp.forgetSessions();
        },
        () => undefined,
      ],
      [
        'gives userinfo without the claim and no ID token',
        (g) => {
          g.idp.faults.tokenResponse = ({ id_token: _gone, ...body }) => body;
          g.idp.faults.userinfo = ({ groups: _lost, ...body }) => body;
        },
        (g) => {
          g.idp.faults.tokenResponse = undefined;
          g.idp.faults.userinfo = undefined;
        },
      ],
      [
        'speaks of somebody else',
        (g) => {
          g.idp.faults.userinfo = (body) => ({ ...body, sub: 'sub-of-bob', groups: [] });
        },
        (g) => {
          g.idp.faults.userinfo = undefined;
        },
      ],
    ])(
      'nothing ends while the IdP %s',
      async (_name, breakIt, remedy) => {
        const tokens = await tokensOf('alice', 'KEPT');
        await breakIt(gatehouse);
        // The group is lost at the same time: but nothing says so.
        setGroups('alice', []);
        await delay(3000);
        expect(await isActive(tokens.access_token)).toBe(true);
        const refreshed = await client.refresh(tokens.refresh_token);
        expect(refreshed.status).toBe(200);
        setGroups('alice', ['matrix-users']);
        await remedy(gatehouse);
      },
      15_000,
    );
  });
});

describe('the operator', () => {
  it('may have the person told what is required', async () => {
    await using gatehouse = await startGatehouse({
      env: {
        GATEHOUSE__PROVIDERS__0__ACCESS:
          '{ require: [{ claim: groups, any_of: [matrix-users] }], explain: true }',
      },
    });
    const client = await registerTestClient(gatehouse);
    const browser = createBrowser();
    await browser.open(client.authorizeUrl());
    const page = await browser.submit({ button: 'Sign in', fields: { login: 'carol' } });
    expect(page.text).toContain('It needs: groups: matrix-users.');
    expect((await postJson(`${gatehouse.url}oauth2/registration`, {})).status).toBe(400);
  });
});
