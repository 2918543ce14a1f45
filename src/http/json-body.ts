/** JSON bodies, strictly: UTF-8, one object, no name twice in an object, bounded depth, and nothing that a database could not store. */
import { isUtf8 as isUtf8Bytes } from 'node:buffer';
import { JSON_DEPTH, JsonFault, parseJsonObject } from '../protocol/strict-json.ts';
import { RequestFault, tellableName } from './fault.ts';
import { isUtf8, parseMediaType } from './media-type.ts';

/**
 * The object in the body; `undefined` if the body is empty. `anyType`: the content type does not matter (Matrix clients may send none, or
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
  try {
    return parseJsonObject(text, { prototype: 'drop', storable: true });
  } catch (error) {
    throw error instanceof JsonFault ? faultOf(error) : error;
  }
}

/** In the words of a request. */
function faultOf({ rule, message, member = '' }: JsonFault): RequestFault {
  if (rule === 'syntax') return notJson('the body is not JSON');
  if (rule === 'object') return badJson('the body must be a JSON object');
  if (rule === 'depth') return badJson(`the body is nested deeper than ${JSON_DEPTH}`);
  if (rule === 'repeated') return badJson(`the member ${tellableName(member)} is given more than once`);
  return badJson(message);
}

function notJson(text: string): RequestFault {
  return new RequestFault('body', 400, 'M_NOT_JSON', text);
}

function badJson(text: string): RequestFault {
  return new RequestFault('body', 400, 'M_BAD_JSON', text);
}
