/** The map of the code is kept true: it names every folder, and no file that there is not. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { root } from '../../scripts/run.ts';

const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const table = text.slice(text.indexOf('## Folders'), text.indexOf('## Five requests'));

test.each(folders)('src/%s/ stands in the table of folders', (folder) => {
  expect(table).toMatch(new RegExp(`^\\| \`${folder}/\` +\\|`, 'm'));
});

it('has no folder in the table that there is not', () => {
  const named = [...table.matchAll(/^\| `([a-z-]+)\/`/gm)].map(([, folder]) => folder);
  expect(named.filter((folder) => !folders.includes(folder ?? ''))).toEqual([]);
});

it('walks six requests', () => {
  const walks = text.slice(text.indexOf('## Six requests, walked'), text.indexOf('## The refresh rule'));
  expect(walks.match(/^- \*\*/gm)).toHaveLength(6);
});

it('names no file that there is not', () => {
  const files = [...text.matchAll(/`([a-z-]+(?:\/[\w.-]+)+\.(?:ts|yaml|mjs|md|js))`/g)].map(
    ([, file = '']) => file,
  );
  expect(files.length).toBeGreaterThan(20);
  const missing = files.filter(
    (file) => !existsSync(join(root, 'src', file)) && !existsSync(join(root, file)),
  );
  expect(missing).toEqual([]);
});
