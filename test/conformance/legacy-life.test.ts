/** The whole life of clients without OAuth, by the routes alone: plain HTTP, a real IdP with the password grant, no shortcut. */
import { Agent, request as send } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { askMatrix } from '../support/legacy-session.ts';
import type { Answer } from '../support/oauth-client.ts';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  beforeAll(async () => {
    gatehouse = await startGatehouse({
      idp: { passwordGrant: true },
      yaml: 'legacy_login: { password: true }',
      env: await databaseOf(engine),
    });
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  const logIn = async (login: string, more: object = {}): Promise<Record<string, string>> => {
    const answer = await askMatrix(gatehouse, 'POST v3/login', {
      json: {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: login },
        password: `password of ${login}`,
        ...more,
      },
    });
    expect(answer.status).toBe(200);
    return answer.body as Record<string, string>;
  };
  const as = (token: string | undefined, request: string, json?: unknown): Promise<Answer> =>
    askMatrix(gatehouse, request, { token: token ?? '', ...(json === undefined ? {} : { json }) });

  it('a person logs in twice, names a device, refreshes, deletes a device, and signs out everywhere', async () => {
    const phone = await logIn('alice', { initial_device_display_name: 'Phone', refresh_token: true });
    const laptop = await logIn('alice', { device_id: 'LAP/TOP', initial_device_display_name: 'Laptop' });
    expect(
      (await as(phone['access_token'], 'PUT v3/devices/LAP%2FTOP', { display_name: 'Mine' })).status,
    ).toBe(200);
    const { devices } = (await as(laptop['access_token'], 'GET v3/devices')).body;
    expect(devices).toEqual([
      expect.objectContaining({ device_id: phone['device_id'], display_name: 'Phone' }),
      expect.objectContaining({ device_id: 'LAP/TOP', display_name: 'Mine' }),
    ]);

    // The answer of the first refresh is lost.
    const refreshToken = { refresh_token: phone['refresh_token'] };
    await askMatrix(gatehouse, 'POST v3/refresh', { json: refreshToken });
    const pair = (await askMatrix(gatehouse, 'POST v1/refresh', { json: refreshToken })).body;
    const token = String(pair['access_token']);
    expect((await as(token, 'GET v3/account/whoami')).body).toMatchObject({ device_id: phone['device_id'] });

    const request = 'DELETE v3/devices/LAP%2FTOP';
    const { session } = (await as(token, request)).body;
    const browser = createBrowser();
    await browser.open(
      `${gatehouse.url}_matrix/client/v3/auth/m.login.sso/fallback/web?session=${String(session)}`,
    );
    await browser.submit({ button: 'Continue' });
    await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    expect(browser.page.title).toBe('Confirmed');
    expect((await as(token, request, { auth: { session } })).status).toBe(200);
    expect(await as(laptop['access_token'], 'GET v3/account/whoami')).toMatchObject({
      status: 401,
      body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false },
    });

    const other = await logIn('bob');
    expect((await as(token, 'POST v3/logout/all')).status).toBe(200);
    expect((await as(token, 'GET v3/devices')).status).toBe(401);
    expect((await askMatrix(gatehouse, 'POST v3/refresh', { json: pair })).status).toBe(401);
    expect((await as(other['access_token'], 'GET v3/devices')).body['devices']).toHaveLength(1);
  });

  it('a token without an end lives until its person signs out', async () => {
    const { access_token: token, refresh_token: refresh } = await logIn('bob');
    expect(refresh).toBeUndefined();
    expect((await gatehouse.introspect(token ?? ''))['expires_in']).toBeUndefined();
    expect((await as(token, 'POST v3/logout')).status).toBe(200);
    expect(await gatehouse.introspect(token ?? '')).toEqual({ active: false });
  });

  it('a sign-out with a body of any size leaves its connection fit for the next request', async () => {
    const { access_token: token } = await logIn('bob');
    const { access_token: next } = await logIn('bob');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const post = (path: string, body: Buffer, access: string | undefined): Promise<number> =>
      new Promise((resolve, reject) => {
        const url = new URL(`_matrix/client/v3/${path}`, gatehouse.url);
        const headers = { authorization: `Bearer ${access ?? ''}`, 'content-length': body.length };
        send(url, { method: 'POST', agent, headers }, (response) => {
          response.resume().on('end', () => {
            resolve(response.statusCode ?? 0);
          });
        })
          .on('error', reject)
          .end(body);
      });
    expect(await post('logout', Buffer.alloc(300_000, 'x'), token)).toBe(200);
    expect(await post('logout', Buffer.from('{}'), next)).toBe(200);
    agent.destroy();
  });
});
