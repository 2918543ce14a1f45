/** What one anonymous caller with many addresses can take from everybody else: nothing. Black box. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
  type TestClient,
} from '../support/oauth-client.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const PER_ADDRESS = 3;
/** Of a /48. */
const PER_NETWORK = 16 * PER_ADDRESS;
const TOTAL = 60;

forEachEngine((engine) => {
  describe('an attacker with whole networks', () => {
    let gatehouse: Gatehouse;
    let client: TestClient;
    beforeAll(async () => {
      gatehouse = await startGatehouse({
        env: {
          GATEHOUSE__DATABASE__URL: await engine.newUrl(),
          GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
          GATEHOUSE__LISTEN__TRUSTED_PROXIES__0: '127.0.0.1',
          GATEHOUSE__LIMITS__REGISTRATIONS_PER_ADDRESS: String(PER_ADDRESS),
          GATEHOUSE__LIMITS__SIGN_INS_PER_ADDRESS: String(PER_ADDRESS),
          GATEHOUSE__LIMITS__DEVICE_GRANTS_PER_ADDRESS: String(PER_ADDRESS),
          GATEHOUSE__LIMITS__SIGN_INS: String(TOTAL),
          GATEHOUSE__LIMITS__DEVICE_GRANTS: String(TOTAL),
        },
      });
      client = await registerTestClient(gatehouse, { grant_types: [GRANT, 'authorization_code'] });
    });
    afterAll(() => gatehouse[Symbol.asyncDispose]());

    const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });
    const register = (index: number, address: string): Promise<Answer> =>
      postJson(
        `${gatehouse.url}oauth2/registration`,
        {
          client_uri: `https://app-${String(index)}.example.com/`,
          redirect_uris: [`https://app-${String(index)}.example.com/`],
          token_endpoint_auth_method: 'none',
        },
        from(address),
      );
    const authorize = (_: number, address: string): Promise<Answer> =>
      ask(client.authorizeUrl(), { headers: from(address) });
    const push = (_: number, address: string): Promise<Answer> =>
      postForm(`${gatehouse.url}oauth2/par`, client.parameters(), from(address));
    const device = (index: number, address: string): Promise<Answer> =>
      postForm(
        `${gatehouse.url}oauth2/device_authorization`,
        { client_id: client.clientId, scope: `${API_SCOPE} ${DEVICE_SCOPE}D${String(index)}` },
        from(address),
      );
    const account = (_: number, address: string): Promise<Answer> =>
      ask(`${gatehouse.url}account`, { headers: from(address) });
    const guess = async (_: number, address: string): Promise<Answer> => {
      const url = `${gatehouse.url}device`;
      const form = await fetch(url, { headers: from(address) });
      const cookie = form.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const csrf = /name="csrf"\s+value="([^"]+)"/.exec(await form.text())?.[1] ?? '';
      return postForm(url, { csrf, user_code: 'WDJB-MJHT' }, { ...from(address), cookie });
    };

    /** What is asked for, what the answer is if it is taken, and how much of it a network may have. */
    const quotas = [
      ['registrations', register, 201, PER_NETWORK],
      ['sign-ins', authorize, 303, PER_NETWORK],
      ['pushed requests', push, 201, PER_NETWORK],
      ['visits of the account page', account, 303, PER_NETWORK],
      ['device grants', device, 200, PER_NETWORK],
      ['wrong user codes', guess, 400, 16 * 20],
    ] as const;

    it.each(quotas)(
      'is given %s as a network is, and others are served all the same',
      async (...quota) => {
        const [name, send, good, perNetwork] = quota;
        const salt = (0x100 + quotas.findIndex(([other]) => other === name)).toString(16);
        // The networks together ask for more than all may have.
        for (const network of [1, 2, 3, 4]) {
          const statuses = new Map<number, number>();
          for (let index = 0; index <= perNetwork + 5; index += 8) {
            const answers = await Promise.all(
              Array.from({ length: 8 }, (_, more) =>
                send(index + more, `2001:${salt}:${String(network)}:${(index + more).toString(16)}00::1`),
              ),
            );
            for (const { status, headers } of answers) {
              statuses.set(status, (statuses.get(status) ?? 0) + 1);
              if (status !== good) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
            }
          }
          expect([...statuses.keys()].filter((status) => ![good, 429, 503].includes(status))).toEqual([]);
          expect(statuses.get(good)).toBeLessThanOrEqual(perNetwork);
          expect((statuses.get(429) ?? 0) + (statuses.get(503) ?? 0)).toBeGreaterThan(0);
        }
        for (const address of [
          `198.51.${String(Number.parseInt(salt, 16) & 255)}.7`,
          `2001:${salt}:ffff::1`,
        ]) {
          expect((await send(9000, address)).status).toBe(good);
        }
      },
      120_000,
    );
  });
});
