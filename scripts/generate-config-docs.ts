/**
 * Writes the reference of the configuration: `docs/configuration.md` and `docs/config.schema.json`, both from the schema.
 *
 *   node scripts/generate-config-docs.ts
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { describeAsJsonSchema, describeAsMarkdown } from '../src/config/describe.ts';
import { root } from './run.ts';

/** Describes the configuration of this checkout below `to`; gives the paths written. */
export async function generateConfigDocs(to: string): Promise<string[]> {
  const files = {
    [join('docs', 'configuration.md')]: describeAsMarkdown(),
    [join('docs', 'config.schema.json')]: JSON.stringify(describeAsJsonSchema()),
  };
  for (const [path, text] of Object.entries(files)) {
    const options = await resolveConfig(join(root, path));
    await mkdir(dirname(join(to, path)), { recursive: true });
    await writeFile(join(to, path), await format(text, { ...options, filepath: path }));
  }
  return Object.keys(files);
}

if (import.meta.main) {
  for (const path of await generateConfigDocs(root)) console.log(path);
}
