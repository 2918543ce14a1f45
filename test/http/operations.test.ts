import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOperationsApp } from '../../src/http/operations.ts';
import type { Readiness } from '../../src/http/operations.ts';
import { startServer } from '../../src/http/server.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { systemClock } from '../../src/protocol/clock.ts';
import { memoryLog } from './support.ts';

async function start(
  readiness: () => Promise<Readiness>,
): Promise<AsyncDisposable & { url: string; logged: ReturnType<typeof memoryLog> }> {
  const logged = memoryLog('info');
  const { listener } = await createOperationsApp({
    openapiDir: join(import.meta.dirname, '../../openapi'),
    readiness,
    host: { host: '127.0.0.1', hosts: [] },
    metrics: createMetrics(),
    log: logged.log,
    clock: systemClock,
    validateResponses: true,
  });
  const server = await startServer({ listener, listen: { host: '127.0.0.1', port: 0 }, log: logged.log });
  return { url: server.address, logged, [Symbol.asyncDispose]: () => server.close() };
}

describe("the operator's listener", () => {
  it('is alive whatever the parts say, and ready unless they are unavailable', async () => {
    let state: Readiness = { status: 'ok', reasons: [] };
    await using operations = await start(() => Promise.resolve(state));
    const ask = async (path: string): Promise<unknown[]> => {
      const answer = await fetch(operations.url + path);
      return [answer.status, await answer.json(), answer.headers.get('cache-control')];
    };
    expect(await ask('/health/ready')).toEqual([200, { status: 'ok', reasons: [] }, 'no-store']);
    state = { status: 'degraded', reasons: ['the metadata of provider main is old'] };
    expect(await ask('/health/ready')).toEqual([200, state, 'no-store']);
    state = { status: 'unavailable', reasons: ['the database does not answer'] };
    expect(await ask('/health/ready')).toEqual([503, state, 'no-store']);
    expect(await ask('/health/live')).toEqual([200, { status: 'ok', reasons: [] }, 'no-store']);
    expect(await (await fetch(`${operations.url}/metrics`)).text()).toMatch(/^gatehouse_ready 0$/m);
    expect(operations.logged.lines().filter(({ status }) => status === 200)).toEqual([]);
  });

  it('is not ready where the parts fail to say', async () => {
    await using operations = await start(() => Promise.reject(new Error('secret')));
    const answer = await fetch(`${operations.url}/health/ready`);
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { status: 'unavailable', reasons: ['the parts could not be asked'] },
    ]);
  });

  it('exposes the metrics of the service and of the process', async () => {
    await using operations = await start(() => Promise.resolve({ status: 'ok', reasons: [] }));
    const answer = await fetch(`${operations.url}/metrics`);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    for (const name of [
      'process_cpu_user_seconds_total',
      'nodejs_eventloop_lag_seconds',
      'gatehouse_ready 1',
    ])
      expect(text).toContain(name);
  });

  it('answers unknown paths and methods in plain JSON', async () => {
    await using operations = await start(() => Promise.resolve({ status: 'ok', reasons: [] }));
    const missing = await fetch(`${operations.url}/nothing`, { headers: { accept: 'text/html' } });
    expect([missing.status, await missing.json()]).toEqual([
      404,
      { message: 'there is nothing at this path' },
    ]);
    expect((await fetch(`${operations.url}/metrics`, { method: 'POST' })).status).toBe(405);
    expect(missing.headers.get('access-control-allow-origin')).toBeNull();
  });
});
