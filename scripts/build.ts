/** Builds `dist/` afresh, for the package: the sources run without it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './run.ts';

rmSync(join(root, 'dist'), { recursive: true, force: true });
const { code, output } = await run('tsc', ['-p', 'tsconfig.build.json']);
process.stdout.write(output);
process.exitCode = code;
