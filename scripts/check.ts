/**
 * The one gate: runs every step, two at a time, prints a line for each and the whole output of those that failed.
 * Exit code 0 only if all passed. With CHECK_REPORT=FILE the counts are also written there as JSON, for .ci/run.
 *
 *   npm run check            all steps
 *   npm run check -- lint    only the steps named
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './run.ts';

const quiet = {
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  NO_COLOR: '1',
  FORCE_COLOR: '0',
};
const folders = ['src', 'test', 'demo', 'bench', 'scripts', 'bin'].filter((name) =>
  existsSync(join(root, name)),
);
const cache = 'node_modules/.cache/gate';
const documents = readdirSync(join(root, 'openapi')).filter((name) => name.endsWith('.yaml'));

/** Name -> command; the slow ones first, so that two workers end at about the same time. */
const steps: Record<string, [command: string, ...args: string[]]> = {
  lint: [
    'eslint',
    '.',
    '--max-warnings',
    '0',
    '--cache',
    '--cache-strategy',
    'content',
    '--cache-location',
    `${cache}/eslint`,
  ],
  types: ['tsc', '--noEmit', '--incremental', '--tsBuildInfoFile', `${cache}/types.tsbuildinfo`],
  format: [
    'prettier',
    '--check',
    '.',
    '--cache',
    '--cache-strategy',
    'content',
    '--cache-location',
    `${cache}/prettier`,
  ],
  'unused code': ['knip'],
  'import rules': ['depcruise', '--config', '.dependency-cruiser.mjs', ...folders],
  'generated files': ['node', 'scripts/generate.ts', '--check'],
  'API documents': ['redocly', 'lint', ...documents.map((name) => `openapi/${name}`)],
  changelog: ['node', 'scripts/changelog.ts', 'check'],
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in steps));
if (unknown.length > 0) {
  console.error(`No such step: ${unknown.join(', ')}. There are: ${Object.keys(steps).join(', ')}.`);
  process.exit(2);
}

const waiting = Object.entries(steps).filter(([name]) => wanted.length === 0 || wanted.includes(name));
const total = waiting.length;
const failures: { name: string; output: string }[] = [];

async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, [command, ...args]] = next;
    const started = performance.now();
    const { code, output } = await run(command, args, { env: quiet });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok    ' : 'failed'}  ${name.padEnd(16)} ${seconds.padStart(5)} s`);
    if (code !== 0) failures.push({ name, output });
  }
}

await Promise.all([work(), work()]);

for (const { name, output } of failures) console.log(`\n--- ${name} ---\n${output.trimEnd()}`);
console.log(
  failures.length === 0
    ? `\nAll ${total} steps passed.`
    : `\n${failures.length} of ${total} steps failed: ${failures.map(({ name }) => name).join(', ')}.`,
);

const report = process.env['CHECK_REPORT'];
if (report !== undefined) {
  writeFileSync(report, JSON.stringify({ passed: total - failures.length, failed: failures.length }));
}
process.exitCode = failures.length === 0 ? 0 : 1;
