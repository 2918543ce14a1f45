/** Somebody with ten thousand sessions: lists are paged, signing out everywhere goes in batches, and others are served meanwhile. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/storage/engine/database.ts';
import { listSessionRows } from '../../src/storage/records/session-list.ts';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { createBrowser } from '../support/browser.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { askMatrix, startLegacy } from '../support/legacy-session.ts';
import { ask, registerTestClient, type TestClient } from '../support/oauth-client.ts';

const SESSIONS = 10_000;

forEachEngine((engine) => {
  describe('a person with ten thousand sessions', () => {
    let gatehouse: Gatehouse;
    let db: Database;
    let client: TestClient;
    let token: string;
    beforeAll(async () => {
      const env = await databaseOf(engine);
      gatehouse = await startGatehouse({ env });
      db = await engine.open({ url: String(env['GATEHOUSE__DATABASE__URL']) });
      client = await registerTestClient(gatehouse);
      token = (await client.tokens()).access_token;
      const template = await db.query.selectFrom('sessions').selectAll().executeTakeFirstOrThrow();
      for (let from = 0; from < SESSIONS; from += 500) {
        const more = Array.from({ length: 500 }, (_, index) => {
          const name = String(from + index).padStart(6, '0');
          return { ...template, id: `00${name}`, device_id: `MANY${name}` };
        });
        await db.write((tx) => tx.insertInto('sessions').values(more).execute());
      }
    }, 120_000);
    afterAll(() => gatehouse[Symbol.asyncDispose]());

    const live = async (): Promise<number> => {
      const { count } = await db.query
        .selectFrom('sessions')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('ended_at', 'is', null)
        .executeTakeFirstOrThrow();
      return count;
    };

    it('has a page of them, and a way to the next', async () => {
      const browser = createBrowser();
      await browser.open(`${gatehouse.url}account`);
      const page = await browser.submit({ button: 'Sign in', fields: { login: 'alice' } });
      const sessions = page.links.filter(({ href }) => /\/account\/sessions\/00\d+$/.test(href));
      expect(sessions.length).toBeLessThanOrEqual(20);
      expect(page.body.length).toBeLessThan(100_000);
      const rows = await listSessionRows(db.query, { limit: 20 });
      expect(rows).toHaveLength(20);
    });

    it('has all devices in the list of the client-server API, which has no pages', async () => {
      const { status, body } = await askMatrix(gatehouse, 'GET v3/devices', { token });
      expect(status).toBe(200);
      expect(body['devices']).toHaveLength(SESSIONS + 1);
    });

    it('signs out everywhere, while others are served', async () => {
      expect(await live()).toBe(SESSIONS + 1);
      let slowest = 0;
      let served = 0;
      const { accessToken: other } = await startLegacy(db, { localpart: 'somebody-else' });
      let isDone = false;
      const all = askMatrix(gatehouse, 'POST v3/logout/all', { token, json: {} }).finally(() => {
        isDone = true;
      });
      for (; !isDone; served++) {
        const began = performance.now();
        expect((await askMatrix(gatehouse, 'GET v3/account/whoami', { token: other })).status).toBe(200);
        slowest = Math.max(slowest, performance.now() - began);
      }
      expect((await all).status).toBe(200);
      expect(served).toBeGreaterThan(10);
      expect(slowest).toBeLessThan(5_000);
      expect(await live()).toBe(1);
      expect((await askMatrix(gatehouse, 'GET v3/account/whoami', { token })).status).toBe(401);
      expect((await ask(`${gatehouse.url}_matrix/client/v1/auth_metadata`)).status).toBe(200);
    }, 300_000);
  });
});
