/** In passthrough mode the provider takes back what Matrix clients need, then goes down; we are restarted meanwhile. */
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { buildMetadata } from '../../src/metadata/build.ts';
import { createLog } from '../../src/observability/log.ts';
import { type Service, startService } from '../../src/service.ts';
import { databaseOf, forEachEngine } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/oauth-client.ts';
import { sendJson, startScriptedServer } from '../upstream/support/scripted-server.ts';

const REASON = /code_challenge_methods_supported is missing/;

forEachEngine((engine) => {
  it('the last document that was fit is served through all of it, and readiness says why', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    let change: Record<string, unknown> = {};
    await using idp = await startScriptedServer();
    const metadata = buildMetadata(idp.url);
    idp.answer(({ path }, response) => {
      const keys = { keys: [publicKey.export({ format: 'jwk' })] };
      sendJson(response, path === '/oauth2/jwks' ? keys : { ...metadata, ...change }, {
        'cache-control': 'max-age=1',
      });
    });
    const url = `http://127.0.0.1:${String(await freePort())}/`;
    const input = {
      server_name: 'example.org',
      public_url: url,
      mode: 'passthrough',
      listen: { port: Number(new URL(url).port) },
      operations: { port: 0 },
      providers: [
        {
          id: 'main',
          issuer: idp.url,
          client_id: 'gatehouse',
          client_secret: 'secret',
          discovery: { min_ttl_seconds: 1 },
        },
      ],
    };
    const config = parseConfig(input, { baseDir: '.', env: await databaseOf(engine) });
    const lines: string[] = [];
    const log = createLog({ level: 'warn', destination: { write: (line) => lines.push(line) } });
    let service: Service = await startService({ config, log });
    const ready = (): ReturnType<typeof ask> => ask(`${service.operationsUrl}/health/ready`);
    const served = async (): Promise<void> => {
      expect(await ask(`${url}_matrix/client/v1/auth_metadata`)).toMatchObject({
        status: 200,
        body: metadata,
      });
    };
    const degraded = { status: 200, body: { status: 'degraded', reasons: [expect.stringMatching(REASON)] } };
    try {
      await vi.waitFor(async () => {
        expect(await ready()).toMatchObject({ status: 200, body: { status: 'ok' } });
      }, 5000);

      change = { code_challenge_methods_supported: undefined };
      const fetches = idp.seen.length;
      await vi.waitFor(() => {
        expect(idp.seen.length).toBeGreaterThan(fetches + 4);
      }, 10_000);
      await served();
      expect(await ready()).toMatchObject(degraded);
      expect(lines.filter((line) => REASON.test(line) && line.includes('could not be fetched'))).toHaveLength(
        1,
      );

      await service.close();
      service = await startService({ config, log });
      await vi.waitFor(async () => {
        expect(await ready()).toMatchObject(degraded);
      }, 5000);
      await served();

      await service.close();
      await idp.goDown();
      service = await startService({ config, log });
      await delay(100);
      await served();

      await idp.comeBack();
      change = {};
      await vi.waitFor(async () => {
        expect(await ready()).toMatchObject({ status: 200, body: { status: 'ok' } });
      }, 10_000);
      await served();
    } finally {
      await service.close();
    }
  }, 60_000);
});
