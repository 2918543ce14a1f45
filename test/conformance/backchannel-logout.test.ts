/** Back-channel logout from a real IdP (oidc-provider): a sign-out there is a sign-out here. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { forEachEngine } from '../support/database.ts';
import {
  type Answer,
  ask,
  postForm,
  postJson,
  registerTestClient,
  type TestClient,
  type TokenSet,
} from '../support/oauth-client.ts';

forEachEngine((engine) => {
  let gatehouse: Gatehouse;
  let client: TestClient;
  let endpoint: string;
  beforeAll(async () => {
    gatehouse = await startGatehouse({
      validateResponses: true,
      idp: { tellsSessions: true },
      env: {
        GATEHOUSE__DATABASE__URL: await engine.newUrl(),
        GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      },
    });
    client = await registerTestClient(gatehouse);
    endpoint = `${gatehouse.url}upstream/main/backchannel-logout`;
    gatehouse.idp.setBackchannelLogoutUri(endpoint);
  });
  afterAll(async () => {
    await gatehouse[Symbol.asyncDispose]();
  });

  const isActive = async (token: string): Promise<unknown> => (await gatehouse.introspect(token))['active'];

  /** Signs in, in a browser of its own, and tells the IdP's session id too. */
  async function signedIn(login: string, device: string): Promise<{ tokens: TokenSet; sid: string }> {
    let sid = '';
    gatehouse.idp.faults.tokenResponse = (body) => {
      sid = String(decodeJwt(String(body['id_token']))['sid']);
      return body;
    };
    const scope = `urn:matrix:client:api:* urn:matrix:client:device:${device}`;
    const tokens = await client.tokens({ login, parameters: { scope } });
    gatehouse.idp.faults.tokenResponse = undefined;
    return { tokens, sid };
  }

  /** What the IdP sends, caught on its way. */
  async function caughtToken(login: string, sid: string): Promise<string> {
    let body = '';
    const trap = createServer((request, response) => {
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => response.writeHead(200).end());
    });
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    gatehouse.idp.setBackchannelLogoutUri(
      `http://127.0.0.1:${String((trap.address() as AddressInfo).port)}/`,
    );
    await gatehouse.idp.sendBackchannelLogout(login, sid);
    gatehouse.idp.setBackchannelLogoutUri(endpoint);
    trap.close();
    return new URLSearchParams(body).get('logout_token') ?? '';
  }
  const post = (token: string): Promise<Answer> => postForm(endpoint, { logout_token: token });

  it('ends the session of that session at the IdP, and no other', async () => {
    const one = await signedIn('alice', 'ONE');
    const two = await signedIn('alice', 'TWO');
    const bob = await signedIn('bob', 'BOB');
    expect(one.sid).not.toBe(two.sid);
    await gatehouse.idp.sendBackchannelLogout('alice', one.sid);
    expect(await isActive(one.tokens.access_token)).toBe(false);
    expect(await client.refresh(one.tokens.refresh_token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    expect(await isActive(two.tokens.access_token)).toBe(true);
    expect(await isActive(bob.tokens.access_token)).toBe(true);
  });

  it('ends what is under way in that session: a code that was not redeemed, a consent page', async () => {
    let sid = '';
    gatehouse.idp.faults.tokenResponse = (body) => {
      sid = String(decodeJwt(String(body['id_token']))['sid']);
      return body;
    };
    const browser = createBrowser();
    const back = await client.authorize({ browser });
    // The same browser, so the same session there, and no button pressed yet.
    browser.stopAt();
    const consent = await browser.open(client.authorizeUrl());
    gatehouse.idp.faults.tokenResponse = undefined;
    await gatehouse.idp.sendBackchannelLogout('alice', sid);
    expect(await client.redeem(back.get('code') ?? '')).toMatchObject({ body: { error: 'invalid_grant' } });
    expect((await browser.submit({ button: 'Allow' }, consent)).status).toBe(400);
  });

  it('a token counts once; the answer is never kept', async () => {
    const first = await signedIn('alice', 'AGAIN');
    const token = await caughtToken('alice', first.sid);
    const done = await post(token);
    expect(done.status).toBe(200);
    expect(done.headers.get('cache-control')).toBe('no-store');
    expect(await isActive(first.tokens.access_token)).toBe(false);
    const second = await signedIn('alice', 'AGAIN');
    const replay = await post(token);
    expect(replay).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(replay.headers.get('cache-control')).toBe('no-store');
    expect(await isActive(second.tokens.access_token)).toBe(true);
  });

  it('of eight at once one counts', async () => {
    const { tokens, sid } = await signedIn('bob', 'RACE');
    const token = await caughtToken('bob', sid);
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400, 400, 400, 400]);
    expect(await isActive(tokens.access_token)).toBe(false);
  });

  it('somebody who never signed in here: 200, as there is nothing to do', async () => {
    expect((await post(await caughtToken('carol', 'unknown'))).status).toBe(200);
  });

  it('what is no logout token is refused, and ends nothing', async () => {
    const { tokens } = await signedIn('alice', 'STAYS');
    const token = await caughtToken('alice', 'whatever');
    const [head = '', , signature = ''] = token.split('.');
    const payload = Buffer.from(JSON.stringify({ ...decodeJwt(token), jti: 'another' })).toString(
      'base64url',
    );
    for (const wrong of ['', 'x', 'a.b.c', `${head}.${payload}.${signature}`, tokens.access_token]) {
      expect(await post(wrong)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    }
    expect((await postForm(endpoint, {})).status).toBe(400);
    expect((await postForm(endpoint, `logout_token=${token}&logout_token=${token}`)).status).toBe(400);
    expect((await postJson(endpoint, { logout_token: token })).status).toBe(400);
    expect((await ask(endpoint)).status).toBe(405);
    expect(
      (await postForm(`${gatehouse.url}upstream/other/backchannel-logout`, { logout_token: token })).status,
    ).toBe(404);
    expect(await isActive(tokens.access_token)).toBe(true);
  });

  it('an IdP whose keys cannot be had: 503, and it may come again', async () => {
    const { tokens, sid } = await signedIn('alice', 'LATER');
    await gatehouse.idp.rotateKeys({ forgetOld: true });
    const token = await caughtToken('alice', sid);
    await gatehouse.idp.goDown();
    const answer = await post(token);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await isActive(tokens.access_token)).toBe(true);
    await gatehouse.idp.comeBack();
  });
});
