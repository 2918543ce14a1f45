/** Turns the issues that zod found into faults that an operator can act on. */
import type { z } from 'zod';
import { formatPath, type KeyPath, type Report } from './fault.ts';
import type { FieldMeta } from './fields.ts';
import { kindOf, metaAt, schemaAt, shapeOf } from './shape.ts';
import { nearest } from './suggest.ts';
import { valueAt } from './tree.ts';
import { withoutSecrets } from './urls.ts';

/** Reports every issue, and returns the paths with invalid values, which later rules must ignore. */
export function explain(
  root: z.ZodType,
  tree: unknown,
  issues: readonly z.core.$ZodIssue[],
  report: Report,
): KeyPath[] {
  const broken: KeyPath[] = [];
  for (const issue of issues) {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        reportUnknownKey(root, path, key, report);
        broken.push([...path, key]);
      }
    } else if (issue.code === 'invalid_union') {
      broken.push(path);
      const inner = nestedIssues(issue, valueAt(tree, path));
      if (inner === undefined) reportLeaf(root, tree, path, issue, report);
      else explain(root, tree, inner, report);
    } else {
      broken.push(path);
      reportLeaf(root, tree, path, issue, report);
    }
  }
  return broken;
}

/** Of a union, the issues of the alternative that was probably meant: a mapping or list if one was given, the rule for texts if a text was given. */
function nestedIssues(issue: z.core.$ZodIssueInvalidUnion, value: unknown): z.core.$ZodIssue[] | undefined {
  if (typeof value === 'string') {
    const broken = issue.errors.find((issues) => issues.every(({ code }) => code === 'custom'));
    return broken?.map((inner) => ({ ...inner, path: issue.path }));
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const meant = issue.errors.find((issues) =>
    issues.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
  );
  return meant?.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

function reportLeaf(
  root: z.ZodType,
  tree: unknown,
  path: KeyPath,
  issue: z.core.$ZodIssue,
  report: Report,
): void {
  const schema = schemaAt(root, path);
  const meta = metaAt(root, path);
  const kind = schema === undefined ? 'something else' : kindOf(schema);
  const value = valueAt(tree, path);
  const key = String(path.at(-1) ?? '');
  const example = meta.example === undefined ? undefined : `\`${key}: ${meta.example}\``;
  if (value === undefined) {
    report(path, 'is missing', `Add ${example ?? `\`${key}\`: ${kind}`}.`);
    return;
  }
  if (value === null) {
    report(path, `has no value; must be ${kind}`, 'Give it a value, or remove the key.');
    return;
  }
  const found = meta.secret === true ? kindOfValue(value) : showValue(value);
  if (issue.code === 'custom') {
    const problem = meta.secret === true ? issue.message : `is ${found}; ${issue.message}`;
    report(path, problem, example === undefined ? 'Correct the value.' : `Write, for example, ${example}.`);
    return;
  }
  if (issue.code === 'too_small' && (Array.isArray(value) || typeof value === 'string')) {
    report(
      path,
      `is ${found}; must have at least ${issue.minimum}`,
      `Write, for example, ${example ?? kind}.`,
    );
    return;
  }
  const guess =
    issue.code === 'invalid_value' && typeof value === 'string'
      ? guessOf(value, issue.values, meta)
      : undefined;
  const remedy =
    guess !== undefined
      ? `Did you mean \`${key}: ${guess}\`?`
      : kind === 'text' && ['number', 'boolean'].includes(typeof value)
        ? 'Put it in quotes.'
        : example !== undefined
          ? `Write, for example, ${example}.`
          : `Write ${kind}.`;
  report(path, `is ${found}; must be ${kind}`, remedy);
}

/** The value that was probably meant: by its other names, or by how it is written. */
function guessOf(
  value: string,
  values: readonly unknown[],
  { otherNames = {} }: Partial<FieldMeta>,
): string | undefined {
  const texts = values.filter((each) => typeof each === 'string');
  const names = Object.keys(otherNames);
  const near = nearest(value, [...texts, ...names]);
  return near === undefined ? undefined : (otherNames[near] ?? near);
}

function reportUnknownKey(root: z.ZodType, path: KeyPath, key: string, report: Report): void {
  const schema = schemaAt(root, path);
  const known = Object.keys((schema && shapeOf(schema)) ?? {});
  const guess = nearest(key, known);
  const elsewhere = guess === undefined ? placesOf(root, key) : [];
  const place = path.length === 0 ? 'at the top of the file' : `in \`${formatPath(path)}\``;
  if (guess !== undefined) {
    report([...path, key], 'is not a known key', `Did you mean \`${guess}\`? Otherwise remove it.`);
  } else if (elsewhere.length > 0) {
    const places = elsewhere.map((name) => `\`${name}\``).join(' or ');
    report([...path, key], `is not a known key ${place}`, `Did you mean ${places}? Otherwise remove it.`);
  } else {
    const list = known.map((name) => `\`${name}\``).join(', ');
    report([...path, key], 'is not a known key', `Remove it. Known ${place}: ${list}.`);
  }
}

/** Other places where a key with exactly this name exists; empty if there are many. */
function placesOf(root: z.ZodType, key: string): string[] {
  const places: string[] = [];
  const visit = (schema: z.ZodType, path: string): void => {
    for (const [name, child] of Object.entries(shapeOf(schema) ?? {})) {
      const here = path === '' ? name : `${path}.${name}`;
      if (name === key) places.push(here);
      visit(child, here);
    }
  };
  visit(root, '');
  return places.length <= 2 ? places : [];
}

/** A value for a message: shortened, and without parts of a URL that could be a secret. */
function showValue(value: unknown): string {
  if (typeof value === 'string') {
    const text = withoutSecrets(value);
    return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
  }
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return kindOfValue(value);
}

function kindOfValue(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'a text';
  return typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`;
}
