/** What is measured on a database: introspection, whoami, refresh and code exchange, by one process and by several. */
import { join } from 'node:path';
import type { LoadOrder } from './load.ts';
import type { BareResult } from './bare-transactions.ts';
import { type Contender, inTurns, ratios, type Rounds } from './measure.ts';
import { nextMessage, type RunningGatehouse, script, startGatehouse, startNode, stop } from './processes.ts';
import { figure, type Figure } from './report.ts';
import { REDIRECT_URI, seed, type Seeded } from './seed.ts';
import type { Stage } from './stage.ts';

export interface EngineSuite {
  readonly engine: 'sqlite' | 'postgres';
  readonly databaseUrl: string;
  readonly folder: string;
  readonly sessions: number;
  readonly processes: readonly number[];
}

/** Connections of the load generator. */
const CONNECTIONS = 32;
/** Sizes of the answers, which the bare handler matches. */
const INTROSPECTION_BYTES = 420;
const WHOAMI_BYTES = 90;
/** They are headers there. */
const FORWARD_AUTH_BYTES = 400;

const AUTH = { authorization: 'Bearer {}' };

export async function measureEngine(stage: Stage, suite: EngineSuite): Promise<Figure[]> {
  const { engine, databaseUrl, folder } = suite;
  stage.say(`${engine}: writing ${String(suite.sessions)} sessions`);
  const codes = 3000 * (stage.rounds + 1);
  const seeded = await seed(databaseUrl, folder, { sessions: suite.sessions, codes });
  const figures: Figure[] = [];
  const running: RunningGatehouse[] = [];
  try {
    for (const count of suite.processes) {
      while (running.length < count) {
        running.push(await startGatehouse({ folder, databaseUrl, idp: stage.idp }));
      }
      stage.say(`${engine}: ${String(count)} process(es)`);
      figures.push(...(await measureReads(stage, suite, seeded, running)));
      figures.push(...(await measureWrites(stage, suite, seeded, running)));
    }
  } finally {
    for (const { child } of running) await stop(child);
  }
  return figures;
}

const label = (name: string, count: number): string =>
  count === 1 ? name : `${name}, ${String(count)} processes`;

async function measureReads(
  stage: Stage,
  { engine, databaseUrl }: EngineSuite,
  seeded: Seeded,
  running: readonly RunningGatehouse[],
): Promise<Figure[]> {
  const looking = startNode('server', [script('bare'), databaseUrl], { messages: true });
  const lookingPort = await nextMessage<number>(looking);
  const shared = {
    ports: running.map(({ port }) => port),
    connections: CONNECTIONS,
    status: 200,
  };
  const pids = running.map(({ pid }) => pid);
  const secrets = { file: seeded.accessFile, use: 'any' } as const;
  const whoami: LoadOrder = {
    ...shared,
    method: 'GET',
    path: '/_matrix/client/v3/account/whoami',
    headers: AUTH,
    secrets,
    seconds: 0,
  };
  // Each process has a secret of its own: only the first one's is asked where there are several.
  const [first] = running;
  const introspection: LoadOrder = {
    ...shared,
    ports: [first?.port ?? 0],
    method: 'POST',
    path: '/oauth2/introspect',
    headers: { authorization: `Bearer ${first?.secret ?? ''}` },
    body: 'token={}&token_type_hint=access_token',
    secrets,
    seconds: 0,
  };
  const bare = (order: LoadOrder, bytes: number): Contender['order'] => ({
    ...order,
    ports: [stage.bare.port],
    path: `/${String(bytes)}`,
  });
  const forwardAuth: LoadOrder = {
    ...whoami,
    path: '/verify',
    headers: { ...AUTH, 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/a/path?of=somebody' },
  };
  const contenders: Contender[] = [
    { name: 'bare GET', pids: [stage.bare.pid], order: bare(whoami, WHOAMI_BYTES) },
    { name: 'whoami', pids, order: whoami },
  ];
  if (running.length === 1) {
    contenders.push(
      {
        name: 'bare GET with a look-up',
        pids: [looking.pid ?? 0],
        order: { ...bare(forwardAuth, FORWARD_AUTH_BYTES), ports: [lookingPort] },
      },
      { name: 'forward auth', pids, order: forwardAuth },
      { name: 'bare POST', pids: [stage.bare.pid], order: bare(introspection, INTROSPECTION_BYTES) },
      {
        name: 'bare POST with a look-up',
        pids: [looking.pid ?? 0],
        order: { ...bare(introspection, INTROSPECTION_BYTES), ports: [lookingPort] },
      },
      { name: 'introspection', pids, order: introspection },
    );
  }
  const results = await inTurns(stage.generator, contenders, stage);
  await stop(looking, 'SIGKILL');
  const figures = compare(results, engine, label('whoami', running.length), ['whoami', 'bare GET']);
  if (running.length > 1) return figures;
  return [
    ...figures,
    figure(
      engine,
      'introspection / bare without a look-up',
      'ratio',
      ratios(results.get('introspection'), results.get('bare POST'), (round) => round.answersPerSecond),
    ),
    ...compare(
      results,
      engine,
      'introspection',
      ['introspection', 'bare POST with a look-up'],
      engine === 'sqlite' ? 0.65 : undefined,
    ),
    ...compare(
      results,
      engine,
      'forward auth',
      ['forward auth', 'bare GET with a look-up'],
      engine === 'sqlite' ? 0.8 : undefined,
    ),
  ];
}

/** Throughput and processor time against the bare handler's of the same round, and the plain figure. */
export function compare(
  results: ReadonlyMap<string, Rounds>,
  engine: string,
  name: string,
  [one, other]: readonly [string, string],
  atLeast?: number,
): Figure[] {
  const measured = results.get(one);
  const base = results.get(other);
  const faults = { failures: measured?.failures ?? 0, firstFailure: measured?.firstFailure };
  const target = atLeast === undefined ? {} : { target: { atLeast } };
  return [
    figure(
      engine,
      `${name} / bare`,
      'ratio',
      ratios(measured, base, (round) => round.answersPerSecond),
      {
        ...target,
        ...faults,
      },
    ),
    figure(
      engine,
      `${name} / bare, by processor time`,
      'ratio',
      ratios(base, measured, (round) => round.cpuMicroseconds),
    ),
    figure(
      engine,
      name,
      'answers/s',
      (measured?.rounds ?? []).map((round) => round.answersPerSecond),
    ),
    figure(
      engine,
      `${name}, p99`,
      'ms',
      (measured?.rounds ?? []).map((round) => round.p99),
    ),
  ];
}

async function measureWrites(
  stage: Stage,
  { engine, databaseUrl, folder }: EngineSuite,
  seeded: Seeded,
  running: readonly RunningGatehouse[],
): Promise<Figure[]> {
  const shared = {
    ports: running.map(({ port }) => port),
    path: '/oauth2/token',
    method: 'POST',
    headers: {},
    connections: CONNECTIONS,
    status: 200,
  } as const;
  const pids = running.map(({ pid }) => pid);
  const orders: Contender[] = [
    {
      name: 'refresh',
      pids,
      order: {
        ...shared,
        secrets: { file: seeded.refreshFile, use: 'chain' },
        body: `grant_type=refresh_token&client_id=${seeded.clientId}&refresh_token={}`,
      },
    },
  ];
  if (running.length === 1) {
    orders.push({
      name: 'code exchange',
      pids,
      order: {
        ...shared,
        secrets: { file: seeded.codeFile, use: 'once' },
        body: `grant_type=authorization_code&client_id=${seeded.clientId}&redirect_uri=${encodeURIComponent(REDIRECT_URI)}&code_verifier=${seeded.verifier}&code={}`,
      },
    });
  }
  const bare = startNode('server', [script('bare-transactions'), databaseUrl, join(folder, 'bare.db')], {
    messages: true,
  });
  await nextMessage(bare);
  try {
    const rates: number[] = [];
    const rounds = new Map<string, Rounds>();
    for (let round = 0; round < stage.rounds; round++) {
      bare.send(stage.seconds);
      const { transactions, seconds } = await nextMessage<BareResult>(bare);
      rates.push(transactions / seconds);
      const each = await inTurns(stage.generator, orders, {
        rounds: 1,
        seconds: stage.seconds,
        ...(round === 0 ? {} : { warmUp: false as const }),
      });
      for (const [name, result] of each) {
        const earlier = rounds.get(name);
        rounds.set(name, {
          ...result,
          rounds: [...(earlier?.rounds ?? []), ...result.rounds],
          failures: (earlier?.failures ?? 0) + result.failures,
          firstFailure: earlier?.firstFailure ?? result.firstFailure,
        });
      }
    }
    const base = engine === 'sqlite' ? 'synchronous=FULL' : 'bare transactions';
    return [
      figure(engine, base, 'transactions/s', rates),
      ...orders.flatMap(({ name }) => {
        const result = rounds.get(name);
        const speeds = (result?.rounds ?? []).map((round) => round.answersPerSecond);
        const target =
          engine === 'sqlite' && name === 'refresh' && running.length === 1
            ? { target: { atLeast: 0.8 } }
            : {};
        return [
          figure(
            engine,
            `${label(name, running.length)} / ${base}`,
            'ratio',
            speeds.map((speed, index) => speed / (rates[index] ?? Number.NaN)),
            { ...target, failures: result?.failures ?? 0, firstFailure: result?.firstFailure },
          ),
          figure(engine, label(name, running.length), 'answers/s', speeds),
        ];
      }),
    ];
  } finally {
    await stop(bare, 'SIGKILL');
  }
}
