/** Secrets: in the configuration or in a separate file, never both. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { formatPath, type KeyPath, type Report } from './fault.ts';
import { explainFileError } from './file-fault.ts';
import { metaOf } from './fields.ts';
import { childOf, shapeOf } from './shape.ts';
import type { Sources } from './sources.ts';
import { isMapping, type Mapping } from './tree.ts';

/** The longest secret that makes sense; a private key is some 3 KiB. */
const LIMIT_BYTES = 65_536;

export interface SecretContext {
  /** Folder against which relative paths are resolved. */
  readonly baseDir: string;
  readonly report: Report;
  readonly warn: Report;
  /** Whether a file may be missing because it is created later. */
  readonly mayBeAbsent: (path: KeyPath) => boolean;
  /** Names keys in messages, and records every value that came from a file. */
  readonly sources: Sources;
}

/**
 * Reads every `x_file` below a tree into its sibling `x`, and makes the paths absolute. Changes the tree. Reports keys that are set both ways, and files that
 * cannot be read, are empty or not text.
 */
export function readSecrets(
  schema: z.ZodType,
  tree: unknown,
  context: SecretContext,
  path: KeyPath = [],
): void {
  if (Array.isArray(tree)) {
    for (const [index, entry] of tree.entries()) {
      const child = childOf(schema, index);
      if (child !== undefined) readSecrets(child, entry, context, [...path, index]);
    }
    return;
  }
  const shape = shapeOf(schema);
  if (shape === undefined || !isMapping(tree)) return;
  for (const [key, child] of Object.entries(shape)) {
    const fileKey = `${key}_file`;
    if (Object.hasOwn(shape, fileKey)) readSecret(child, tree, [...path, key], context);
    if (Object.hasOwn(tree, key)) readSecrets(child, tree[key], context, [...path, key]);
  }
}

function readSecret(schema: z.ZodType, tree: Mapping, path: KeyPath, context: SecretContext): void {
  const key = String(path.at(-1));
  const fileKey = `${key}_file`;
  const written = Object.hasOwn(tree, fileKey) ? tree[fileKey] : undefined;
  if (typeof written !== 'string') return;
  const here = [...path.slice(0, -1), fileKey];
  if (tree[key] !== undefined) {
    const names = [context.sources.nameOf(path), context.sources.nameOf(here)];
    context.report(path, `is set twice: by ${names.join(' and by ')}`, 'Remove one of the two.');
    return;
  }
  const file = resolve(context.baseDir, written);
  tree[fileKey] = file;
  const text = readSecretFile(file, here, context, metaOf(schema).secret === true);
  if (text === undefined) return;
  tree[key] = text;
  context.sources.readFrom(path, here, file);
}

function readSecretFile(
  file: string,
  here: KeyPath,
  context: SecretContext,
  isSecret: boolean,
): string | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
    if (isSecret && (statSync(file).mode & 0o007) !== 0) {
      context.warn(here, `names ${file}, which everybody on this machine can read`, `Run: chmod o= ${file}`);
    }
  } catch (error) {
    if (context.mayBeAbsent(here) && statSync(file, { throwIfNoEntry: false }) === undefined)
      return undefined;
    const { problem, remedy } = explainFileError(error);
    context.report(here, `names ${file}, which ${problem}`, remedy);
    return undefined;
  }
  const text = bytes.toString('utf8').replace(/[\r\n]+$/, '');
  if (bytes.length > LIMIT_BYTES || text.includes('\ufffd') || text.includes('\0')) {
    const problem = `names ${file}, which is not a text of at most 64 KiB`;
    context.report(here, problem, 'Put the secret there as plain text.');
    return undefined;
  }
  if (text.trim() === '') {
    context.report(here, `names ${file}, which is empty`, 'Put the secret into the file.');
    return undefined;
  }
  return text;
}

/** Keys of all secrets in the tree itself, for a warning if everybody can read the file. */
export function secretsInPlace(schema: z.ZodType, tree: unknown): string[] {
  const found: string[] = [];
  const visit = (inner: z.ZodType, value: unknown, here: KeyPath): void => {
    if (Array.isArray(value)) {
      for (const [index, entry] of value.entries()) {
        const child = childOf(inner, index);
        if (child !== undefined) visit(child, entry, [...here, index]);
      }
      return;
    }
    const shape = shapeOf(inner);
    if (shape === undefined || !isMapping(value)) return;
    for (const [key, child] of Object.entries(shape)) {
      if (!Object.hasOwn(value, key)) continue;
      const text = value[key];
      const isSecret =
        metaOf(child).secret === true && typeof text === 'string' && !text.startsWith('sqlite:');
      if (isSecret) found.push(formatPath([...here, key]));
      visit(child, text, [...here, key]);
    }
  };
  visit(schema, tree, []);
  return found;
}
