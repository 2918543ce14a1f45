/** Secrets: given in place or in a file, never both. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { formatPath, type KeyPath, type Report } from './fault.ts';
import { childOf, shapeOf } from './shape.ts';
import { isMapping, type Mapping } from './tree.ts';

/** The longest secret that makes sense; a private key is some 3 KiB. */
const LIMIT_BYTES = 65_536;

export interface SecretContext {
  /** Relative files count from here. */
  readonly baseDir: string;
  readonly report: Report;
  readonly warn: Report;
  /** Whether a file that does not exist is in order, as it is made later. */
  readonly mayBeAbsent: (path: KeyPath) => boolean;
  /** How to name a key in a message: the environment variable that set it, or the key itself. */
  readonly nameOf: (path: KeyPath) => string;
}

/**
 * Reads every `x_file` below a tree into its sibling `x`, and makes the paths absolute. Changes the tree. Reports where both are
 * set, and files that cannot be read, are empty or not text.
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
    if (Object.hasOwn(shape, fileKey)) readSecret(tree, key, fileKey, context, path);
    if (Object.hasOwn(tree, key)) readSecrets(child, tree[key], context, [...path, key]);
  }
}

/** Reads one `x_file` into its sibling `x`; see {@link readSecrets}. */
export function readSecret(
  tree: Mapping,
  key: string,
  fileKey: string,
  context: SecretContext,
  path: KeyPath,
): void {
  const written = Object.hasOwn(tree, fileKey) ? tree[fileKey] : undefined;
  if (typeof written !== 'string') return;
  const here = [...path, fileKey];
  if (Object.hasOwn(tree, key)) {
    const names = [context.nameOf([...path, key]), context.nameOf(here)];
    context.report([...path, key], `is set twice: by ${names.join(' and by ')}`, 'Remove one of the two.');
    return;
  }
  const file = resolve(context.baseDir, written);
  tree[fileKey] = file;
  const secret = readSecretFile(file, here, context);
  if (secret !== undefined) tree[key] = secret;
}

function readSecretFile(file: string, here: KeyPath, context: SecretContext): string | undefined {
  let bytes: Buffer;
  let mode: number;
  try {
    const status = statSync(file);
    if (status.isDirectory()) {
      context.report(here, `names ${file}, which is a folder`, 'Name the file in it.');
      return undefined;
    }
    mode = status.mode;
    bytes = readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' && context.mayBeAbsent(here)) return undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      context.report(here, `names ${file}, which does not exist`, 'Make the file, or correct the name.');
    } else if (code === 'EACCES' || code === 'EPERM') {
      context.report(
        here,
        `names ${file}, which may not be read`,
        'Give the user of this service the right to read it.',
      );
    } else {
      context.report(
        here,
        `names ${file}, which cannot be read (${code ?? 'unknown error'})`,
        'Check the file.',
      );
    }
    return undefined;
  }
  if ((mode & 0o007) !== 0) {
    context.warn(here, `names ${file}, which everybody on this machine may open`, `Run: chmod o= ${file}`);
  }
  const text = bytes.toString('utf8').replace(/[\r\n]+$/, '');
  if (bytes.length > LIMIT_BYTES || text.includes('\ufffd') || text.includes('\0')) {
    context.report(
      here,
      `names ${file}, which is not a text of at most 64 KiB`,
      'Put the secret there as plain text.',
    );
    return undefined;
  }
  if (text.trim() === '') {
    context.report(here, `names ${file}, which is empty`, 'Put the secret into the file.');
    return undefined;
  }
  return text;
}

/** Keys of all secrets that stand in the tree itself, for a warning where everybody may read the file. */
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
        Object.hasOwn(shape, `${key}_file`) && typeof text === 'string' && !text.startsWith('sqlite:');
      if (isSecret) found.push(formatPath([...here, key]));
      visit(child, text, [...here, key]);
    }
  };
  visit(schema, tree, []);
  return found;
}
