/** Two processes over one PostgreSQL are restarted one after the other while clients refresh: nobody is refused, nothing is lost. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { newPostgresDatabase } from '../support/database.ts';
import { startFleet } from '../support/fleet.ts';
import { openLedger } from '../support/ledger.ts';
import type { ServiceProcess } from '../support/process.ts';

const ROUNDS = Number(process.env['GATEHOUSE_RESTARTS'] ?? 4);

it(
  `a rolling restart under load costs no refresh (${String(ROUNDS)} rounds)`,
  async () => {
    const database = await newPostgresDatabase();
    try {
      await using fleet = await startFleet({ databaseUrl: database.url, processes: 2, sessions: 16 });
      // As a load balancer: who is being restarted gets no new requests.
      let away: ServiceProcess | undefined;
      const ledger = openLedger({
        refreshFile: fleet.seeded.refreshFile,
        clientId: fleet.seeded.clientId,
        clients: 16,
        urls: () => fleet.services.filter((service) => service !== away).map(({ url }) => url),
        isActive: (token) => fleet.isActive(token),
        pauseMs: 5,
      });
      const load = ledger.run();
      for (let round = 0; round < ROUNDS; round++) {
        for (const service of fleet.services) {
          await delay(100);
          // The first round is rude: the balancer learns of it only by the connections that are refused.
          if (round > 0) away = service;
          expect(await service.stop('SIGTERM')).toBe(0);
          away = service;
          await service.start();
          away = undefined;
        }
      }
      await load.stop();
      expect(await ledger.broken()).toEqual([]);
      expect(ledger.acknowledged()).toBeGreaterThan(ROUNDS * 20);
    } finally {
      await database.remove();
    }
  },
  30_000 + ROUNDS * 15_000,
);
