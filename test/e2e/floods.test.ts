/**
 * Floods of every endpoint that stores something for strangers: tables and memory stay bounded, honest callers are served, nobody is logged out.
 * Each flood comes first from a few addresses, while somebody else signs in, and then from everywhere.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/storage/engine/database.ts';
import type { Schema } from '../../src/storage/schema.ts';
import { type ServiceProcess, startProcess } from '../support/process.ts';
import { forEachEngine } from '../support/database.ts';
import {
  API_SCOPE,
  type Answer,
  ask,
  DEVICE_SCOPE,
  postForm,
  registerTestClient,
  type TestClient,
  type TokenSet,
} from '../support/oauth-client.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** Requests of one flood. */
const FLOOD = 1500;
/** At the same moment. */
const CROWD = 16;
const CAP = 300;
const PER_ADDRESS = 40;

forEachEngine((engine) => {
  describe('under a flood', () => {
    let service: ServiceProcess;
    let db: Database;
    let client: TestClient;
    let tokens: TokenSet;
    let memoryBefore: number;
    beforeAll(async () => {
      const url = await engine.newUrl();
      service = await startProcess({
        env: {
          GATEHOUSE__DATABASE__URL: url,
          GATEHOUSE__ENCRYPTION_KEY: randomBytes(32).toString('base64'),
          GATEHOUSE__LISTEN__TRUSTED_PROXIES__0: '127.0.0.1',
          GATEHOUSE__LIMITS__REGISTRATIONS_PER_ADDRESS: String(PER_ADDRESS),
          GATEHOUSE__LIMITS__SIGN_INS_PER_ADDRESS: String(PER_ADDRESS),
          GATEHOUSE__LIMITS__DEVICE_GRANTS_PER_ADDRESS: String(PER_ADDRESS),
          GATEHOUSE__LIMITS__SIGN_INS: String(2 * CAP),
          GATEHOUSE__LIMITS__DEVICE_GRANTS: String(CAP),
          GATEHOUSE__REGISTRATION__CLIENTS_CAP: String(CAP),
          GATEHOUSE__LOG__LEVEL: 'error',
          // What piles up would end the process; without it garbage is let lie as long as the machine has memory.
          NODE_OPTIONS: '--max-old-space-size=128 --max-semi-space-size=4',
        },
      });
      db = await engine.open({ url });
      client = await registerTestClient(service, {
        grant_types: ['authorization_code', 'refresh_token', GRANT],
      });
      tokens = await client.tokens();
      memoryBefore = await memory();
    });
    afterAll(() => service[Symbol.asyncDispose]());

    const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });
    /** Each kind of request has a few of its own. */
    const few =
      (table: string) =>
      (index: number): string =>
        `192.0.${String(table.length)}.${String(1 + (index % 3))}`;
    const everywhere = (index: number): string =>
      `10.${String(index >> 16)}.${String((index >> 8) & 255)}.${String(index & 255)}`;
    const rows = async (table: keyof Schema): Promise<number> => {
      const { count } = await db.query
        .selectFrom(table)
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow();
      return count;
    };
    const memory = async (): Promise<number> => {
      const response = await fetch(`${service.operationsUrl}metrics`);
      const bytes = /^process_resident_memory_bytes (\S+)/m.exec(await response.text())?.[1];
      return Number(bytes ?? Number.NaN);
    };

    const register = (index: number, address: string): Promise<Answer> =>
      ask(`${service.url}oauth2/registration`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...from(address) },
        body: JSON.stringify({
          client_uri: `https://flood-${String(index)}.example.com/`,
          redirect_uris: [`https://flood-${String(index)}.example.com/`],
          token_endpoint_auth_method: 'none',
        }),
      });
    const authorize = (_: number, address: string): Promise<Answer> =>
      ask(client.authorizeUrl(), { headers: from(address) });
    const push = (_: number, address: string): Promise<Answer> =>
      postForm(`${service.url}oauth2/par`, client.parameters(), from(address));
    const device = (index: number, address: string): Promise<Answer> =>
      postForm(
        `${service.url}oauth2/device_authorization`,
        { client_id: client.clientId, scope: `${API_SCOPE} ${DEVICE_SCOPE}F${String(index)}` },
        from(address),
      );
    const forged = (kind: string, length: number): string =>
      kind + randomBytes(length).toString('base64url').slice(0, length);
    const guess = (index: number, address: string): Promise<Answer> =>
      postForm(
        `${service.url}oauth2/token`,
        {
          client_id: client.clientId,
          ...[
            { grant_type: 'refresh_token', refresh_token: forged('grt_', 49) },
            {
              grant_type: 'authorization_code',
              code: forged('gac_', 49),
              redirect_uri: client.redirectUri,
              code_verifier: 'v'.repeat(43),
            },
            { grant_type: GRANT, device_code: forged('gdc_', 49) },
            { grant_type: forged('', 40) },
          ][index % 4],
        },
        from(address),
      );

    const flood = async (
      send: (index: number, address: string) => Promise<Answer>,
      address: (index: number) => string,
    ): Promise<Map<number, number>> => {
      const statuses = new Map<number, number>();
      const indices = Array.from({ length: FLOOD }, (_, index) => index).values();
      await Promise.all(
        Array.from({ length: CROWD }, async () => {
          for (const index of indices) {
            const answer = await send(index, address(index));
            statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
            if (answer.status === 429 || answer.status === 503)
              expect(answer.headers.get('retry-after')).not.toBeNull();
          }
        }),
      );
      return statuses;
    };
    /** Somebody who is signed in notices nothing. */
    const stillSignedIn = async (): Promise<void> => {
      const refreshed = await client.refresh(tokens.refresh_token);
      expect(refreshed.status).toBe(200);
      tokens = refreshed.body as unknown as TokenSet;
      const me = await ask(`${service.url}_matrix/client/v3/account/whoami`, {
        headers: { authorization: `Bearer ${tokens.access_token}` },
      });
      expect(me.status).toBe(200);
    };

    const floods = [
      ['registrations', register, 'clients', 201],
      ['authorization requests', authorize, 'sign_ins', 303],
      ['pushed requests', push, 'pushed_requests', 201],
      ['devices', device, 'device_grants', 200],
    ] as const;

    it.each(floods)(
      'of %s from a few addresses, which others do not notice',
      async (_name, send, table, good) => {
        const before = await rows(table);
        const flooding = flood(send, few(table));
        await stillSignedIn();
        // A person from elsewhere signs in while it goes on.
        const parameters = { scope: `${API_SCOPE} ${DEVICE_SCOPE}ELSE` };
        expect((await client.authorize({ parameters })).get('code')).toMatch(/^gac_/);
        const statuses = await flooding;
        expect([...statuses.keys()].sort()).toEqual([good, 429]);
        expect(statuses.get(good)).toBeLessThanOrEqual(3 * PER_ADDRESS);
        expect(await send(FLOOD, `198.51.100.${String(table.length)}`)).toMatchObject({ status: good });
        expect((await rows(table)) - before).toBeLessThanOrEqual(3 * PER_ADDRESS + 2);
      },
    );

    it.each(floods)(
      'of %s from everywhere, which those who are signed in do not notice',
      async (_name, send, table, good) => {
        const statuses = await flood((index, address) => send(index + 2 * FLOOD, address), everywhere);
        expect([...statuses.keys()].filter((status) => ![good, 429, 503].includes(status))).toEqual([]);
        expect(statuses.get(503) ?? statuses.get(429)).toBeGreaterThan(FLOOD / 3);
        // A minute may have passed since the first flood; on PostgreSQL those that come at the same moment do not see each other.
        expect(await rows(table)).toBeLessThanOrEqual(4 * CAP + CROWD);
        await stillSignedIn();
      },
    );

    it('of forged tokens, codes and device codes, which leaves nothing behind', async () => {
      const tables = [
        'sessions',
        'access_tokens',
        'refresh_tokens',
        'authorization_codes',
        'device_grants',
        'outbox',
      ] as const;
      const before = await Promise.all(tables.map(rows));
      const statuses = await flood(guess, everywhere);
      expect([...statuses.keys()]).toEqual([400]);
      expect(await Promise.all(tables.map(rows))).toEqual(before);
      await stillSignedIn();
    });

    it('uses little more memory than before', async () => {
      expect((await memory()) - memoryBefore).toBeLessThan(100 * 1024 * 1024);
    });
  });
});
