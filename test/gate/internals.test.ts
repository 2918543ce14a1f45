/** What no documentation of a dependency promises and the code relies on: an update that changes it fails here, with the place that must follow. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { middleware } from 'express-openapi-validator';
import { pino, symbols } from 'pino';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createDistribution } from '../../src/observability/tally.ts';
import { readsOver, transactionOver } from '../../src/storage/engine/dialect.ts';
import type { Schema } from '../../src/storage/schema.ts';

test('pino: a log has its destination and its members under symbols', () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = pino({}, destination).child({ part: 'http' }) as unknown as Record<symbol, unknown>;
  const where = 'see src/observability/request-log.ts';
  expect(log[symbols.streamSym], `pino keeps no destination under streamSym: ${where}`).toBe(destination);
  expect(log[symbols.chindingsSym], `pino keeps no members under chindingsSym: ${where}`).toContain(
    ',"part":"http"',
  );
});

test('prom-client: a registry prints what the get() of a metric returns', async () => {
  const registry = new Registry();
  const observe = createDistribution(registry, { name: 'd', help: 'h', labelNames: ['a'] }, [1, 2]);
  observe({ a: 'x' }, 1.5);
  const text = await registry.metrics();
  for (const line of [
    'd_bucket{le="1",a="x"} 0',
    'd_bucket{le="2",a="x"} 1',
    'd_bucket{le="+Inf",a="x"} 1',
    'd_sum{a="x"} 1.5',
    'd_count{a="x"} 1',
  ]) {
    expect(
      text.split('\n').map((printed) => sorted(printed)),
      'prom-client prints metrics in another way: see src/observability/tally.ts',
    ).toContain(sorted(line));
  }
});

/** A line of metrics with its labels in order. */
function sorted(line: string): string {
  return line.replace(/\{(.*)\}/, (_all, labels: string) => `{${labels.split(',').sort().join(',')}}`);
}

test.each(['sqlite', 'postgres'] as const)(
  'kysely: what is run reaches the executor that was given (%s)',
  async (engine) => {
    const ran: string[] = [];
    const execute = (statement: { sql: string }) => {
      ran.push(statement.sql);
      return Promise.resolve({ rows: [{ id: 'a' }] });
    };
    const end = () => Promise.resolve();
    const transaction = transactionOver<Schema>(engine, { execute, commit: end, rollback: end });
    for (const db of [readsOver<Schema>(engine, execute), transaction]) {
      const rows = await db.selectFrom('users').select('id').execute();
      expect(rows, 'kysely takes its executor in another way: see src/storage/engine/dialect.ts').toEqual([
        { id: 'a' },
      ]);
    }
    expect(ran).toHaveLength(2);
    const placeholder = { parameter: 0 } as unknown as string;
    const { parameters } = transaction
      .selectFrom('users')
      .select('id')
      .where('id', '=', placeholder)
      .compile();
    expect(parameters[0], 'kysely copies values: see src/storage/engine/hot-query.ts').toBe(placeholder);
  },
);

test.each(['metadataMiddleware', 'requestMiddleware', 'responseMiddleware'])(
  'express-openapi-validator: there is the stage %s',
  (name) => {
    const chain = middleware({
      apiSpec: {
        openapi: '3.1.0',
        info: { title: 't', summary: 't', version: '1' },
        paths: {},
        components: {},
        webhooks: {},
      },
      validateResponses: true,
    }) as unknown as readonly { readonly name: string }[];
    expect(
      chain.map((stage) => stage.name),
      'express-openapi-validator names its stages in another way: see src/http/validation.ts',
    ).toContain(name);
  },
);

test('node: a connection has its parser, which asks what to do with each request', async () => {
  const seen: unknown[] = [];
  const server = createServer((message, response) => {
    seen.push((message.socket as { parser?: { onIncoming?: unknown } | null }).parser?.onIncoming);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await (await fetch(`http://127.0.0.1:${String(port)}/`)).text();
  server.close();
  expect(seen, 'node keeps no parser.onIncoming: see cutOff in src/http/admission.ts').toEqual([
    expect.any(Function),
  ]);
});
