/**
 * Settings that the configuration has but this version does not support yet. They are refused explicitly and never ignored. When one is implemented, delete its
 * entry here; the documentation and the defaults follow.
 */
import type { KeyPath } from './fault.ts';

export interface NotBuilt {
  /** The key, `[]` for any entry of a list. */
  readonly key: string;
  /** Whether a value requests the missing feature. */
  readonly refuses: (value: unknown) => boolean;
  /** The missing feature, as the operator would write it. */
  readonly what: string;
  /** What to write instead. */
  readonly remedy: string;
}

/** Everything that is refused for now: nothing. */
export const notBuilt: readonly NotBuilt[] = [];

/** Reports the settings of a configuration that are not supported yet. */
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

/** Every value that matches a key with `[]` for list entries. */
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
