/** A text is not the JSON object that it should be. `message` says why, and quotes no more of it than the name of a member. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault';
}

/** Deeper than anybody needs: whoever walks over the value could run out of stack. */
const DEPTH_LIMIT = 64;

/**
 * Parses a JSON object strictly: bounded depth, no byte order mark, nothing behind it, no member twice at any depth (`JSON.parse` silently
 * takes the last one), no `__proto__` member. Throws {@link JsonFault}.
 */
export function parseJsonObject(text: string): Record<string, unknown> {
  if (text.startsWith('\ufeff')) throw new JsonFault('it starts with a byte order mark');
  if (text.trim() === '') throw new JsonFault('it is empty');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new JsonFault(/^\s*</.test(text) ? 'it is markup, not JSON' : 'it is not well-formed JSON');
  }
  if (!isJsonObject(value)) throw new JsonFault(`it is ${nameOf(value)}, not an object`);
  inspect(text);
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

/** Walks well-formed JSON text once; only strings and brackets matter. Throws {@link JsonFault}. */
function inspect(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]/g;
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    const token = match[0];
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    if (open.length > DEPTH_LIMIT) throw new JsonFault(`it is nested deeper than ${String(DEPTH_LIMIT)}`);
    if (token.startsWith('"')) {
      const members = open.at(-1);
      if (members === undefined || !isFollowedByColon(text, tokens.lastIndex)) continue;
      const name = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
      if (name === '__proto__') throw new JsonFault('it has a member named __proto__');
      if (members.has(name)) throw new JsonFault(`it has the member ${shown(name)} twice`);
      members.add(name);
    }
  }
}

/** A member's name in a message: it may be anybody's. */
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
