/** JSON bodies, strictly: UTF-8, one object, no name twice in an object, bounded depth, and nothing that a database could not store. */
import { isUtf8 as isUtf8Bytes } from 'node:buffer';
import { RequestFault, tellableName } from './fault.ts';
import { isUtf8, parseMediaType } from './media-type.ts';

/** The deepest nesting of objects and arrays. */
const DEPTH_LIMIT = 32;

/**
 * The object in the body; `undefined` where the body is empty. `anyType`: the content type does not matter (Matrix clients may send none, or
 * another); its charset does. A member called `__proto__` is dropped, wherever it stands.
 */
export function parseJson(
  contentType: string | undefined,
  body: Buffer,
  anyType: boolean,
): object | undefined {
  const type = parseMediaType(contentType);
  if (!isUtf8(type?.charset)) throw new RequestFault('body', 415, 'M_NOT_JSON', 'the charset must be utf-8');
  if (body.length === 0) return undefined;
  if (!anyType && !isJson(type?.essence)) {
    throw new RequestFault('body', 415, 'M_NOT_JSON', 'the content type must be application/json');
  }
  if (!isUtf8Bytes(body)) throw notJson('the body is not UTF-8');
  return parseObject(body.toString('utf8'));
}

function isJson(essence: string | undefined): boolean {
  return (
    essence === 'application/json' ||
    (essence?.startsWith('application/') === true && essence.endsWith('+json'))
  );
}

/** See {@link parseJson}. */
export function parseObject(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw notJson('the body is not JSON');
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw badJson('the body must be a JSON object');
  if (inspect(text)) dropPrototypeMembers(value);
  return value;
}

/** Walks over text that is known to be JSON and refuses what `JSON.parse` lets pass. Tells whether a member is called `__proto__`. */
function inspect(text: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  let prototypeMember = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x7b || character === 0x5b) {
      open.push(character === 0x7b ? new Set() : undefined);
      if (open.length > DEPTH_LIMIT) throw badJson(`the body is nested deeper than ${DEPTH_LIMIT}`);
    } else if (character === 0x7d || character === 0x5d) {
      open.pop();
    } else if (character === 0x22) {
      const end = endOfString(text, at);
      const string = readString(text, at, end);
      at = end;
      const names = open.at(-1);
      if (names === undefined || !isName(text, end)) continue;
      if (names.has(string)) throw badJson(`the member ${tellableName(string)} is given more than once`);
      names.add(string);
      if (string === '__proto__') prototypeMember = true;
    }
  }
  return prototypeMember;
}

/** Index of the closing quote of the string that opens at `at`. */
function endOfString(text: string, at: number): number {
  for (let end = at + 1; ; end++) {
    const character = text.charCodeAt(end);
    if (character === 0x22) return end;
    if (character === 0x5c) end++;
  }
}

function readString(text: string, at: number, end: number): string {
  const raw = text.slice(at + 1, end);
  if (!raw.includes('\\')) return raw;
  const string = JSON.parse(text.slice(at, end + 1)) as string;
  if (string.includes('\0')) throw badJson('a string has a NUL character');
  if (!string.isWellFormed()) throw badJson('a string has half of a surrogate pair');
  return string;
}

/** Whether the string that ends at `end` is a member's name: a colon follows. */
function isName(text: string, end: number): boolean {
  let next = end + 1;
  while (/\s/.test(text.charAt(next))) next++;
  return text.charAt(next) === ':';
}

function dropPrototypeMembers(value: unknown): void {
  if (value === null || typeof value !== 'object') return;
  Reflect.deleteProperty(value, '__proto__');
  for (const member of Object.values(value)) dropPrototypeMembers(member);
}

function notJson(text: string): RequestFault {
  return new RequestFault('body', 400, 'M_NOT_JSON', text);
}

function badJson(text: string): RequestFault {
  return new RequestFault('body', 400, 'M_BAD_JSON', text);
}
