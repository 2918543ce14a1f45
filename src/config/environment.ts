/**
 * Overrides from the environment: `GATEHOUSE__SECTION__KEY`, in upper case, with list entries named by their index from 0
 * (`GATEHOUSE__PROVIDERS__0__CLIENT_SECRET`). If the key is a text, the value is used as it is; otherwise it is read as YAML (`8090`, `true`, `[10.0.0.0/8]`).
 * The environment replaces the value in the file.
 */
import type { z } from 'zod';
import { parseDocument } from 'yaml';
import { formatPath, type KeyPath } from './fault.ts';
import { childOf, isText, isTextOrList, listOf, shapeOf } from './shape.ts';
import { nearest } from './suggest.ts';
import { setAt, type Mapping } from './tree.ts';

const ENVIRONMENT_PREFIX = 'GATEHOUSE__';

export interface EnvironmentFault {
  readonly name: string;
  readonly problem: string;
  readonly remedy: string;
}

/** The variable that overrides a key. */
export function environmentName(path: KeyPath): string {
  return ENVIRONMENT_PREFIX + path.map((part) => String(part).toUpperCase()).join('__');
}

/**
 * Applies the overrides to the tree. Returns which variable set which key (by its path as text), and the faults. A fault never contains a value, because it may
 * be a secret.
 */
export function applyEnvironment(
  root: z.ZodType,
  tree: Mapping,
  environment: Readonly<Record<string, string | undefined>>,
): { origins: Map<string, string>; faults: EnvironmentFault[] } {
  const origins = new Map<string, string>();
  const faults: EnvironmentFault[] = [];
  const overrides: { name: string; path: KeyPath; value: unknown }[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (text === undefined) continue;
    if (!name.startsWith(ENVIRONMENT_PREFIX)) {
      const meant = isOfContainers(text) ? undefined : meantName(root, name);
      if (meant !== undefined) {
        const problem = 'sets nothing: the parts of the name must be separated by two underscores';
        faults.push({ name, problem, remedy: `Write ${meant}, or unset it.` });
      }
      continue;
    }
    const target = resolveName(root, name);
    if ('problem' in target) {
      faults.push({ name, ...target });
      continue;
    }
    const value = readValue(target.schema, text);
    if (value.ok) overrides.push({ name, path: target.path, value: value.value });
    else faults.push({ name, problem: 'is not valid YAML', remedy: 'Write it as in the file, on one line.' });
  }
  // Whole sections before their keys, list entries in order.
  overrides.sort((one, other) => comparePaths(one.path, other.path));
  for (const { name, path, value } of overrides) {
    if (setAt(tree, path, value)) origins.set(formatPath(path), name);
    else faults.push({ name, ...unreachable(path) });
  }
  return { origins, faults };
}

/** Docker and Kubernetes set `GATEHOUSE_OPERATIONS_PORT=tcp://…` and the like for a service of that name: nobody meant a key. */
function isOfContainers(text: string): boolean {
  return /^(tcp|udp|sctp):\/\//.test(text);
}

/** The variable that was meant by one with other separators: only if all of it is the name of a key. */
function meantName(root: z.ZodType, name: string): string | undefined {
  const words = /^GATEHOUSE_+([A-Z0-9_]+)$/.exec(name)?.[1]?.toLowerCase().split(/_+/);
  const path = words === undefined ? undefined : pathOf(root, words);
  return path === undefined ? undefined : environmentName(path);
}

/** The key that these words name, however many of them each part of its path takes. */
function pathOf(schema: z.ZodType, words: readonly string[]): KeyPath | undefined {
  if (words.length === 0) return [];
  for (let length = words.length; length > 0; length--) {
    const word = words.slice(0, length).join('_');
    const key = /^(0|[1-9]\d{0,3})$/.test(word) && listOf(schema) !== undefined ? Number(word) : word;
    const isNamed = typeof key === 'number' || Object.hasOwn(shapeOf(schema) ?? {}, key);
    const child = isNamed ? childOf(schema, key) : undefined;
    const rest = child === undefined ? undefined : pathOf(child, words.slice(length));
    if (rest !== undefined) return [key, ...rest];
  }
  return undefined;
}

type Target = { path: KeyPath; schema: z.ZodType } | { problem: string; remedy: string };

function resolveName(root: z.ZodType, name: string): Target {
  const path: (string | number)[] = [];
  let schema = root;
  for (const word of name.slice(ENVIRONMENT_PREFIX.length).split('__')) {
    const key =
      /^(0|[1-9]\d{0,3})$/.test(word) && listOf(schema) !== undefined ? Number(word) : word.toLowerCase();
    const child = word === String(key).toUpperCase() ? childOf(schema, key) : undefined;
    if (child === undefined) {
      const problem = 'overrides no key of the configuration';
      const meant = meantName(root, name);
      if (meant !== undefined) return { problem, remedy: `Did you mean ${meant}? Otherwise unset it.` };
      const known = shapeOf(schema);
      const guess = known && nearest(word, Object.keys(known));
      if (guess !== undefined)
        return { problem, remedy: `Did you mean ${environmentName([...path, guess])}? Otherwise unset it.` };
      if (listOf(schema) !== undefined) {
        return { problem, remedy: `Name an entry by its index, from 0: ${environmentName([...path, 0])}.` };
      }
      return { problem, remedy: 'Unset it, or correct its name: `__` separates a section from its key.' };
    }
    path.push(key);
    schema = child;
  }
  return { path, schema };
}

function readValue(schema: z.ZodType, text: string): { ok: true; value: unknown } | { ok: false } {
  const isOneText = isText(schema) || (isTextOrList(schema) && !/^\s*\[/.test(text));
  if (isOneText) return { ok: true, value: text };
  const document = parseDocument(text, { prettyErrors: false });
  if (document.errors.length > 0 || document.warnings.length > 0) return { ok: false };
  try {
    return { ok: true, value: document.toJS() };
  } catch {
    return { ok: false };
  }
}

function unreachable(path: KeyPath): { problem: string; remedy: string } {
  const index = path.findLast((part) => typeof part === 'number');
  return {
    problem: `cannot set \`${formatPath(path)}\`: its parent in the file is missing or of another kind`,
    remedy:
      index === undefined
        ? 'Correct the file, or unset the variable.'
        : 'List indexes start at 0 and must have no gaps: set the entries before it too.',
  };
}

function comparePaths(one: KeyPath, other: KeyPath): number {
  for (let index = 0; index < Math.min(one.length, other.length); index++) {
    const left = one[index] ?? '';
    const right = other[index] ?? '';
    if (left === right) continue;
    if (typeof left === 'number' && typeof right === 'number') return left - right;
    return String(left) < String(right) ? -1 : 1;
  }
  return one.length - other.length;
}
