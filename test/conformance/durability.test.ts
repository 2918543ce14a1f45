/** What was acknowledged is there after a kill; what was ever issued stands nowhere. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBrowser } from '../support/browser.ts';
import { ask, postForm, postJson, registerTestClient, type TestClient } from '../support/oauth-client.ts';
import { type ServiceProcess, startProcess } from '../support/process.ts';

let service: ServiceProcess;
let client: TestClient;
beforeAll(async () => {
  service = await startProcess();
  client = await registerTestClient(service);
}, 30_000);
afterAll(async () => {
  await service[Symbol.asyncDispose]();
});

const killAndStart = async (): Promise<void> => {
  expect(await service.stop('SIGKILL')).toBe('SIGKILL');
  await service.start();
};
const introspect = async (token: string): Promise<Record<string, unknown>> =>
  (
    await postForm(
      `${service.url}oauth2/introspect`,
      { token },
      { authorization: `Bearer ${service.homeserverSecret}` },
    )
  ).body;

it('keeps a registration, a session, a rotation and a revocation through kill -9 right after the answer', async () => {
  const registered = await postJson(`${service.url}oauth2/registration`, {
    client_uri: 'https://other.example.com/',
    redirect_uris: ['https://other.example.com/cb'],
    token_endpoint_auth_method: 'none',
  });
  await killAndStart();
  const again = await ask(
    `${service.url}oauth2/authorize?client_id=${String(registered.body['client_id'])}&redirect_uri=https://other.example.com/cb`,
  );
  expect(again.status).toBe(303);

  const back = await client.authorize();
  await killAndStart();
  const answer = await client.redeem(back.get('code') ?? '');
  await killAndStart();
  expect(await introspect(String(answer.body['access_token']))).toMatchObject({ active: true });

  const first = String(answer.body['refresh_token']);
  const second = await client.refresh(first);
  await killAndStart();
  const retried = await client.refresh(first);
  expect(retried.body['refresh_token']).toBe(second.body['refresh_token']);
  expect(await introspect(String(second.body['access_token']))).toMatchObject({ active: true });

  await postForm(`${service.url}oauth2/revoke`, { token: String(second.body['access_token']) });
  await killAndStart();
  expect(await introspect(String(second.body['access_token']))).toEqual({ active: false });
  expect(await client.refresh(String(second.body['refresh_token']))).toMatchObject({ status: 400 });
}, 60_000);

it('goes on with a sign-in that was at the IdP, or at the consent page, during a kill', async () => {
  const browser = createBrowser();
  browser.stopAt(client.redirectUri);
  await browser.open(client.authorizeUrl());
  await killAndStart();
  const consent = await browser.submit({ button: 'Sign in', fields: { login: 'bob' } });
  expect(consent.title).toContain('Allow');
  await killAndStart();
  const done = await browser.submit({ button: 'Allow' });
  expect(new URL(done.url).searchParams.get('code')).toMatch(/^gac_/);
}, 60_000);

it('writes no secret to the database, its neighbours or the log', async () => {
  const secrets: string[] = [service.homeserverSecret, service.idp.clientSecret, client.verifier];
  const browser = createBrowser();
  browser.stopAt(client.redirectUri);
  const remember = (text: string): void => {
    secrets.push(...(text.match(/g[a-z]{2}_[A-Za-z0-9_-]{49}/g) ?? []));
  };
  const scope = 'openid urn:matrix:client:api:* urn:matrix:client:device:CANARY';
  const login = await ask(client.authorizeUrl({ scope }));
  remember(login.headers.get('location') ?? '');
  remember(login.headers.get('set-cookie') ?? '');
  await browser.open(client.authorizeUrl({ scope, nonce: 'canary-nonce' }));
  const consent = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
  remember(consent.body);
  const done = await browser.submit({ button: 'Allow' });
  remember(done.url);
  const answer = await client.redeem(new URL(done.url).searchParams.get('code') ?? '');
  remember(JSON.stringify(answer.body));
  secrets.push(String(answer.body['id_token']).split('.')[2] ?? '');
  const refreshed = await client.refresh(String(answer.body['refresh_token']));
  remember(JSON.stringify(refreshed.body));
  const registered = await postJson(`${service.url}oauth2/registration`, {
    client_uri: 'https://other.example.com/',
    redirect_uris: ['https://other.example.com/cb'],
    token_endpoint_auth_method: 'client_secret_basic',
  });
  remember(JSON.stringify(registered.body));
  await introspect(String(refreshed.body['access_token']));
  await postForm(`${service.url}oauth2/revoke`, { token: String(refreshed.body['access_token']) });
  for (const garbage of [
    '{"password":"canary-password"',
    'token=canary-%ZZ',
    'token=canary-token&token=canary-token',
  ]) {
    await postForm(`${service.url}oauth2/token`, garbage);
    await postForm(`${service.url}oauth2/registration`, garbage, { 'content-type': 'application/json' });
    await ask(`${service.url}upstream/main/callback?code=canary-code&state=canary-state&${garbage}`);
    await ask(`${service.url}nowhere/canary-path?access_token=canary-query`);
  }
  secrets.push('canary-password', 'canary-token', 'canary-code', 'canary-state', 'canary-query');
  expect(secrets.length).toBeGreaterThan(14);

  const data = join(service.folder, 'data');
  const files = readdirSync(data).filter((name) => name !== 'gatehouse.key');
  expect(files).toContain('gatehouse.db');
  const written = [...files.map((name) => readFileSync(join(data, name), 'latin1')), service.output()];
  for (const secret of new Set(secrets)) {
    for (const text of written) expect(text.includes(secret)).toBe(false);
    // Nor without the prefix and the checksum.
    if (/^g[a-z]{2}_/.test(secret)) {
      for (const text of written) expect(text.includes(secret.slice(4, -6))).toBe(false);
    }
  }
  expect(statSync(join(data, 'gatehouse.key')).mode & 0o777).toBe(0o600);
  expect(statSync(join(data, 'gatehouse.db')).mode & 0o077).toBe(0);
}, 60_000);

it('logs one line of JSON a request, with ids', () => {
  const lines = service
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const token = lines.find((line) => line['operation'] === 'exchangeToken' && line['status'] === 200);
  expect(token).toMatchObject({
    client_id: client.clientId,
    session_id: expect.stringMatching(/^[0-9a-z]{26}$/),
  });
});

it('stops in order at SIGTERM, exit code 0', async () => {
  expect(await service.stop('SIGTERM')).toBe(0);
});
