/**
 * What the configuration knows and this version cannot do yet. It is refused in so many words and never ignored. Whoever builds
 * one of these deletes its entry here; the documentation and the defaults follow.
 */
import type { KeyPath } from './fault.ts';

export interface NotBuilt {
  /** The key, `[]` for any entry of a list. */
  readonly key: string;
  /** Whether a value that was set asks for what is missing. */
  readonly refuses: (value: unknown) => boolean;
  /** What is missing, as the operator would write it. */
  readonly what: string;
  /** What to write instead. */
  readonly remedy: string;
}

/** All that is refused for now: nothing. */
export const notBuilt: readonly NotBuilt[] = [];

/** The faults of a configuration that asks for what is not there yet. */
export function reportNotBuilt(
  tree: unknown,
  report: (path: KeyPath, problem: string, remedy: string) => void,
): void {
  for (const entry of notBuilt) {
    for (const { path, value } of valuesAt(tree, entry.key)) {
      if (entry.refuses(value)) report(path, `${entry.what} is not available in this version`, entry.remedy);
    }
  }
}

/** Every value that a key with `[]` for list entries stands for. */
function valuesAt(tree: unknown, key: string): { path: KeyPath; value: unknown }[] {
  let found: { path: KeyPath; value: unknown }[] = [{ path: [], value: tree }];
  for (const part of key.replaceAll('[]', '.[]').split('.')) {
    found = found.flatMap(({ path, value }) => {
      if (part === '[]') {
        if (!Array.isArray(value)) return [];
        return value.map((entry: unknown, index) => ({ path: [...path, index], value: entry }));
      }
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return [];
      return [{ path: [...path, part], value: (value as Record<string, unknown>)[part] }];
    });
  }
  return found;
}
