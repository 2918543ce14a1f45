/** `application/x-www-form-urlencoded`, strictly (RFC 6749 appendix B): what cannot be read in exactly one way is refused. */
import { isUtf8 as isUtf8Bytes } from 'node:buffer';
import { RequestFault, tellableName } from './fault.ts';
import { VALUE_LIMIT } from './longest.ts';
import { isUtf8, parseMediaType } from './media-type.ts';

/** The most fields that a form may have. */
const FIELD_LIMIT = 100;

/** Fields by name, no name twice. Names are compared as they are: `scope[]` or `__proto__` are names like any other. */
export function parseForm(contentType: string | undefined, body: Buffer): ReadonlyMap<string, string> {
  const type = parseMediaType(contentType);
  if (type?.essence !== 'application/x-www-form-urlencoded') {
    throw fault('the content type must be application/x-www-form-urlencoded');
  }
  if (!isUtf8(type.charset)) throw fault('the charset must be utf-8');
  const fields = new Map<string, string>();
  for (const [name, value] of pairs(textOf(body))) {
    if (fields.has(name)) throw fault(`the parameter ${tellableName(name)} is given more than once`);
    if (value.length > VALUE_LIMIT) {
      throw fault(`the parameter ${tellableName(name)} is longer than ${VALUE_LIMIT} characters`);
    }
    // None of our secrets and names has a NUL, and no database takes one: with U+FFFD in its place the value is unknown, as any garbage is.
    fields.set(name, value.replaceAll('\0', '\ufffd'));
  }
  return fields;
}

/** Names and values in order, decoded once; refuses bad escapes and more than {@link FIELD_LIMIT} of them. */
export function pairs(text: string): [string, string][] {
  if (text === '') return [];
  const parts = text.split('&', FIELD_LIMIT + 1);
  if (parts.length > FIELD_LIMIT) throw fault(`there are more than ${FIELD_LIMIT} parameters`);
  const all: [string, string][] = [];
  for (const part of parts) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = decode(at === -1 ? part : part.slice(0, at));
    if (name.includes('\0')) throw fault('the name of a parameter has a NUL character');
    all.push([name, at === -1 ? '' : decode(part.slice(at + 1), name)]);
  }
  return all;
}

/** As {@link pairs}, for the query of a URL, where a NUL is refused: a `state` or `nonce` is given back as it came, or not at all. */
export function queryPairs(text: string): [string, string][] {
  const all = pairs(text);
  for (const [name, value] of all) {
    if (value.includes('\0')) throw fault(`the parameter ${tellableName(name)} has a NUL character`);
  }
  return all;
}

/** A name, or the value of the parameter of that name. */
function decode(text: string, ofParameter?: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    const what =
      ofParameter === undefined ? 'the name of a parameter' : `the parameter ${tellableName(ofParameter)}`;
    throw fault(`${what} is not percent-encoded UTF-8`);
  }
}

function textOf(body: Buffer): string {
  if (!isUtf8Bytes(body)) throw fault('the body is not UTF-8');
  return body.toString('utf8');
}

function fault(text: string): RequestFault {
  return new RequestFault('body', 400, 'M_INVALID_PARAM', text);
}
