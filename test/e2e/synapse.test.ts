/** An unmodified Synapse takes its users, devices and tokens from the service, through a real identity provider. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import {
  API_SCOPE,
  DEVICE_SCOPE,
  registerTestClient,
  type TestClient,
  type TokenSet,
} from '../support/oauth-client.ts';
import { startSynapse, type Synapse, synapsePython } from '../support/synapse.ts';

const python = synapsePython();

describe.skipIf(python === undefined)('Synapse behind the service', () => {
  const started = new AsyncDisposableStack();
  let synapse: Synapse;
  let gatehouse: Gatehouse;
  let client: TestClient;

  beforeAll(async () => {
    const port = await freePort();
    gatehouse = started.use(
      await startGatehouse({
        env: {
          GATEHOUSE__HOMESERVER__KIND: 'synapse',
          GATEHOUSE__HOMESERVER__URL: `http://127.0.0.1:${String(port)}/`,
        },
      }),
    );
    synapse = started.use(
      await startSynapse({
        python: python ?? '',
        port,
        endpoint: gatehouse.url,
        secret: gatehouse.homeserverSecret,
      }),
    );
    client = await registerTestClient(gatehouse);
  });

  // Only what was started: if that fails, its error is the one that is shown.
  afterAll(() => started.disposeAsync());

  /** Signs in on a device. */
  const signIn = (device: string, login: string): Promise<TokenSet> =>
    client.tokens({ login, parameters: { scope: `${API_SCOPE} ${DEVICE_SCOPE}${device}` } });

  /** A request of a Matrix client to Synapse. */
  const ask = async (
    token: string,
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const answer = await fetch(`${synapse.url}_matrix/client/v3/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };

  it('publishes our metadata to clients', async () => {
    const answer = await fetch(`${synapse.url}_matrix/client/v1/auth_metadata`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ issuer: gatehouse.url });
  });

  it('knows user and device of a token, and does for them what a client needs', async () => {
    const { access_token: token } = await signIn('ALICE1', 'alice');
    expect((await ask(token, 'GET', 'account/whoami')).body).toMatchObject({
      user_id: '@alice:example.org',
      device_id: 'ALICE1',
    });
    expect((await ask(token, 'GET', 'sync?timeout=0')).status).toBe(200);
    const keys = {
      device_keys: {
        user_id: '@alice:example.org',
        device_id: 'ALICE1',
        algorithms: ['m.olm.v1.curve25519-aes-sha2'],
        keys: { 'ed25519:ALICE1': 'x', 'curve25519:ALICE1': 'y' },
        signatures: {},
      },
    };
    expect((await ask(token, 'POST', 'keys/upload', keys)).status).toBe(200);
    const room = await ask(token, 'POST', 'createRoom', { preset: 'private_chat' });
    expect(room.status).toBe(200);
    const sent = await ask(
      token,
      'PUT',
      `rooms/${encodeURIComponent(String(room.body['room_id']))}/send/m.room.message/1`,
      { msgtype: 'm.text', body: 'hello' },
    );
    expect(sent.status).toBe(200);
  });

  it('has the name and the verified address of the person, and those of the next sign-in', async () => {
    const profile = async (token: string): Promise<unknown[]> => {
      const [name, addresses] = await Promise.all([
        ask(token, 'GET', `profile/${encodeURIComponent('@carol:example.org')}`),
        ask(token, 'GET', 'account/3pid'),
      ]);
      const threepids = addresses.body['threepids'] as { address: string }[];
      return [name.body['displayname'], threepids.map(({ address }) => address)];
    };
    const carol = gatehouse.idp.accounts.get('carol');
    const { access_token: first } = await signIn('CAROL0', 'carol');
    expect(await profile(first)).toEqual([carol?.['name'], ['carol@example.org']]);
    Object.assign(carol ?? {}, { name: 'Carol the Second', email: 'carol2@example.org' });
    const { access_token: second } = await signIn('CAROL9', 'carol');
    expect(await profile(second)).toEqual(['Carol the Second', ['carol2@example.org']]);
  });

  it('takes other cross-signing keys only after the person has approved that on the account page', async () => {
    const { access_token: token } = await signIn('KEYS1', 'carol');
    const master = (key: string): object => ({
      master_key: {
        user_id: '@carol:example.org',
        usage: ['master'],
        keys: { [`ed25519:${key}`]: key },
      },
    });
    const upload = (key: string): ReturnType<typeof ask> =>
      ask(token, 'POST', 'keys/device_signing/upload', master(key));
    expect((await upload('a'.repeat(43))).status).toBe(200);
    const refused = await upload('b'.repeat(43));
    expect(refused.status).toBe(401);
    const params = refused.body['params'] as Record<string, { url: string }>;
    const url = Object.values(params)[0]?.url ?? '';
    expect(url).toBe(`${gatehouse.url}account?action=org.matrix.cross_signing_reset`);
    const browser = createBrowser();
    await browser.open(url);
    await browser.submit({ button: 'Sign in', fields: { login: 'carol' } });
    const done = await browser.submit({ button: 'Replace your encryption keys' });
    expect(done.title).toBe('Go back to your app');
    expect((await upload('b'.repeat(43))).status).toBe(200);
  });

  it('goes on across a refresh', async () => {
    const tokens = await signIn('ALICE2', 'alice');
    expect((await ask(tokens.access_token, 'GET', 'sync?timeout=0')).status).toBe(200);
    const refreshed = await client.refresh(tokens.refresh_token);
    expect(refreshed.status).toBe(200);
    expect((await ask(String(refreshed.body['access_token']), 'GET', 'sync?timeout=0')).status).toBe(200);
  });

  it('refuses a token within a second of its sign-out, and has lost the device and its keys', async () => {
    const [one, two] = [await signIn('BOB1', 'bob'), await signIn('BOB2', 'bob')];
    for (const { access_token: token } of [one, two]) {
      expect((await ask(token, 'GET', 'sync?timeout=0')).status).toBe(200);
    }
    const revoked = await fetch(`${gatehouse.url}oauth2/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token: one.refresh_token }),
    });
    expect(revoked.status).toBe(200);
    await expect
      .poll(async () => (await ask(one.access_token, 'GET', 'account/whoami')).status, { timeout: 1_000 })
      .toBe(401);
    expect((await ask(one.access_token, 'GET', 'sync?timeout=0')).body).toMatchObject({
      errcode: 'M_UNKNOWN_TOKEN',
    });
    const queried = await ask(two.access_token, 'POST', 'keys/query', {
      device_keys: { '@bob:example.org': [] },
    });
    expect(JSON.stringify(queried.body)).not.toContain('BOB1');
    const devices = await ask(two.access_token, 'GET', 'devices');
    expect(JSON.stringify(devices.body)).toContain('BOB2');
    expect(JSON.stringify(devices.body)).not.toContain('BOB1');
  });

  it('keeps the device of a client that signs in on it again', async () => {
    const before = await signIn('CAROL', 'carol');
    expect((await ask(before.access_token, 'GET', 'sync?timeout=0')).status).toBe(200);
    const after = await signIn('CAROL', 'carol');
    expect((await ask(after.access_token, 'GET', 'account/whoami')).body).toMatchObject({
      device_id: 'CAROL',
    });
  });

  it('that is down leaves the code unused: the client gets 503, and its tokens once it is up again', async () => {
    const answer = await client.authorize({
      login: 'carol',
      parameters: { scope: `${API_SCOPE} ${DEVICE_SCOPE}CAROL2` },
    });
    const code = answer.get('code') ?? '';
    await synapse.stop();
    const refused = await client.redeem(code);
    expect(refused.status).toBe(503);
    expect(refused.body).not.toHaveProperty('error');
    await synapse.start();
    await expect
      .poll(async () => (await client.redeem(code)).status, { timeout: 40_000, interval: 1_000 })
      .toBe(200);
  });

  it('that was down hears of a sign-out as soon as it is up', async () => {
    const [gone, here] = [await signIn('BOB3', 'bob'), await signIn('BOB4', 'bob')];
    await synapse.stop();
    const revoked = await fetch(`${gatehouse.url}oauth2/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token: gone.refresh_token }),
    });
    expect(revoked.status).toBe(200);
    await synapse.start();
    await expect
      .poll(async () => JSON.stringify((await ask(here.access_token, 'GET', 'devices')).body), {
        timeout: 60_000,
        interval: 1_000,
      })
      .not.toContain('BOB3');
  }, 120_000);
});
