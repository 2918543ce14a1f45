/** The configuration as it was read: plain objects, lists and scalars, before any rule is applied. */
import type { KeyPath } from './fault.ts';

export type Mapping = Record<string, unknown>;

/** Whether a value is a mapping of keys to values, not a list or a scalar. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path; `undefined` if there is none. */
export function valueAt(tree: unknown, path: KeyPath): unknown {
  let value = tree;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Mapping)[key];
  }
  return value;
}

/**
 * Sets the value at a path, and creates the mappings and lists above it. Returns `false` and changes nothing if a scalar is in the way, or if a list would get
 * a hole.
 */
export function setAt(tree: Mapping, path: KeyPath, value: unknown): boolean {
  let parent: unknown = tree;
  for (const [depth, key] of path.entries()) {
    if (Array.isArray(parent) ? typeof key !== 'number' || key > parent.length : !isMapping(parent))
      return false;
    const holder = parent as Record<string | number, unknown>;
    if (depth === path.length - 1) holder[key] = value;
    else holder[key] ??= typeof path[depth + 1] === 'number' ? [] : {};
    parent = holder[key];
  }
  return true;
}

/** A copy without the values at the given paths; entries of lists are emptied, so that the others keep their index. */
export function without(tree: unknown, paths: readonly KeyPath[]): unknown {
  if (paths.some((path) => path.length === 0)) return undefined;
  const below = (key: string | number): KeyPath[] =>
    paths.filter((path) => path[0] === key).map((path) => path.slice(1));
  if (Array.isArray(tree)) return tree.map((entry: unknown, index) => without(entry, below(index)));
  if (!isMapping(tree)) return tree;
  const kept = Object.entries(tree).filter(
    ([key]) => !paths.some((path) => path.length === 1 && path[0] === key),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, without(value, below(key))]));
}

/** Freezes a value and everything in it. */
export function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freezeDeep(inner);
  }
  return value;
}
