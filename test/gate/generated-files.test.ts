import { appendFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { drift, generate } from '../../scripts/generate.ts';
import { root } from '../../scripts/run.ts';

test('a generated file that is stale, missing or without a source is named', async () => {
  const checkout = await mkdtemp(join(tmpdir(), 'gatehouse-drift-'));
  try {
    await cp(join(root, 'openapi'), join(checkout, 'openapi'), { recursive: true });
    await generate(checkout, checkout);
    expect(await drift(checkout)).toEqual([]);

    await appendFile(join(checkout, 'src/generated/matrix-client.ts'), '// by hand\n');
    await rm(join(checkout, 'src/generated/authorization-server.ts'));
    await writeFile(join(checkout, 'src/generated/gone.ts'), '');
    await writeFile(join(checkout, 'openapi/resolved/operations.json'), '{}');
    await writeFile(join(checkout, 'openapi/resolved/gone.json'), '{}');
    expect(await drift(checkout)).toEqual([
      'src/generated/authorization-server.ts is missing',
      'src/generated/matrix-client.ts is stale',
      'openapi/resolved/operations.json is stale',
      'src/generated/gone.ts has no source',
      'openapi/resolved/gone.json has no source',
    ]);
  } finally {
    await rm(checkout, { recursive: true, force: true });
  }
});
