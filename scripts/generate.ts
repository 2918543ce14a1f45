/**
 * Writes what is generated and committed: the types of every OpenAPI document and the document without references, and the
 * references of the configuration and of the metrics.
 *
 *   node scripts/generate.ts           writes the files in place
 *   node scripts/generate.ts --check   writes them to a temporary folder and names every file that differs
 */
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { resolvedFile, resolveDocument } from '../src/http/openapi-document.ts';
import { generateConfigDocs } from './generate-config-docs.ts';
import { metricsDocs } from './generate-metrics-docs.ts';
import { root, run } from './run.ts';

const types = join('src', 'generated');
const resolved = join('openapi', 'resolved');

/** Generates everything that `from` describes into `to`, which may be the same checkout; gives the paths written. */
export async function generate(from: string, to: string): Promise<string[]> {
  const documents = (await readdir(join(from, 'openapi'))).filter((name) => name.endsWith('.yaml')).sort();
  await mkdir(join(to, types), { recursive: true });
  await mkdir(join(to, resolved), { recursive: true });
  const written = await Promise.all(
    documents.map(async (document) => {
      const path = join(types, document.replace(/\.yaml$/, '.ts'));
      await succeed('openapi-typescript', [join(from, 'openapi', document), '--output', join(to, path)]);
      return path;
    }),
  );
  for (const document of documents) {
    const file = join(from, 'openapi', document);
    const path = relative(from, resolvedFile(file));
    await writeFile(join(to, path), `${JSON.stringify(resolveDocument(file), null, 1)}\n`);
    written.push(path);
  }
  written.push(...(await generateConfigDocs(to)));
  const metrics = join('docs', 'metrics.md');
  await writeFile(join(to, metrics), metricsDocs());
  return [...written, metrics];
}

/** Says what is wrong with the generated files of a checkout, a line each; empty when all are as they would be generated. */
export async function drift(checkout: string): Promise<string[]> {
  const fresh = await mkdtemp(join(tmpdir(), 'gatehouse-generate-'));
  try {
    const expected = await generate(checkout, fresh);
    const stray = (await Promise.all([types, resolved].map((folder) => filesIn(checkout, folder))))
      .flat()
      .filter((path) => !expected.includes(path));
    const stale: string[] = [];
    for (const path of expected) {
      const now = await readFile(join(checkout, path), 'utf8').catch(() => undefined);
      if (now === undefined) stale.push(`${path} is missing`);
      else if (now !== (await readFile(join(fresh, path), 'utf8'))) stale.push(`${path} is stale`);
    }
    return [...stale, ...stray.map((path) => `${path} has no source`)];
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function filesIn(checkout: string, folder: string): Promise<string[]> {
  const names = await readdir(join(checkout, folder)).catch(() => []);
  return names.map((name) => join(folder, name));
}

async function succeed(command: string, args: string[]): Promise<void> {
  const { code, output } = await run(command, args);
  if (code !== 0) throw new Error(`${command} failed\n${output}`);
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const faults = await drift(root);
    for (const fault of faults) console.error(fault);
    if (faults.length > 0) {
      console.error('Run `npm run generate` and commit the result.');
      process.exitCode = 1;
    }
  } else {
    for (const path of await generate(root, root)) console.log(path);
  }
}
