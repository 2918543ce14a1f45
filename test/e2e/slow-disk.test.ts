/** Reads do not wait for the disk: with 10 ms for each sync, and clients that refresh meanwhile, metadata and introspection stay as fast. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { newSqliteFile } from '../support/database.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { openLedger } from '../support/ledger.ts';
import { hasStrace } from '../support/strace.ts';

const QUESTIONS = 300;
/** The design's bound is 2; a machine that runs other tests beside this one gets more. */
const BOUND = Number(process.env['GATEHOUSE_SLOW_DISK_BOUND'] ?? 4);
/** Below this, in milliseconds, differences say nothing. */
const FLOOR_MS = 5;

it.runIf(hasStrace())(
  'with 10 ms for each sync, the p99 of auth_metadata and introspection stays near that of a sound disk',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-slow-'));
    // Both under strace, which costs time of its own; one with a delay.
    const trace = (...faults: string[]): string[] => [
      ...['strace', '-DD', '-f', '--seccomp-bpf', '-o', join(folder, `trace${String(faults.length)}`)],
      ...['-e', 'trace=fdatasync,fsync', ...faults],
    ];
    const [sound, slow] = [newSqliteFile(), newSqliteFile()];
    const shape = { processes: 1, sessions: 60 };
    try {
      await using quick = await startFleet({ ...shape, databaseUrl: sound.url, wrap: trace() });
      await using delayed = await startFleet({
        ...shape,
        databaseUrl: slow.url,
        wrap: trace('-e', 'inject=fdatasync,fsync:delay_exit=10000'),
      });
      const loads = [quick, delayed].map((fleet) => underLoad(fleet));
      // In turns, so that what else the machine does hits both alike.
      const times = new Map<string, number[]>();
      for (let question = 0; question < QUESTIONS; question++) {
        for (const [name, fleet] of Object.entries({ quick, delayed })) {
          for (const [kind, ask] of Object.entries(questionsOf(fleet))) {
            const began = performance.now();
            expect((await ask(question)).status).toBe(200);
            const key = `${name} ${kind}`;
            times.set(key, [...(times.get(key) ?? []), performance.now() - began]);
          }
        }
      }
      for (const { ledger, run } of loads) {
        await run.stop();
        expect(ledger.wrongs).toEqual([]);
        expect(ledger.acknowledged()).toBeGreaterThan(20);
      }
      for (const kind of ['metadata', 'introspection']) {
        const idle = Math.max(FLOOR_MS, p99(times.get(`quick ${kind}`)));
        expect(p99(times.get(`delayed ${kind}`)) / idle, kind).toBeLessThan(BOUND);
      }
    } finally {
      await sound.remove();
      await slow.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

function underLoad(fleet: Fleet): {
  ledger: ReturnType<typeof openLedger>;
  run: { stop(): Promise<void> };
} {
  const { refreshFile, clientId } = fleet.seeded;
  const urls = (): string[] => fleet.services.map(({ url }) => url);
  const isActive = (token: string): Promise<boolean> => fleet.isActive(token);
  const ledger = openLedger({ refreshFile, clientId, clients: 4, urls, isActive, pauseMs: 20 });
  return { ledger, run: ledger.run() };
}

function questionsOf({
  services,
  seeded,
}: Fleet): Record<'metadata' | 'introspection', (question: number) => Promise<Response>> {
  const [service] = services;
  const url = service?.url ?? '';
  const tokens = readFileSync(seeded.accessFile, 'utf8').split('\n');
  const read = async (response: Response): Promise<Response> => {
    await response.text();
    return response;
  };
  return {
    metadata: async () => read(await fetch(`${url}_matrix/client/v1/auth_metadata`)),
    introspection: async (question) =>
      read(
        await fetch(`${url}oauth2/introspect`, {
          method: 'POST',
          headers: { authorization: `Bearer ${service?.homeserverSecret ?? ''}` },
          body: new URLSearchParams({ token: tokens[question % tokens.length] ?? '' }),
        }),
      ),
  };
}

function p99(times: readonly number[] = []): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? Number.NaN;
}
