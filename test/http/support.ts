/** The HTTP layer on a real socket, with the small documents of `fixtures/` and handlers of the test. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createApp } from '../../src/http/app.ts';
import type { AppOptions, GatehouseApp } from '../../src/http/app.ts';
import type { ApiRequest, Handler } from '../../src/http/exchange.ts';
import { startServer } from '../../src/http/server.ts';
import type { RunningServer } from '../../src/http/server.ts';
import { createLog } from '../../src/observability/log.ts';
import type { Log } from '../../src/observability/log.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { Metrics } from '../../src/observability/metrics.ts';
import { systemClock } from '../../src/protocol/clock.ts';

export const fixtures = join(import.meta.dirname, 'fixtures');

/** Tells the test what the handler saw. */
export function echo(request: ApiRequest): { status: number; body: object } {
  return {
    status: 200,
    body: {
      operation: request.operationId,
      params: request.params,
      query: [...request.query],
      form: [...request.form],
      body: request.body ?? null,
      address: request.clientAddress,
    },
  };
}

const matrixOperations = [
  'getThing',
  'putThing',
  'getDevice',
  'deleteDevice',
  'getOwnDevice',
  'paint',
  'legacyRefresh',
];
export const oauthOperations = ['getConfiguration', 'getServer', 'token', 'register', 'authorize'];

export function handlersFor(
  names: readonly string[],
  handlers: Record<string, Handler> = {},
): Record<string, Handler> {
  return Object.fromEntries(names.map((name) => [name, handlers[name] ?? echo]));
}

export interface LogLines {
  readonly log: Log;
  /** Every line so far, parsed. */
  readonly lines: () => Record<string, unknown>[];
  readonly text: () => string;
}

export function memoryLog(level = 'debug'): LogLines {
  let text = '';
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return {
    log: createLog({ level, destination }),
    lines: () =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    text: () => text,
  };
}

export interface TestApp extends AsyncDisposable {
  readonly app: GatehouseApp;
  readonly server: RunningServer;
  readonly url: string;
  readonly port: number;
  readonly metrics: Metrics;
  readonly logged: LogLines;
}

export interface TestAppOptions extends Partial<AppOptions> {
  /** Handlers by operationId; the others echo. */
  readonly handlers?: Record<string, Handler>;
  readonly headersTimeoutMs?: number;
}

export async function startApp(options: TestAppOptions = {}): Promise<TestApp> {
  const { handlers = {}, headersTimeoutMs, ...rest } = options;
  const logged = memoryLog();
  const metrics = createMetrics({ processMetrics: false });
  const app = await createApp({
    publicUrl: 'http://127.0.0.1:8090/',
    documents: [
      { file: 'matrix.yaml', dialect: 'matrix', handlers: handlersFor(matrixOperations, handlers) },
      { file: 'oauth.yaml', dialect: 'oauth', handlers: handlersFor(oauthOperations, handlers) },
    ],
    pages: [],
    openapiDir: fixtures,
    trustedProxies: [],
    log: logged.log,
    metrics,
    clock: systemClock,
    ...rest,
  });
  const server = await startServer({
    listener: app.listener,
    listen: { host: '127.0.0.1', port: 0 },
    log: logged.log,
    drainMs: 500,
    ...(headersTimeoutMs === undefined ? {} : { headersTimeoutMs }),
  });
  return {
    app,
    server,
    url: server.address,
    port: server.port ?? 0,
    metrics,
    logged,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Sends bytes as they are and gives everything that comes back until the other side closes, or `waitMs` passes. */
export function sendRaw(port: number, text: string | Buffer, waitMs = 3_000): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    const timer = setTimeout(() => socket.destroy(), waitMs);
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

/** The status code of a raw answer; 0 where there is none. */
export function statusOf(raw: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(raw)?.[1] ?? 0);
}
