/** What needs no database: the auth metadata in both modes, the start, and memory. */
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { compare } from './engine-suite.ts';
import type { LoadOrder } from './load.ts';
import { type Contender, inTurns, ratios } from './measure.ts';
import {
  type GatehouseSettings,
  nextMessage,
  residentMiB,
  type RunningGatehouse,
  script,
  startGatehouse,
  startNode,
  stop,
} from './processes.ts';
import { figure, type Figure } from './report.ts';
import type { Stage } from './stage.ts';

const PATH = '/_matrix/client/v1/auth_metadata';
const CONNECTIONS = 32;
/** It takes this many seconds until V8 has compiled all that a handler so quick goes through. */
const WARM_UP = 2;
/** How many clients ask at once where it is about the slowest answers. */
const CROWD = 1000;
/** A round at least, in seconds: in a short one, most of the slowest answers are those that wait for their connection. */
const CROWD_ROUND = 1.5;

type Place = Pick<GatehouseSettings, 'folder' | 'databaseUrl'>;

/** auth_metadata against the bare handler, in full and as 304. */
export async function measureMetadata(stage: Stage, place: Place): Promise<Figure[]> {
  stage.say('auth_metadata');
  const facade = await startGatehouse({ ...place, idp: stage.idp });
  const passthrough = await startGatehouse({
    folder: place.folder,
    databaseUrl: `${place.databaseUrl}-passthrough`,
    idp: stage.idp,
    mode: 'passthrough',
  });
  try {
    const contenders: Contender[] = [];
    for (const [name, { pid, port }] of Object.entries({ facade, passthrough })) {
      const { bytes, etag } = await ask(port, PATH);
      const order: LoadOrder = {
        ports: [port],
        path: PATH,
        method: 'GET',
        headers: {},
        connections: CONNECTIONS,
        status: 200,
        seconds: 0,
      };
      contenders.push(
        {
          name: `bare, ${name}`,
          pids: [stage.bare.pid],
          order: { ...order, ports: [stage.bare.port], path: `/${String(bytes)}` },
        },
        { name: `auth_metadata, ${name}`, pids: [pid], order },
        {
          name: `auth_metadata, ${name}, If-None-Match`,
          pids: [pid],
          order: { ...order, headers: { 'if-none-match': etag }, status: 304 },
        },
      );
    }
    const results = await inTurns(stage.generator, contenders, { ...stage, warmUp: WARM_UP });
    const figures = ['facade', 'passthrough'].flatMap((mode) =>
      ['', ', If-None-Match'].flatMap((kind) => {
        const name = `auth_metadata, ${mode}${kind}`;
        return compare(results, '-', name, [name, `bare, ${mode}`], 0.85);
      }),
    );
    const full = contenders.filter(({ order }) => order.status === 200);
    return [...figures, ...(await measureCrowd(stage, full))];
  } finally {
    await stop(facade.child);
    await stop(passthrough.child);
  }
}

/** The slowest of a hundred answers while many ask at once, against the bare handler's. */
async function measureCrowd(stage: Stage, contenders: readonly Contender[]): Promise<Figure[]> {
  const crowd = contenders.map((one) => ({ ...one, order: { ...one.order, connections: CROWD } }));
  const results = await inTurns(stage.generator, crowd, {
    ...stage,
    seconds: Math.max(CROWD_ROUND, stage.seconds),
    warmUp: WARM_UP,
  });
  return ['facade', 'passthrough'].map((mode) => {
    const measured = results.get(`auth_metadata, ${mode}`);
    const slowest = ratios(measured, results.get(`bare, ${mode}`), ({ p99 }) => p99);
    return figure('-', `auth_metadata, ${mode}, ${String(CROWD)} connections, p99 / bare`, 'ratio', slowest, {
      target: { atMost: 2 },
      failures: measured?.failures ?? 0,
      firstFailure: measured?.firstFailure,
    });
  });
}

/** Ready after `node` was started, the first answer after that, and memory: idle, and with many connections. */
export async function measureLife(
  stage: Stage,
  engine: 'sqlite' | 'postgres',
  place: Place,
): Promise<Figure[]> {
  stage.say(`${engine}: start and memory`);
  const ready: number[] = [];
  const cold: number[] = [];
  const idle: number[] = [];
  const held: number[] = [];
  for (let start = 0; start < stage.starts; start++) {
    const running = await startGatehouse({ ...place, idp: stage.idp });
    try {
      ready.push(running.readyAfterMs);
      cold.push((await ask(running.port, PATH)).milliseconds);
      if (start > 0) continue;
      await delay(1500);
      idle.push(residentMiB(running.pid));
      held.push(await holdConnections(stage, running));
    } finally {
      await stop(running.child);
    }
  }
  return [
    figure(engine, 'ready after start', 'ms', ready, { target: { atMost: 1500 } }),
    figure(engine, 'first auth_metadata after ready', 'ms', cold),
    figure(engine, 'memory, idle', 'MiB', idle, { target: { atMost: 200 } }),
    figure(engine, `memory, ${String(stage.heldConnections)} connections`, 'MiB', held, {
      target: { atMost: 350 },
    }),
  ];
}

async function holdConnections(stage: Stage, { port, pid }: RunningGatehouse): Promise<number> {
  const holder = startNode('load', [script('hold'), String(port), PATH, String(stage.heldConnections)], {
    messages: true,
  });
  try {
    const answered = await nextMessage<number>(holder);
    if (answered < stage.heldConnections) {
      stage.say(`only ${String(answered)} connections could be held: see ulimit -n`);
    }
    return residentMiB(pid);
  } finally {
    await stop(holder, 'SIGKILL');
  }
}

function ask(port: number, path: string): Promise<{ bytes: number; etag: string; milliseconds: number }> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () => {
        resolve({ bytes, etag: response.headers.etag ?? '', milliseconds: performance.now() - began });
      });
    }).on('error', reject);
  });
}
