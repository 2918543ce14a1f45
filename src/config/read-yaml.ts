/** The configuration file: text to tree, with the place of every key. */
import {
  LineCounter,
  isMap,
  isNode,
  isPair,
  isSeq,
  parseDocument,
  visit,
  type Document,
  type YAMLError,
} from 'yaml';
import type { Fault, KeyPath } from './fault.ts';

export interface SourcePlace {
  readonly line: number;
  readonly column: number;
}

export interface YamlFile {
  /** Plain objects, lists and scalars; `undefined` for an empty file. */
  readonly tree: unknown;
  /** The place of the key at a path; `undefined` if it is not in the file. */
  readonly placeOf: (path: KeyPath) => SourcePlace | undefined;
}

const QUOTE = 'Put texts that start with *, &, !, @ or ` in quotes.';

/** Parses YAML 1.2. Faults name line and column and never quote the text, which may contain secrets. */
export function readYaml(
  text: string,
  file: string,
): { ok: true; yaml: YamlFile } | { ok: false; faults: Fault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const placeAt = (offset: number): SourcePlace => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const faults: Fault[] = causesOf([...document.errors, ...document.warnings]).map((error) => ({
    path: file,
    ...explainYaml(error),
    ...placeAt(error.pos[0]),
  }));
  // If the structure is broken, an alias may refer to something that the parser lost.
  if (faults.length > 0) return { ok: false, faults };
  visit(document, {
    Alias(_key, node) {
      if (node.resolve(document) !== undefined) return;
      const problem = 'has an alias (*name) without an anchor';
      faults.push({ path: file, problem, remedy: QUOTE, ...placeAt(node.range?.[0] ?? 0) });
    },
  });
  if (faults.length > 0) return { ok: false, faults };
  try {
    const tree: unknown = document.toJS() ?? undefined;
    const placeOf = (path: KeyPath): SourcePlace | undefined => {
      const offset = offsetOf(document, path);
      if (offset === undefined) return undefined;
      return placeAt(offset);
    };
    return { ok: true, yaml: { tree, placeOf } };
  } catch {
    const problem = 'has aliases (*name) that expand to too much';
    return {
      ok: false,
      faults: [{ path: file, problem, remedy: 'Write the values instead of the aliases.' }],
    };
  }
}

/** Each of these is a fault of its own. Any other error breaks the structure, and later errors of the parser may only follow from it. */
const INDEPENDENT: ReadonlySet<string> = new Set([
  'BAD_ALIAS',
  'BAD_DQ_ESCAPE',
  'BAD_SCALAR_START',
  'DUPLICATE_KEY',
  'TAG_RESOLVE_FAILED',
]);

/** Reports each cause once: the errors before the structure breaks, and the one that breaks it. */
function causesOf<E extends { readonly code: string; readonly pos: readonly [number, number] }>(
  errors: readonly E[],
): E[] {
  const inOrder = errors.toSorted((one, other) => one.pos[0] - other.pos[0]);
  const broken = inOrder.findIndex(({ code }) => !INDEPENDENT.has(code));
  return broken === -1 ? inOrder : inOrder.slice(0, broken + 1);
}

/** The offset of the key itself, or of the list entry. */
function offsetOf(document: Document.Parsed, path: KeyPath): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isNode(item.key) && String((item.key as { value?: unknown }).value) === key,
      );
      if (pair === undefined) return offset;
      offset = isNode(pair.key) ? pair.key.range?.[0] : offset;
      node = pair.value;
    } else if (isSeq(node) && typeof key === 'number') {
      node = node.items[key];
      offset = isNode(node) ? node.range?.[0] : offset;
    } else return offset;
  }
  return offset;
}

function explainYaml(error: YAMLError): { problem: string; remedy: string } {
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return { problem: 'has the same key twice in one mapping', remedy: 'Remove one of the two.' };
    case 'TAB_AS_INDENT':
      return { problem: 'has a tab as indentation', remedy: 'Indent with spaces.' };
    case 'BAD_INDENT':
      return {
        problem:
          'has a bracket that is not closed, or a line with an indentation that matches no line above it',
        remedy: 'Close the bracket, or align the line with the lines of its section.',
      };
    case 'MULTIPLE_DOCS':
      return {
        problem: 'has more than one document',
        remedy: 'Remove the line with --- and everything after it.',
      };
    case 'TAG_RESOLVE_FAILED':
    case 'BAD_COLLECTION_TYPE':
      return {
        problem: 'has an unknown tag (!name)',
        remedy: QUOTE,
      };
    case 'BAD_SCALAR_START':
      return { problem: 'has a text that starts with a reserved character', remedy: QUOTE };
    case 'BAD_ALIAS':
      return { problem: 'has a text that starts with * or &', remedy: QUOTE };
    case 'BAD_DQ_ESCAPE':
      return {
        problem: 'has an invalid escape sequence in double quotes',
        remedy: "Use single quotes: '…'.",
      };
    case 'UNEXPECTED_TOKEN':
      return {
        problem: 'has something that YAML does not allow here',
        remedy: 'Correct the syntax, or quote the text.',
      };
    default:
      return { problem: `is not valid YAML: ${error.message}`, remedy: 'Correct the syntax.' };
  }
}
