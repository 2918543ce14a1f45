/** A reply on the wire: status, headers, body, the same whichever way the request came. */
import type { ServerResponse } from 'node:http';
import { sharingHeaders } from './cors.ts';
import type { Sharing } from './cors.ts';
import type { Reply } from './exchange.ts';
import { headerValue, pageHeaders } from './headers.ts';

const JSON_TYPE = 'application/json';

const NONE: readonly string[] = [];

/** A reply, ready for `writeHead`. */
interface Rendered {
  readonly sharing: Sharing;
  readonly everywhere: readonly string[];
  readonly head: readonly string[];
  readonly payload: Buffer | string | undefined;
  readonly encoding: 'utf8' | 'latin1';
}

/** Replies that never change (frozen, prepared once) are rendered once. */
const renderedOnce = new WeakMap<Reply, Rendered>();

/** Sends the reply; a HEAD request gets the headers only. What no handler said is `no-store`. `everywhere`: more headers, as names and values. */
export function respond(
  response: ServerResponse,
  method: string | undefined,
  reply: Reply,
  { sharing, everywhere = NONE }: { readonly sharing: Sharing; readonly everywhere?: readonly string[] },
): void {
  const once = renderedOnce.get(reply);
  const isSame = once?.sharing === sharing && once.everywhere === everywhere;
  const { head, payload, encoding } = isSame ? once : render(reply, sharing, everywhere);
  response.writeHead(reply.status, head as string[]);
  if (payload === undefined || method === 'HEAD') response.end();
  else response.end(payload, encoding);
}

function render(reply: Reply, sharing: Sharing, everywhere: readonly string[]): Rendered {
  const payload = payloadOf(reply);
  const head: string[] = ['x-content-type-options', 'nosniff', ...everywhere, ...sharingHeaders[sharing]];
  const headers = reply.headers ?? {};
  const typed = headers['content-type'] !== undefined;
  if (payload !== undefined && !typed && typeof reply.body === 'string') {
    // A page that says nothing of its own guards gets the strictest.
    for (const [name, value] of Object.entries(pageHeaders()))
      if (headers[name] === undefined) add(head, name, value);
  } else {
    if (payload !== undefined && !typed) head.push('content-type', JSON_TYPE);
    if (headers['cache-control'] === undefined) head.push('cache-control', 'no-store');
  }
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string') add(head, name, value);
    else for (const each of value) add(head, name, each);
  }
  const size = payload === undefined ? 0 : Buffer.byteLength(payload);
  if (payload !== undefined || (reply.status !== 204 && reply.status !== 304)) {
    head.push('content-length', String(size));
  }
  // As a string the body leaves in one write with the head, and fastest if each character is a byte.
  const once = Object.isFrozen(reply);
  const text = once && Buffer.isBuffer(payload) ? payload.toString('latin1') : payload;
  const encoding = text?.length === size ? 'latin1' : 'utf8';
  const rendered = { sharing, everywhere, head, payload: text, encoding } as const;
  if (once) renderedOnce.set(reply, rendered);
  return rendered;
}

function add(head: string[], name: string, value: string): void {
  if (name !== 'x-content-type-options') head.push(name, headerValue(name, value));
}

function payloadOf({ status, body }: Reply): Buffer | string | undefined {
  if (body === undefined || status === 204 || status === 304) return undefined;
  if (typeof body === 'string' || Buffer.isBuffer(body)) return body;
  return JSON.stringify(body);
}

/** What a reply puts on the wire, for checking it against the document. */
export function wireForm(reply: Reply): { contentType: string | undefined; body: Buffer | undefined } {
  const payload = payloadOf(reply);
  if (payload === undefined) return { contentType: undefined, body: undefined };
  const given = reply.headers?.['content-type'];
  const implied = typeof reply.body === 'string' ? 'text/html' : JSON_TYPE;
  return { contentType: typeof given === 'string' ? given : implied, body: Buffer.from(payload) };
}
