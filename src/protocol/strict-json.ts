/** Which rule a text breaks: it is not JSON, or no object, or nested too deep; a member is there twice, or called `__proto__`; a string cannot be stored. */
export type JsonRule = 'syntax' | 'object' | 'depth' | 'repeated' | 'prototype' | 'text';

/** A text is not the JSON object that it should be. `message` says why, and quotes no more of it than the name of a member. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault';
  readonly rule: JsonRule;
  /** The member that is there twice. */
  readonly member: string | undefined;

  constructor(rule: JsonRule, message: string, member?: string) {
    super(message);
    this.rule = rule;
    this.member = member;
  }
}

/** The deepest nesting of objects and arrays: whoever walks over the value must not run out of stack. */
export const JSON_DEPTH = 32;

/** What is not the same for everybody who sends JSON. */
export interface JsonRules {
  /** What becomes of a member called `__proto__`, at any depth. Default `refuse`. */
  readonly prototype?: 'refuse' | 'drop';
  /** Refuses strings that not every database can store: with U+0000, or half of a surrogate pair. Default false. */
  readonly storable?: boolean;
}

/**
 * Parses a JSON object strictly: no byte order mark, nothing behind it, at most {@link JSON_DEPTH} levels, no member twice at any depth (`JSON.parse`
 * silently takes the last one; RFC 8259 section 4). Throws {@link JsonFault}.
 */
export function parseJsonObject(text: string, rules: JsonRules = {}): Record<string, unknown> {
  if (text.startsWith('\ufeff')) throw new JsonFault('syntax', 'it starts with a byte order mark');
  if (text.trim() === '') throw new JsonFault('syntax', 'it is empty');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const what = /^\s*</.test(text) ? 'it is markup, not JSON' : 'it is not well-formed JSON';
    throw new JsonFault('syntax', what);
  }
  if (!isJsonObject(value)) throw new JsonFault('object', `it is ${nameOf(value)}, not an object`);
  const { hasPrototypeMember } = inspect(text, rules.storable ?? false);
  if (!hasPrototypeMember) return value;
  if (rules.prototype !== 'drop') throw new JsonFault('prototype', 'it has a member named __proto__');
  dropPrototypeMembers(value);
  return value;
}

/** Whether a JSON value is an object, not null and not an array. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return `a ${typeof value}`;
}

/** Walks well-formed JSON text once; only strings and brackets matter. */
function inspect(text: string, storable: boolean): { hasPrototypeMember: boolean } {
  const open: (Set<string> | undefined)[] = [];
  let hasPrototypeMember = false;
  const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]/g;
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    const token = match[0];
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined);
      if (open.length > JSON_DEPTH) throw new JsonFault('depth', `it is nested deeper than ${JSON_DEPTH}`);
    } else if (token === '}' || token === ']') open.pop();
    else {
      if (storable) assertStorable(token);
      const members = open.at(-1);
      if (members === undefined || !isFollowedByColon(text, tokens.lastIndex)) continue;
      const name = contentOf(token);
      if (members.has(name)) throw new JsonFault('repeated', `it has the member ${shown(name)} twice`, name);
      members.add(name);
      if (name === '__proto__') hasPrototypeMember = true;
    }
  }
  return { hasPrototypeMember };
}

function contentOf(token: string): string {
  return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
}

/** Only an escape can bring what is looked for: the text itself is UTF-8 and has no control characters. */
function assertStorable(token: string): void {
  if (!token.includes('\\u')) return;
  const string = contentOf(token);
  if (string.includes('\0')) throw new JsonFault('text', 'a string has a NUL character');
  if (!string.isWellFormed()) throw new JsonFault('text', 'a string has half of a surrogate pair');
}

function dropPrototypeMembers(value: unknown): void {
  if (value === null || typeof value !== 'object') return;
  Reflect.deleteProperty(value, '__proto__');
  for (const member of Object.values(value)) dropPrototypeMembers(member);
}

/** A member's name in a message: a caller chose it. */
function shown(name: string): string {
  const printable = name.replace(/[^\x21-\x7e]|["\\]/g, '?');
  if (printable === '') return '(an empty name)';
  return printable.length > 60 ? `${printable.slice(0, 60)}...` : printable;
}

function isFollowedByColon(text: string, from: number): boolean {
  let at = from;
  // Well-formed JSON has no other white space between its tokens (RFC 8259 section 2).
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code === 0x3a;
    at++;
  }
}
