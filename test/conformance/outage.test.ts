/** The identity provider is down for a day, with a restart of ours in it; then it is back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { Clock } from '../../src/protocol/clock.ts';
import { type Service, startService } from '../../src/service.ts';
import { startIdp } from '../peers/idp.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/oauth-client.ts';

const HOUR = 3_600_000;

/** Runs as the system's clocks do, and can be put forward. */
function movableClock(): Clock & { forward(milliseconds: number): void } {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    monotonic: () => performance.now() + offset,
    forward(milliseconds) {
      offset += milliseconds;
    },
  };
}

it.each(['facade', 'passthrough'] as const)(
  'in %s mode auth_metadata is always served, readiness and metrics tell the truth, and all is fresh again within the floor',
  async (mode) => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-outage-'));
    const idp = await startIdp({ cacheControl: 'max-age=1' });
    const url = `http://127.0.0.1:${String(await freePort())}/`;
    const clock = movableClock();
    const overrides = {
      registration_endpoint: `${idp.issuer}/reg`,
      revocation_endpoint: `${idp.issuer}/revoke`,
    };
    const config = parseConfig(
      {
        server_name: 'example.org',
        public_url: url,
        mode,
        listen: { port: Number(new URL(url).port) },
        operations: { port: 0 },
        database: { url: 'sqlite:gatehouse.db' },
        providers: [
          {
            id: 'main',
            issuer: idp.issuer,
            client_id: idp.clientId,
            client_secret: idp.clientSecret,
            discovery: { min_ttl_seconds: 1, overrides },
          },
        ],
        log: { level: 'silent' },
      },
      { baseDir: folder },
    );
    let service: Service = await startService({ config, clock });
    const ready = async (): Promise<{ status: number; state: unknown }> => {
      const answer = await ask(`${service.operationsUrl}/health/ready`);
      return { status: answer.status, state: answer.body['status'] };
    };
    const served = async (): Promise<void> => {
      const answer = await ask(`${url}_matrix/client/v1/auth_metadata`);
      expect(answer).toMatchObject({ status: 200, body: { issuer: mode === 'facade' ? url : idp.issuer } });
    };
    const age = async (): Promise<number> => {
      const { body } = await ask(`${service.operationsUrl}/metrics`);
      const line = /gatehouse_upstream_document_age_seconds\{[^}]*kind="metadata"[^}]*\} ([\d.]+)/;
      return Number(line.exec(String(body['text']))?.[1]);
    };
    try {
      await vi.waitFor(async () => {
        expect(await ready()).toEqual({ status: 200, state: 'ok' });
      }, 5000);
      await idp.goDown();
      for (let hour = 0; hour < 24; hour += 3) {
        clock.forward(3 * HOUR);
        await served();
        if (hour === 12) {
          await service.close();
          service = await startService({ config, clock });
          await delay(100);
        }
      }
      expect(await ready()).toEqual({ status: 200, state: 'degraded' });
      expect(await age()).toBeGreaterThan(23 * 3600);
      await idp.comeBack();
      await vi.waitFor(async () => {
        expect(await ready()).toEqual({ status: 200, state: 'ok' });
      }, 10_000);
      expect(await age()).toBeLessThan(60);
      await served();
    } finally {
      await service.close();
      await idp.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  40_000,
);
