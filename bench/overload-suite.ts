/** What becomes of the service when far more is asked of it than it can do: how much it still does, how fast, and when it is itself again. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenLoadOrder, OpenLoadResult } from './open-load.ts';
import {
  nextMessage,
  peakMiB,
  residentMiB,
  type RunningGatehouse,
  script,
  startGatehouse,
  startNode,
  stop,
} from './processes.ts';
import { figure, type Figure } from './report.ts';
import { seed } from './seed.ts';
import type { Stage } from './stage.ts';

/** How much more than it can do. */
const FACTOR = 5;
/** The flood: so many connections, each with so many pipelined requests. */
const FLOOD = { connections: 300, requests: 1000 };

export async function measureOverload(
  stage: Stage,
  { folder, databaseUrl }: { folder: string; databaseUrl: string },
): Promise<Figure[]> {
  const { accessFile } = await seed(databaseUrl, folder, { sessions: 1000, codes: 1 });
  const [token = ''] = readFileSync(accessFile, 'utf8').split('\n');
  const running = await startGatehouse({ folder, databaseUrl, idp: stage.idp });
  const generator = startNode('load', [script('open-load')], { messages: true });
  try {
    const flood = await measureFlood(stage, running);
    return [...flood, ...(await measureGoodput(stage, running, generator, token))];
  } finally {
    await stop(generator, 'SIGKILL');
    await stop(running.child);
  }
}

/** A sign-out with an unknown token: through the validator and the database, and never cached. */
function revocation(port: number): string {
  const body = `token=${'x'.repeat(40)}`;
  return [
    'POST /oauth2/revoke HTTP/1.1',
    `host: 127.0.0.1:${String(port)}`,
    'content-type: application/x-www-form-urlencoded',
    `content-length: ${String(body.length)}`,
    '',
    body,
  ].join('\r\n');
}

/** Work of the ordinary kind, which is refused first: through Express, the validator and the database. */
function ordinary(port: number, token: string): string {
  const head = `host: 127.0.0.1:${String(port)}\r\nauthorization: Bearer ${token}`;
  return `GET /_matrix/client/v3/devices HTTP/1.1\r\n${head}\r\n\r\n`;
}

async function measureGoodput(
  stage: Stage,
  running: RunningGatehouse,
  generator: ReturnType<typeof startNode>,
  token: string,
): Promise<Figure[]> {
  const seconds = Math.max(2, stage.seconds * 2);
  const order = async (perSecond: number, time = seconds): Promise<OpenLoadResult> => {
    const sent: OpenLoadOrder = {
      port: running.port,
      request: ordinary(running.port, token),
      perSecond,
      seconds: time,
      connections: 4000,
    };
    generator.send(sent);
    return nextMessage<OpenLoadResult>(generator);
  };
  await order(500, 2);
  stage.say('overload: looking for the most that it can do');
  let peak = 0;
  for (let rate = 1000; rate <= 64_000; rate *= 1.3) {
    const { admitted, p99 } = await order(rate, 1);
    peak = Math.max(peak, admitted);
    if (admitted < rate * 0.8 || p99 > 200) break;
  }
  stage.say(`overload: ${String(Math.round(peak))} a second is the most; now ${String(FACTOR)} times that`);
  const goodput: number[] = [];
  const p99: number[] = [];
  const inService: number[] = [];
  let failures = 0;
  for (let round = 0; round < stage.rounds; round++) {
    const before = await durations(running);
    const result = await order(peak * FACTOR);
    inService.push(percentile99(before, await durations(running)));
    goodput.push(result.admitted / seconds / peak);
    p99.push(result.p99);
    failures += result.failures;
  }
  const began = performance.now();
  while ((await order(50, 0.5)).p99 > 100 && performance.now() - began < 20_000);
  return [
    figure('sqlite', `goodput at ${String(FACTOR)} times the capacity / peak`, 'ratio', goodput, {
      target: { atLeast: 0.8 },
      failures,
      firstFailure: 'a connection broke',
    }),
    figure('sqlite', 'p99 of what was admitted then', 'ms', p99, { target: { atMost: 500 } }),
    figure('sqlite', 'p99 of it in the service alone, as its metrics count it', 'ms', inService, {
      target: { atMost: 500 },
    }),
    figure('sqlite', 'itself again after', 'ms', [performance.now() - began], { target: { atMost: 10_000 } }),
  ];
}

/** How many requests took at most so many seconds, from the start of the service on. */
async function durations({ operationsPort }: RunningGatehouse): Promise<ReadonlyMap<number, number>> {
  const text = await (await fetch(`http://127.0.0.1:${String(operationsPort)}/metrics`)).text();
  const buckets = text.matchAll(/^gatehouse_http_request_duration_seconds_bucket\{(.*)\} (\d+)$/gm);
  const all = new Map<number, number>();
  for (const [, labels = '', count] of buckets) {
    if (!labels.includes('operation="getDevices"')) continue;
    all.set(Number(/le="([\d.]+)"/.exec(labels)?.[1] ?? Infinity), Number(count));
  }
  return all;
}

/** The bound, in milliseconds, of the bucket in which the 99th of 100 requests between two looks is. */
function percentile99(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  const between = [...after].map(([le, count]) => [le, count - (before.get(le) ?? 0)] as const);
  const all = Math.max(...between.map(([, count]) => count));
  return 1000 * Math.min(...between.filter(([, count]) => count >= 0.99 * all).map(([le]) => le));
}

async function measureFlood(stage: Stage, { port, pid }: RunningGatehouse): Promise<Figure[]> {
  stage.say(
    `overload: ${String(FLOOD.connections)} connections, ${String(FLOOD.requests)} pipelined requests each`,
  );
  await delay(3_000);
  const before = residentMiB(pid);
  const text = revocation(port).repeat(FLOOD.requests);
  const sockets = Array.from({ length: FLOOD.connections }, () => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', () => undefined);
    socket.on('error', () => undefined);
    return socket;
  });
  let slowest = 0;
  for (const until = performance.now() + 10_000; performance.now() < until;) {
    const began = performance.now();
    await fetch(`http://127.0.0.1:${String(port)}/_matrix/client/v1/auth_metadata`).catch(() => undefined);
    slowest = Math.max(slowest, performance.now() - began);
    if (sockets.every(({ destroyed }) => destroyed)) break;
    await delay(20);
  }
  for (const socket of sockets) socket.destroy();
  return [
    figure(
      'sqlite',
      'memory above idle under a flood of pipelined requests',
      'MiB',
      [peakMiB(pid) - before],
      {
        target: { atMost: 100 },
      },
    ),
    figure('sqlite', 'slowest auth_metadata during it', 'ms', [slowest], { target: { atMost: 1000 } }),
  ];
}
