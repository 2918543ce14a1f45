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
  /** Where the key at a path stands; `undefined` if it is not in the file. */
  readonly placeOf: (path: KeyPath) => SourcePlace | undefined;
}

const QUOTE = 'Put texts that begin with *, &, !, @ or ` in quotes.';

/** Parses YAML 1.2. Faults name line and column and never quote the text, which may hold secrets. */
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
  // Where the structure is broken, an alias may stand for what the parser lost.
  if (faults.length > 0) return { ok: false, faults };
  visit(document, {
    Alias(_key, node) {
      if (node.resolve(document) !== undefined) return;
      const problem = 'has an alias (*name) that stands for nothing';
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
    const problem = 'has aliases (*name) that stand for too much';
    return { ok: false, faults: [{ path: file, problem, remedy: 'Write out what they stand for.' }] };
  }
}

/** Each of these is a fault by itself; any other breaks the structure, and what the parser says after it may be of its own making. */
const INDEPENDENT: ReadonlySet<string> = new Set([
  'BAD_ALIAS',
  'BAD_DQ_ESCAPE',
  'BAD_SCALAR_START',
  'DUPLICATE_KEY',
  'TAG_RESOLVE_FAILED',
]);

/** One cause is one fault: what comes before the structure breaks, and where it does. */
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
        problem: 'has a bracket that is not closed, or a line whose indentation fits nothing above it',
        remedy: 'Close the bracket, or align the line with its siblings.',
      };
    case 'MULTIPLE_DOCS':
      return {
        problem: 'has more than one document',
        remedy: 'Remove the line with --- and what follows it.',
      };
    case 'TAG_RESOLVE_FAILED':
    case 'BAD_COLLECTION_TYPE':
      return {
        problem: 'has a tag (!name) that is not known',
        remedy: QUOTE,
      };
    case 'BAD_SCALAR_START':
      return { problem: 'has a text that begins with a reserved character', remedy: QUOTE };
    case 'BAD_ALIAS':
      return { problem: 'has a text that begins with * or &', remedy: QUOTE };
    case 'BAD_DQ_ESCAPE':
      return {
        problem: 'has a backslash in double quotes that stands for nothing',
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
