/** The source of a value: a line of the file, an environment variable, or a separate file. */
import { formatPath, type KeyPath } from './fault.ts';
import type { SourcePlace } from './read-yaml.ts';

export interface Sources {
  /** The note to add to a message about a key, and its place in the configuration file, if it has one. */
  of(path: KeyPath): { note: string; place: SourcePlace | undefined };
  /** How to name a key: by the environment variable that set it, or by itself. */
  nameOf(path: KeyPath): string;
  /** Remembers that the value of a key was read from the file that another key names. */
  readFrom(path: KeyPath, fileKey: KeyPath, file: string): void;
}

/** From a map of keys (by path as text) to the variables that set them, and a function that finds keys in the file. */
export function createSources(
  variables: ReadonlyMap<string, string>,
  placeOf: (path: KeyPath) => SourcePlace | undefined,
): Sources {
  const files = new Map<string, { fileKey: KeyPath; file: string }>();

  function variableOf(path: KeyPath): string | undefined {
    for (let length = path.length; length > 0; length--) {
      const variable = variables.get(formatPath(path.slice(0, length)));
      if (variable !== undefined) return variable;
    }
    return undefined;
  }

  function of(path: KeyPath): { note: string; place: SourcePlace | undefined } {
    const read = files.get(formatPath(path));
    if (read !== undefined) return { note: ` (read from ${read.file})`, place: of(read.fileKey).place };
    const variable = variableOf(path);
    if (variable !== undefined) return { note: ` (set by ${variable})`, place: undefined };
    return { note: '', place: placeOf(path) };
  }

  return {
    of,
    nameOf: (path) => variableOf(path) ?? `\`${formatPath(path)}\``,
    readFrom: (path, fileKey, file) => files.set(formatPath(path), { fileKey, file }),
  };
}
