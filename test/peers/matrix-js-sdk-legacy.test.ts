/** matrix-js-sdk as an app that knows no OAuth: the legacy login API against the running service, behind a real IdP. */
import { randomBytes } from 'node:crypto';
import {
  createClient,
  InteractiveAuth,
  type LoginRequest,
  type LoginResponse,
  type MatrixClient,
  MatrixError,
  Method,
  SSOAction,
} from 'matrix-js-sdk';
import { logger } from 'matrix-js-sdk/lib/logger.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, createBrowser } from '../support/browser.ts';
import { forEachEngine } from '../support/database.ts';
import { registerTestClient } from '../support/oauth-client.ts';
import { type Gatehouse, startGatehouse } from './gatehouse.ts';

const app = 'https://app.element.example/?no_universal_links=true';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'log'] as const)
      logger[level] = () => undefined;
    gatehouse = await startGatehouse({
      idp: { passwordGrant: true },
      validateResponses: true,
      yaml: 'legacy_login: { password: true }',
      env: {
        GATEHOUSE__DATABASE__URL: await engine.newUrl(),
        GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      },
    });
  });
  afterAll(() => gatehouse[Symbol.asyncDispose]());

  const anonymous = (): MatrixClient => createClient({ baseUrl: gatehouse.url });
  const as = ({
    access_token: accessToken,
    user_id: userId,
    device_id: deviceId,
  }: LoginResponse): MatrixClient => createClient({ baseUrl: gatehouse.url, accessToken, userId, deviceId });
  const logIn = (more: Partial<LoginRequest> = {}, login = 'alice'): Promise<LoginResponse> =>
    anonymous().loginRequest({
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: login },
      password: `password of ${login}`,
      ...more,
    });
  const refusal = async (asked: Promise<unknown>): Promise<unknown> => {
    const error: unknown = await asked.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof MatrixError)) throw new Error(`not refused: ${String(error)}`);
    return [error.httpStatus, error.errcode];
  };

  /** Through the IdP and the pages of ours, until the browser is sent to the app or shows the last page. */
  async function walk(browser: Browser, url: string, login = 'alice', button = 'Continue'): Promise<string> {
    browser.stopAt('https://app.element.example/');
    let page = await browser.open(url);
    for (let step = 0; step < 6 && !page.stopped; step += 1) {
      const isIdp = page.title.includes('test IdP');
      if (!isIdp && !page.body.includes(`>${button}<`)) break;
      page = await browser.submit(isIdp ? { button: 'Sign in', fields: { login } } : { button });
    }
    return page.url;
  }

  const singleSignOn = async (login = 'alice', idpId?: string): Promise<URL> => {
    const url = anonymous().getSsoLoginUrl(app, 'sso', idpId, SSOAction.LOGIN);
    return new URL(await walk(createBrowser(), url, login));
  };

  it('is told the ways to log in', async () => {
    const { flows } = await anonymous().loginFlows();
    expect(flows.map(({ type }) => type)).toEqual(['m.login.sso', 'm.login.token', 'm.login.password']);
    expect(flows[0]).toMatchObject({ oauth_aware_preferred: true, identity_providers: [{ id: 'main' }] });
  });

  describe('with a password', () => {
    it('logs in, by user ID and by localpart', async () => {
      for (const user of ['alice', '@alice:example.org', '@Alice:example.org']) {
        const login = await logIn({ identifier: { type: 'm.id.user', user } });
        expect(login.user_id).toBe('@alice:example.org');
        expect(login.refresh_token).toBeUndefined();
        expect(await as(login).whoami()).toEqual({
          user_id: '@alice:example.org',
          device_id: login.device_id,
          is_guest: false,
        });
        expect(await gatehouse.introspect(login.access_token)).toMatchObject({
          active: true,
          username: 'alice',
          device_id: login.device_id,
        });
      }
    });

    it('is refused a wrong one, and somebody who is not there, in the same words', async () => {
      const wrong = logIn({ password: 'wrong' });
      const nobody = logIn({ identifier: { type: 'm.id.user', user: 'nobody' } });
      expect(await refusal(wrong)).toEqual([403, 'M_FORBIDDEN']);
      expect(await refusal(nobody)).toEqual([403, 'M_FORBIDDEN']);
      const [one, other] = (await Promise.allSettled([wrong, nobody])).map((each) =>
        each.status === 'rejected' ? (each.reason as MatrixError).data : undefined,
      );
      expect(one).toEqual(other);
    });

    it('keeps the device that it names, and ends what was there', async () => {
      const first = await logIn({ device_id: 'PHONE/+=', initial_device_display_name: 'A phone' });
      expect(first.device_id).toBe('PHONE/+=');
      const second = await logIn({ device_id: 'PHONE/+=', initial_device_display_name: 'Another name' });
      expect(await refusal(as(first).whoami())).toEqual([401, 'M_UNKNOWN_TOKEN']);
      expect(await as(second).getDevice('PHONE/+=')).toMatchObject({ display_name: 'A phone' });
    });
  });

  describe('by single sign-on', () => {
    it('gets a login token once the person agrees, and logs in with it once', async () => {
      const back = await singleSignOn();
      expect(back.searchParams.get('no_universal_links')).toBe('true');
      const token = back.searchParams.get('loginToken') ?? '';
      const login = await anonymous().loginRequest({ type: 'm.login.token', token, device_id: 'SSO' });
      expect(login).toMatchObject({ user_id: '@alice:example.org', device_id: 'SSO' });
      expect((await as(login).whoami()).user_id).toBe('@alice:example.org');
      expect(await refusal(anonymous().loginRequest({ type: 'm.login.token', token }))).toEqual([
        403,
        'M_FORBIDDEN',
      ]);
    });

    it('takes the provider that it names, and is told of one that is not there', async () => {
      expect((await singleSignOn('bob', 'main')).searchParams.get('loginToken')).toMatch(/^glt_/);
      const page = await createBrowser().open(anonymous().getSsoLoginUrl(app, 'sso', 'elsewhere'));
      expect(page.status).toBe(404);
    });
  });

  describe('refresh', () => {
    it('gives a new pair, again after a lost answer, and ends nothing meanwhile', async () => {
      const login = await logIn({ refresh_token: true, device_id: 'REFRESH' });
      expect(login.expires_in_ms).toBe(600_000);
      const stale = createClient({ baseUrl: gatehouse.url, accessToken: 'gat_stale' });
      const next = await stale.refreshToken(login.refresh_token ?? '');
      expect(await stale.refreshToken(login.refresh_token ?? '')).toMatchObject({
        access_token: next.access_token,
        refresh_token: next.refresh_token,
      });
      expect(next.expires_in_ms).toBeGreaterThan(500_000);
      expect((await as({ ...login, access_token: next.access_token }).whoami()).device_id).toBe('REFRESH');
      const last = await anonymous().refreshToken(next.refresh_token ?? '');
      expect((await as({ ...login, access_token: last.access_token }).whoami()).device_id).toBe('REFRESH');
    });

    it('is refused for tokens that are none', async () => {
      expect(await refusal(anonymous().refreshToken('grt_none'))).toEqual([401, 'M_UNKNOWN_TOKEN']);
    });
  });

  describe('devices', () => {
    it('lists, shows and names them', async () => {
      const login = await logIn({ device_id: 'NAMED', initial_device_display_name: 'First name' }, 'carol');
      const client = as(login);
      expect((await client.getDevices()).devices).toEqual([
        expect.objectContaining({
          device_id: 'NAMED',
          display_name: 'First name',
          last_seen_ts: expect.any(Number),
        }),
      ]);
      await client.setDeviceDetails('NAMED', { display_name: 'Second name' });
      expect(await client.getDevice('NAMED')).toMatchObject({ display_name: 'Second name' });
      expect(await refusal(client.getDevice('NONE'))).toEqual([404, 'M_NOT_FOUND']);
      expect(await refusal(client.setDeviceDetails('NONE', { display_name: 'x' }))).toEqual([
        404,
        'M_NOT_FOUND',
      ]);
    });

    it.each(['one', 'several'] as const)('removes %s once the person has signed in anew', async (how) => {
      const login = await logIn({ device_id: `KEPT${how}` }, 'bob');
      const gone = await logIn({ device_id: `GONE/${how}` }, 'bob');
      const client = as(login);
      const remove = (session?: string): Promise<unknown> => {
        const auth = session === undefined ? undefined : { session };
        return how === 'one'
          ? client.deleteDevice(`GONE/${how}`, auth)
          : client.deleteMultipleDevices([`GONE/${how}`], auth);
      };
      const asked = (await remove().catch((error: unknown) => error)) as MatrixError;
      expect(asked.httpStatus).toBe(401);
      expect(asked.data).toMatchObject({ flows: [{ stages: ['m.login.sso'] }], session: expect.any(String) });
      const session = String(asked.data['session']);
      expect((await as(gone).whoami()).device_id).toBe(`GONE/${how}`);

      const browser = createBrowser();
      await walk(browser, client.getFallbackAuthUrl('m.login.sso', session), 'bob');
      expect(browser.page.url).toContain('/_matrix/client/v3/auth/m.login.sso/fallback/web');
      expect(browser.page.body).toContain('authDone');
      await remove(session);
      expect(await refusal(as(gone).whoami())).toEqual([401, 'M_UNKNOWN_TOKEN']);
      expect((await client.whoami()).device_id).toBe(`KEPT${how}`);
    });

    it('removes one by the library’s own way through the authentication', async () => {
      const client = as(await logIn({ device_id: 'DRIVER' }, 'bob'));
      const gone = await logIn({ device_id: 'DRIVEN' }, 'bob');
      const stages: string[] = [];
      const driver: InteractiveAuth<unknown> = new InteractiveAuth<unknown>({
        matrixClient: client,
        doRequest: (auth) => client.deleteDevice('DRIVEN', auth ?? undefined),
        requestEmailToken: () => Promise.reject(new Error('asked for an e-mail')),
        stateUpdated: (stage) => {
          stages.push(stage);
          const url = client.getFallbackAuthUrl(stage, driver.getSessionId() ?? '');
          void walk(createBrowser(), url, 'bob').then(() => driver.submitAuthDict({}));
        },
      });
      await driver.attemptAuth();
      expect(stages).toEqual(['m.login.sso']);
      expect(await refusal(as(gone).whoami())).toEqual([401, 'M_UNKNOWN_TOKEN']);
    });

    it('removes none for somebody else who signs in', async () => {
      const login = await logIn({ device_id: 'MINE' });
      const client = as(login);
      const asked = (await client.deleteDevice('MINE').catch((error: unknown) => error)) as MatrixError;
      const session = String(asked.data['session']);
      await walk(createBrowser(), client.getFallbackAuthUrl('m.login.sso', session), 'bob');
      expect(await refusal(client.deleteDevice('MINE', { session }))).toEqual([403, 'M_FORBIDDEN']);
      expect((await client.whoami()).device_id).toBe('MINE');
    });
  });

  describe('logs out', () => {
    it('this session alone', async () => {
      const [one, other] = [await logIn(), await logIn({ refresh_token: true })];
      await as(one).logout();
      expect(await refusal(as(one).whoami())).toEqual([401, 'M_UNKNOWN_TOKEN']);
      expect(await gatehouse.introspect(one.access_token)).toEqual({ active: false });
      expect((await as(other).whoami()).user_id).toBe('@alice:example.org');
      await as(other).logout();
      expect(await refusal(anonymous().refreshToken(other.refresh_token ?? ''))).toEqual([
        401,
        'M_UNKNOWN_TOKEN',
      ]);
    });

    it('all sessions of the person, those of OAuth clients too', async () => {
      const oauth = await (await registerTestClient(gatehouse)).tokens();
      const [one, other] = [await logIn(), await logIn()];
      const bob = await logIn({}, 'bob');
      await as(one).http.authedRequest(Method.Post, '/logout/all');
      for (const token of [one.access_token, other.access_token, oauth.access_token])
        expect(await refusal(as({ ...one, access_token: token }).whoami())).toEqual([401, 'M_UNKNOWN_TOKEN']);
      expect((await as(bob).whoami()).user_id).toBe('@bob:example.org');
    });
  });

  it('is told what is not done here', async () => {
    const client = as(await logIn());
    expect(await refusal(client.requestLoginToken())).toEqual([404, 'M_UNRECOGNIZED']);
    expect(await refusal(client.registerRequest({ username: 'new', password: 'x' }))).toEqual([
      403,
      'M_FORBIDDEN',
    ]);
    expect(await refusal(client.registerGuest())).toEqual([403, 'M_FORBIDDEN']);
    expect(await refusal(client.setPassword({ type: 'm.login.password' }, 'new'))).toEqual([
      404,
      'M_UNRECOGNIZED',
    ]);
    expect(await refusal(client.deactivateAccount())).toEqual([404, 'M_UNRECOGNIZED']);
    expect(await refusal(client.requestRegisterEmailToken('a@example.org', 'secret', 1))).toEqual([
      404,
      'M_UNRECOGNIZED',
    ]);
  });
});
