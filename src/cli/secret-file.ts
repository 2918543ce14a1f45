/** Files that hold one secret: mode 0600, and never written over. */
import { statSync, writeFileSync } from 'node:fs';

/** Whether there is something in a file already. */
export function hasContent(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** Writes a secret and a line break; an empty one makes an empty file, to be filled in. A file that has something in it is kept. */
export function writeSecret(file: string, secret: string): 'written' | 'kept' | 'to fill in' {
  if (hasContent(file)) return 'kept';
  // An empty file that was there may be readable by others: its mode is not ours to trust.
  const flag = statSync(file, { throwIfNoEntry: false }) === undefined ? 'wx' : 'w';
  writeFileSync(file, secret === '' ? '' : `${secret}\n`, { mode: 0o600, flag });
  return secret === '' ? 'to fill in' : 'written';
}
