/**
 * Gatehouse and PostgreSQL are killed under load, again and again, and what was acknowledged must hold. `GATEHOUSE_KILLS` says how often, over all
 * cases (default 30).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPostgresDatabase, newSqliteFile } from '../support/database.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { type Ledger, openLedger } from '../support/ledger.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';

const KILLS = Math.ceil(Number(process.env['GATEHOUSE_KILLS'] ?? 30) / 3);
const CLIENTS = 12;
const TIMEOUT = 30_000 + KILLS * 12_000;
/** How long clients may have to wait until they are served again. */
const RECONNECTED_MS = 5000;

const ledgerOf = (fleet: Fleet): Ledger =>
  openLedger({
    refreshFile: fleet.seeded.refreshFile,
    clientId: fleet.seeded.clientId,
    clients: CLIENTS + KILLS,
    urls: () => fleet.services.map(({ url }) => url),
    isActive: (token) => fleet.isActive(token),
    pauseMs: 5,
  });

/** Resolves when somebody was served again; to the milliseconds since `since`. */
const servedAgain = async (ledger: Ledger, since: number): Promise<number> => {
  while (ledger.lastAt() <= since) {
    if (performance.now() - since > 30_000) throw new Error('nobody was served for half a minute');
    await delay(10);
  }
  return ledger.lastAt() - since;
};

/** Kills, while clients refresh and one of them signs out each time. */
const killRepeatedly = async (
  fleet: Fleet,
  kill: () => Promise<void>,
): Promise<{ ledger: Ledger; waits: number[] }> => {
  const ledger = ledgerOf(fleet);
  const load = ledger.run();
  const waits: number[] = [];
  for (let round = 0; round < KILLS; round++) {
    await delay(150 + Math.random() * 150);
    const revocation = ledger.revoke(CLIENTS + round);
    await kill();
    waits.push(await servedAgain(ledger, performance.now()));
    await revocation;
  }
  await load.stop();
  return { ledger, waits };
};

describe('kill -9 of Gatehouse under load', () => {
  for (const engine of ['sqlite', 'postgres'] as const) {
    it(
      `on ${engine}: nothing acknowledged is lost, no revocation undone, no client refused (${String(KILLS)} kills)`,
      async () => {
        const database = await (engine === 'sqlite' ? newSqliteFile() : newPostgresDatabase());
        try {
          await using fleet = await startFleet({
            databaseUrl: database.url,
            processes: 1,
            sessions: CLIENTS + KILLS,
          });
          const [service] = fleet.services;
          const { ledger } = await killRepeatedly(fleet, async () => {
            await service?.stop('SIGKILL');
            await service?.start();
          });
          expect(await ledger.broken()).toEqual([]);
          expect(ledger.acknowledged()).toBeGreaterThan(KILLS * 5);
        } finally {
          await database.remove();
        }
      },
      TIMEOUT,
    );
  }
});

describe('kill -9 of PostgreSQL under load', () => {
  let postgres: PostgresServer;
  let fleet: Fleet;
  beforeAll(async () => {
    postgres = await startPostgres();
    fleet = await startFleet({ databaseUrl: postgres.url, processes: 2, sessions: CLIENTS + KILLS });
  });
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await postgres.close();
  });

  it(
    `nothing acknowledged is lost, and clients are served again within 5 s without a restart (${String(KILLS)} kills)`,
    async () => {
      const { ledger, waits } = await killRepeatedly(fleet, async () => {
        await postgres.crash();
        await postgres.start();
      });
      expect(await ledger.broken()).toEqual([]);
      expect(Math.max(...waits)).toBeLessThan(RECONNECTED_MS);
      expect(ledger.acknowledged()).toBeGreaterThan(KILLS * 5);
    },
    TIMEOUT,
  );

  it('while it is away: metadata go on, refresh is 503 with Retry-After and no error, not ready; then all is well again', async () => {
    const ledger = ledgerOf(fleet);
    const [service] = fleet.services;
    const url = service?.url ?? '';
    const refresh = (): Promise<Response> =>
      fetch(`${url}oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          client_id: fleet.seeded.clientId,
          refresh_token: ledger.entries.at(-1)?.refreshToken ?? '',
        }),
      });
    await postgres.crash();
    try {
      const answer = await refresh();
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(await answer.text()).not.toContain('"error"');
      const metadata = await fetch(`${url}_matrix/client/v1/auth_metadata`);
      expect(metadata.status).toBe(200);
      const ready = await fetch(`${service?.operationsUrl ?? ''}health/ready`);
      expect(ready.status).toBe(503);
    } finally {
      await postgres.start();
    }
    await expect
      .poll(async () => (await fetch(`${service?.operationsUrl ?? ''}health/ready`)).status, {
        timeout: RECONNECTED_MS,
      })
      .toBe(200);
    // Revoked in the test before: a true refusal, by a database that answers.
    expect((await refresh()).status).toBe(400);
  });
});
