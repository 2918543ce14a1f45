/** Which clients make room for others, and which are removed by time. Black box, but for the operator's client and the clean-up. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addClient } from '../../src/clients/add-client.ts';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { cleanUp } from '../../src/storage/cleanup.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { forEachEngine } from '../support/database.ts';
import {
  type Answer,
  API_SCOPE,
  ask,
  DEVICE_SCOPE,
  postForm,
  postJson,
  registerTestClient,
  testClient,
  type TestClient,
} from '../support/oauth-client.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const MINUTE = 60_000;
const CAP = 12;

forEachEngine((engine) => {
  describe('a client', () => {
    let gatehouse: Gatehouse;
    let db: Database;
    let offset = 0;
    const clock = {
      now: () => systemClock.now() + offset,
      monotonic: () => systemClock.monotonic() + offset,
    };
    beforeAll(async () => {
      const url = await engine.newUrl();
      gatehouse = await startGatehouse({
        clock,
        env: {
          GATEHOUSE__DATABASE__URL: url,
          GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
          GATEHOUSE__LISTEN__TRUSTED_PROXIES__0: '127.0.0.1',
          GATEHOUSE__REGISTRATION__CLIENTS_CAP: String(CAP),
        },
      });
      db = await engine.open({ url });
    });
    afterAll(() => gatehouse[Symbol.asyncDispose]());

    const named = (client_name: string): Promise<TestClient> =>
      registerTestClient(gatehouse, {
        client_name,
        grant_types: ['authorization_code', 'refresh_token', GRANT],
      });
    const isThere = async (client: TestClient): Promise<boolean> =>
      (await db.query.selectFrom('clients').select('id').where('id', '=', client.clientId).execute()).length >
      0;
    const byOperator = async (): Promise<TestClient> => {
      const redirectUri = 'https://operator.example.com/';
      const { client } = await addClient(
        { db, clock, random: systemRandom, emit: () => undefined },
        {
          metadata: {
            redirect_uris: [redirectUri],
            grant_types: ['authorization_code'],
            response_types: ['code'],
            token_endpoint_auth_method: 'none',
            application_type: 'web',
          } as never,
        },
      );
      return testClient(gatehouse, { clientId: client.id, redirectUri });
    };

    /** What a client has done 16 minutes ago, whether it then makes room, and whether it is there after a day without use. */
    const lives: readonly {
      client: string;
      does: (client: TestClient) => Promise<unknown>;
      makesRoom: boolean;
      staysADay: boolean;
    }[] = [
      {
        client: 'with a session',
        does: (client) => client.tokens(),
        makesRoom: false,
        staysADay: true,
      },
      {
        client: 'whose session has ended',
        async does(client) {
          const { access_token: token } = await client.tokens();
          await postForm(`${gatehouse.url}oauth2/revoke`, { client_id: client.clientId, token });
        },
        makesRoom: false,
        staysADay: true,
      },
      {
        client: 'with a sign-in in progress',
        does: (client) => ask(client.authorizeUrl()),
        makesRoom: false,
        staysADay: false,
      },
      {
        client: 'with a code that nobody has redeemed',
        does: (client) => client.authorize(),
        makesRoom: false,
        staysADay: false,
      },
      {
        client: 'with a device that waits',
        does: (client) =>
          postForm(`${gatehouse.url}oauth2/device_authorization`, {
            client_id: client.clientId,
            scope: `${API_SCOPE} ${DEVICE_SCOPE}TV`,
          }),
        makesRoom: false,
        staysADay: false,
      },
      {
        client: 'that nobody has signed in with',
        does: async () => undefined,
        makesRoom: true,
        staysADay: false,
      },
      {
        client: 'whose sign-in was refused at once',
        does: (client) => ask(client.authorizeUrl({ scope: 'nothing' })),
        makesRoom: true,
        staysADay: false,
      },
    ];

    it('makes room for others if nobody has signed in with it, the oldest first; all else stays', async () => {
      const clients: TestClient[] = [];
      const again = await named('that has registered again five minutes ago');
      for (const { client: name, does } of lives) {
        const client = await named(name);
        await does(client);
        clients.push(client);
      }
      const operators = await byOperator();
      offset += 11 * MINUTE;
      const recent = await named('that has registered five minutes ago');
      expect((await named('that has registered again five minutes ago')).clientId).toBe(again.clientId);
      offset += 5 * MINUTE;
      const attacker = (index: number): Promise<Answer> =>
        postJson(
          `${gatehouse.url}oauth2/registration`,
          {
            client_uri: `https://a${String(index)}.example.net/`,
            redirect_uris: [`https://a${String(index)}.example.net/`],
            token_endpoint_auth_method: 'none',
          },
          { 'x-forwarded-for': '203.0.113.66' },
        );
      const statuses: number[] = [];
      for (let index = 0; index < 30; index++) statuses.push((await attacker(index)).status);
      expect(statuses.indexOf(503)).toBeGreaterThan(0);
      expect([...new Set(statuses)].sort()).toEqual([201, 503]);
      for (const [index, { client, makesRoom }] of lives.entries()) {
        expect([client, await isThere(clients[index] as TestClient)]).toEqual([client, !makesRoom]);
      }
      for (const client of [operators, recent, again]) expect(await isThere(client)).toBe(true);
      // Who registers little is served, at any time.
      for (const address of ['198.51.100.1', '2001:db8::1']) {
        const answer = await postJson(
          `${gatehouse.url}oauth2/registration`,
          {
            client_uri: 'https://honest.example.com/',
            client_name: address,
            redirect_uris: ['https://honest.example.com/'],
            token_endpoint_auth_method: 'none',
          },
          { 'x-forwarded-for': address },
        );
        expect(answer.status).toBe(201);
      }

      offset += 23 * 60 * MINUTE;
      await cleanUp({ database: db, now: clock.now() });
      expect(await isThere(again)).toBe(true);
      offset += 2 * 60 * MINUTE;
      await cleanUp({ database: db, now: clock.now() });
      for (const [index, { client, staysADay }] of lives.entries()) {
        expect([client, await isThere(clients[index] as TestClient)]).toEqual([client, staysADay]);
      }
      expect([await isThere(operators), await isThere(recent), await isThere(again)]).toEqual([
        true,
        false,
        false,
      ]);
    });
  });
});
