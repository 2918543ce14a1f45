/** Whether a large database is as fast as a small one: introspection with 10,000 and with 1,000,000 sessions, side by side. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { PostgresServer } from '../test/support/postgres-server.ts';
import { type Contender, inTurns, ratios } from './measure.ts';
import { type RunningGatehouse, startGatehouse, stop } from './processes.ts';
import { figure, type Figure } from './report.ts';
import { seed } from './seed.ts';
import type { Stage } from './stage.ts';

const SIZES = { small: 10_000, large: 1_000_000 };
/** Few enough that the figure is the time of an answer, not of a queue. */
const CONNECTIONS = 4;

export async function measureSizes(
  stage: Stage,
  engine: 'sqlite' | 'postgres',
  folder: string,
  postgres: PostgresServer | undefined,
): Promise<Figure[]> {
  const contenders: Contender[] = [];
  const running: RunningGatehouse[] = [];
  try {
    for (const [name, sessions] of Object.entries(SIZES)) {
      const place = mkdtempSync(join(folder, `${name}-`));
      const databaseUrl = await databaseFor(name, place, postgres);
      stage.say(`${engine}: writing ${String(sessions)} sessions`);
      const { accessFile } = await seed(databaseUrl, place, { sessions, codes: 0 });
      const gatehouse = await startGatehouse({ folder: place, databaseUrl, idp: stage.idp });
      running.push(gatehouse);
      contenders.push({
        name,
        pids: [gatehouse.pid],
        order: {
          ports: [gatehouse.port],
          path: '/oauth2/introspect',
          method: 'POST',
          headers: { authorization: `Bearer ${gatehouse.secret}` },
          body: 'token={}&token_type_hint=access_token',
          secrets: { file: accessFile, use: 'any' },
          connections: CONNECTIONS,
          status: 200,
        },
      });
    }
    stage.say(`${engine}: introspection with ${Object.values(SIZES).join(' and ')} sessions`);
    const results = await inTurns(stage.generator, contenders, stage);
    const [small, large] = [results.get('small'), results.get('large')];
    return [
      figure(
        engine,
        'introspection, p99 with 1 M / 10 k sessions',
        'ratio',
        ratios(large, small, (round) => round.p99),
        {
          target: { atMost: 1.2 },
          failures: (small?.failures ?? 0) + (large?.failures ?? 0),
          firstFailure: small?.firstFailure ?? large?.firstFailure,
        },
      ),
      figure(
        engine,
        'introspection, 10 k sessions, p99',
        'ms',
        (small?.rounds ?? []).map((round) => round.p99),
      ),
      figure(
        engine,
        'introspection, 1 M sessions, p99',
        'ms',
        (large?.rounds ?? []).map((round) => round.p99),
      ),
      figure(engine, 'ready after start, 1 M sessions', 'ms', [running[1]?.readyAfterMs ?? Number.NaN], {
        target: { atMost: 1500 },
      }),
    ];
  } finally {
    for (const { child } of running) await stop(child);
  }
}

async function databaseFor(
  name: string,
  place: string,
  postgres: PostgresServer | undefined,
): Promise<string> {
  if (postgres === undefined) return `sqlite:${join(place, 'gatehouse.db')}`;
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const url = new URL(postgres.url);
  url.pathname = `/${name}`;
  return url.href;
}
