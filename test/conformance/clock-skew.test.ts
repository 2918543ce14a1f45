/** Two processes on one database whose clocks are not quite the same: whatever one of them issues is good at the other. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/protocol/clock.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import {
  API_SCOPE,
  ask,
  DEVICE_SCOPE,
  postForm,
  registerTestClient,
  testClient,
  type TestClient,
} from '../support/oauth-client.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

forEachEngine((engine) => {
  describe.each([
    [-30, 30],
    [30, -30],
    [0, 60],
    [60, 0],
    [-60, 0],
    [0, -60],
  ])('what a process %d s off issues is good at one %d s off', (one, other) => {
    let here: Gatehouse;
    let there: Gatehouse;
    let client: TestClient;
    let elsewhere: TestClient;
    const off = (seconds: number) => ({
      now: () => systemClock.now() + seconds * 1000,
      monotonic: () => systemClock.monotonic(),
    });
    beforeAll(async () => {
      const env = await databaseOf(engine);
      here = await startGatehouse({ env, clock: off(one) });
      there = await startGatehouse({ env, clock: off(other) });
      client = await registerTestClient(here, {
        grant_types: ['authorization_code', 'refresh_token', GRANT],
      });
      elsewhere = testClient(there, client);
      // Both know one PKCE verifier.
      Object.assign(elsewhere, { verifier: client.verifier });
    });
    afterAll(async () => {
      await there[Symbol.asyncDispose]();
      await here[Symbol.asyncDispose]();
    });

    it('a code, tokens and a refresh', async () => {
      const code = (await client.authorize()).get('code') ?? '';
      const first = await elsewhere.redeem(code, { code_verifier: client.verifier });
      expect(first.status).toBe(200);
      const access = String(first.body['access_token']);
      const whoami = (at: Gatehouse) =>
        ask(`${at.url}_matrix/client/v3/account/whoami`, { headers: { authorization: `Bearer ${access}` } });
      expect([(await whoami(here)).status, (await whoami(there)).status]).toEqual([200, 200]);
      expect(await here.introspect(access)).toMatchObject({ active: true });
      expect(await there.introspect(access)).toMatchObject({ active: true });
      const second = await client.refresh(String(first.body['refresh_token']));
      expect(second.status).toBe(200);
      // The answer may have been lost: the other process gives it again.
      const again = await elsewhere.refresh(String(first.body['refresh_token']));
      expect(again.body['refresh_token']).toBe(second.body['refresh_token']);
      const third = await elsewhere.refresh(String(second.body['refresh_token']));
      expect(third.status).toBe(200);
    });

    it('a pushed request', async () => {
      const pushed = await postForm(`${here.url}oauth2/par`, client.parameters());
      expect(pushed.status).toBe(201);
      const query = new URLSearchParams({
        client_id: client.clientId,
        request_uri: String(pushed.body['request_uri']),
      });
      expect((await ask(`${there.url}oauth2/authorize?${query.toString()}`)).status).toBe(303);
    });

    it('a device grant', async () => {
      const begun = await postForm(`${here.url}oauth2/device_authorization`, {
        client_id: client.clientId,
        scope: `${API_SCOPE} ${DEVICE_SCOPE}TV`,
      });
      const answer = await elsewhere.token({
        grant_type: GRANT,
        device_code: String(begun.body['device_code']),
      });
      expect(answer.body['error']).toBe('authorization_pending');
    });
  });
});
