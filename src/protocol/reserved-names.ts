/** Localparts that nobody new gets: `reserved_localparts` of the configuration, each a whole name, or the beginning of names with `*` at its end. */
import { asciiLower, isLocalpart } from './identifiers.ts';

export type IsReserved = (localpart: string) => boolean;

/** Why a text is no pattern; `undefined` if it is one. */
export function reservedNameFault(pattern: string): string | undefined {
  const name = asciiLower(pattern.endsWith('*') ? pattern.slice(0, -1) : pattern);
  if (name === '') return 'would keep every name';
  if (name.includes('*')) return 'may have `*` at its end only: it stands for the rest of a name';
  if (isLocalpart(name)) return undefined;
  return 'must be the part of a user ID between `@` and `:`, such as `admin`, or the beginning of one, such as `_bridge_*`';
}

/** Localparts are in lower case, so the letter case of the patterns does not count. */
export function reservedNames(patterns: readonly string[]): IsReserved {
  const names = patterns.map(asciiLower);
  const whole = new Set(names.filter((name) => !name.endsWith('*')));
  const beginnings = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (localpart) => whole.has(localpart) || beginnings.some((start) => localpart.startsWith(start));
}
