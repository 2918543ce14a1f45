/** People locked and deactivated by another process, on both engines: the running service sees it with its next query. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { noHomeserver } from '../../src/homeserver/none.ts';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import type { SessionEndingDeps } from '../../src/sessions/end.ts';
import { deactivatePerson, lockPerson, unlockPerson } from '../../src/people/people.ts';
import { deleteClient } from '../../src/storage/records/client-list.ts';
import { openDatabase } from '../../src/storage/engine/open-database.ts';
import { findUserByLocalpart } from '../../src/storage/records/users.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { forEachEngine } from '../support/database.ts';
import { ask, postForm, registerTestClient, type TestClient } from '../support/oauth-client.ts';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let client: TestClient;
  let operator: SessionEndingDeps;
  beforeAll(async () => {
    const url = await engine.newUrl();
    gatehouse = await startGatehouse({
      env: { GATEHOUSE__DATABASE__URL: url, GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64') },
    });
    client = await registerTestClient(gatehouse);
    const shared = { clock: systemClock, random: systemRandom };
    operator = {
      ...shared,
      db: await openDatabase({ url, ...shared }),
      homeserver: noHomeserver,
      log: { warn: () => undefined },
      emit: () => undefined,
    };
  });
  afterAll(async () => {
    await operator.db.close();
    await gatehouse[Symbol.asyncDispose]();
  });

  const idOf = async (localpart: string): Promise<string> =>
    (await findUserByLocalpart(operator.db.query, localpart))?.id ?? '';
  const whoami = (token: string): ReturnType<typeof ask> =>
    ask(`${gatehouse.url}_matrix/client/v3/account/whoami`, {
      headers: { authorization: `Bearer ${token}` },
    });
  const introspect = (token: string): ReturnType<typeof postForm> =>
    postForm(
      `${gatehouse.url}oauth2/introspect`,
      { token },
      { authorization: `Bearer ${gatehouse.homeserverSecret}` },
    );

  it('locked: 401 M_USER_LOCKED with soft_logout, 503 to the homeserver, refresh and revocation go on, no new sign-in', async () => {
    const tokens = await client.tokens({ login: 'alice' });
    const pending = await client.authorize({ login: 'alice', parameters: scoped('PENDING') });
    await lockPerson(operator, await idOf('alice'));
    expect(await whoami(tokens.access_token)).toMatchObject({
      status: 401,
      body: { errcode: 'M_USER_LOCKED', error: expect.any(String), soft_logout: true },
    });
    expect((await introspect(tokens.access_token)).status).toBe(503);
    const refreshed = await client.refresh(tokens.refresh_token);
    expect(refreshed.status).toBe(200);
    expect((await whoami(String(refreshed.body['access_token']))).body['errcode']).toBe('M_USER_LOCKED');
    // They are told before they are asked anything, with a way back to the app.
    const browser = createBrowser();
    await browser.open(client.authorizeUrl());
    const refused = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    expect(refused).toMatchObject({ status: 403, title: expect.stringContaining('not signed in') });
    expect(refused.text).toContain('This account is locked');
    expect(refused.body).toContain('error=access_denied');
    // What was granted before the lock comes to nothing, for good.
    const code = pending.get('code') ?? '';
    expect(await client.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const spare = await client.refresh(String(refreshed.body['refresh_token']));
    await unlockPerson(operator, await idOf('alice'));
    expect((await whoami(String(refreshed.body['access_token']))).status).toBe(200);
    expect(await client.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    await lockPerson(operator, await idOf('alice'));
    const token = String(spare.body['access_token']);
    expect((await introspect(token)).status).toBe(503);
    expect(await postForm(`${gatehouse.url}oauth2/revoke`, { token })).toMatchObject({
      status: 200,
      body: {},
    });
    expect(await introspect(token)).toMatchObject({ status: 200, body: { active: false } });
    await unlockPerson(operator, await idOf('alice'));
  });

  it('deactivated: tokens dead, refresh invalid_grant, open pages and codes worth nothing, login refused', async () => {
    const tokens = await client.tokens({ login: 'bob' });
    const pending = await client.authorize({ login: 'bob', parameters: scoped('PENDING') });
    const browser = createBrowser();
    await browser.open(client.authorizeUrl());
    const consent = await browser.submit({ button: 'Sign in', fields: { login: 'bob' } });
    await deactivatePerson(operator, await idOf('bob'));
    expect(await whoami(tokens.access_token)).toMatchObject({
      status: 401,
      body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false },
    });
    expect((await introspect(tokens.access_token)).body).toEqual({ active: false });
    expect(await client.refresh(tokens.refresh_token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    expect(await client.redeem(pending.get('code') ?? '')).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    expect((await browser.submit({ button: 'Allow' }, consent)).status).toBe(400);
    const again = await createBrowser().open(client.authorizeUrl({ login_hint: 'bob' }));
    expect(again.status).toBe(200);
    const second = createBrowser();
    await second.open(client.authorizeUrl());
    const page = await second.submit({ button: 'Sign in', fields: { login: 'bob' } });
    expect(page).toMatchObject({ status: 403 });
    expect(page.text).toContain('deactivated');
  });

  it('a client that was removed is unknown at once, its codes and open pages too', async () => {
    const gone = await registerTestClient(gatehouse, { client_name: 'Gone soon' });
    const pending = await gone.authorize({ parameters: scoped('GONE') });
    const browser = createBrowser();
    await browser.open(gone.authorizeUrl());
    const consent = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
    await operator.db.write((tx) => deleteClient(tx, gone.clientId));
    expect(await gone.redeem(pending.get('code') ?? '')).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect((await browser.submit({ button: 'Allow' }, consent)).status).toBe(404);
    expect((await ask(gone.authorizeUrl())).status).toBe(400);
  });

  function scoped(deviceId: string): Record<string, string> {
    return { scope: `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}` };
  }
});
