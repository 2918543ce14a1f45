/**
 * `npm run bench [-- --short] [-- --json] [-- --engine sqlite] [-- --only metadata|login|tokens|engine|sizes|life|overload]`: every figure as a ratio to what the machine can do without us, measured in turns in the same
 * run. Exit code 1 where `--short` finds a ratio far from its target; docs/performance.md tells how to read the rest.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildMetadata } from '../src/metadata/build.ts';
import { startIdp } from '../test/peers/idp.ts';
import { startPostgres } from '../test/support/postgres-server.ts';
import { measureEngine } from './engine-suite.ts';
import { measureLoginRefusals } from './login-refusal.ts';
import { measureLife, measureMetadata } from './metadata-suite.ts';
import { measureSizes } from './size-suite.ts';
import { measureOverload } from './overload-suite.ts';
import { nextMessage, script, startNode, stop } from './processes.ts';
import { circumstances, type Figure, hasRegressed, table } from './report.ts';
import type { Stage } from './stage.ts';
import { measureTokens } from './token-suite.ts';

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    engine: { type: 'string', multiple: true, default: ['sqlite', 'postgres'] },
    only: { type: 'string' },
  },
});
const short = values.short;
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
const began = performance.now();
const generator = startNode('load', [script('load')], { messages: true });
const bare = startNode('server', [script('bare')], { messages: true });
const idp = await startIdp({ cacheControl: 'max-age=3600' });
// A provider that may be passed through: it has all that clients need.
idp.faults.discovery = (document) => ({
  ...document,
  ...buildMetadata(idp.issuer),
  jwks_uri: document['jwks_uri'],
});
const figures: Figure[] = [];
let failed: boolean;
try {
  const stage: Stage = {
    generator,
    bare: { pid: bare.pid ?? 0, port: await nextMessage<number>(bare) },
    idp,
    rounds: short ? 3 : 7,
    seconds: short ? 0.5 : 3,
    heldConnections: 10_000,
    starts: short ? 3 : 7,
    say: (text) => {
      console.error(`${String(Math.round((performance.now() - began) / 1000)).padStart(5)} s  ${text}`);
    },
  };
  const wants = (suite: string): boolean => values.only === undefined || values.only === suite;
  if (wants('metadata')) {
    figures.push(...(await measureMetadata(stage, { folder, databaseUrl: `sqlite:${folder}/metadata.db` })));
  }
  if (wants('login')) {
    const databaseUrl = `sqlite:${folder}/login.db`;
    figures.push(
      ...(await measureLoginRefusals({ samples: short ? 2000 : 10_000, databaseUrl, say: stage.say })),
    );
  }
  if (wants('tokens')) figures.push(...(await measureTokens(stage)));
  // Only when it is asked for in the short form: it wants the whole machine.
  if (values.only === 'overload' || (!short && wants('overload'))) {
    const place = mkdtempSync(join(folder, 'overload-'));
    figures.push(
      ...(await measureOverload(stage, { folder: place, databaseUrl: `sqlite:${place}/overload.db` })),
    );
  }
  for (const engine of values.engine.filter((name) => name === 'sqlite' || name === 'postgres')) {
    const postgres = engine === 'postgres' ? await startPostgres() : undefined;
    const databaseUrl = postgres?.url ?? `sqlite:${folder}/gatehouse.db`;
    const place = mkdtempSync(join(folder, `${engine}-`));
    try {
      if (wants('engine')) {
        const processes = short ? [1, 2] : [1, 2, 4];
        const possible = engine === 'sqlite' ? processes.filter((count) => count <= 2) : processes;
        figures.push(
          ...(await measureEngine(stage, {
            engine,
            databaseUrl,
            folder: place,
            sessions: 10_000,
            processes: possible,
          })),
        );
      }
      if (wants('sizes') && !short) figures.push(...(await measureSizes(stage, engine, place, postgres)));
      if (wants('life')) figures.push(...(await measureLife(stage, engine, { folder: place, databaseUrl })));
    } finally {
      await postgres?.close();
    }
  }
  const regressed = figures.filter(hasRegressed);
  failed = short && regressed.length > 0;
  if (values.json) console.log(JSON.stringify({ ...circumstances(), short, figures }, undefined, 2));
  else {
    console.log(JSON.stringify(circumstances()));
    console.log(table(figures));
  }
  for (const { engine, name } of regressed) console.error(`far from its target: ${engine}, ${name}`);
} finally {
  await stop(generator, 'SIGKILL');
  await stop(bare, 'SIGKILL');
  await idp[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
