/** Reading a request body: bounded in bytes and time, in one piece, no content encodings. */
import type { IncomingMessage } from 'node:http';
import { ClientGone, RequestFault, SlowBody } from './fault.ts';

/** Bounds of one body. */
export interface BodyBounds {
  readonly limitBytes: number;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** Bytes over the limit that are still swallowed, so that a client that only writes before it reads sees the 413. */
const SWALLOWED_BYTES = 1024 * 1024;

const nothing = Buffer.alloc(0);

/**
 * The whole body; empty if there is none. Refuses with 413 above the limit, 415 if a content encoding was used.
 * Throws `SlowBody` after the time-out, `ClientGone` if the client left.
 */
export function readBody(request: IncomingMessage, bounds: BodyBounds): Promise<Buffer> {
  const { headers } = request;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return Promise.reject(
      new RequestFault('body', 415, 'M_NOT_JSON', 'the body must not have a content encoding', {
        closes: true,
      }),
    );
  }
  if (headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0') {
    return Promise.resolve(nothing);
  }
  if (request.readableDidRead || request.destroyed) {
    return Promise.reject(
      request.destroyed
        ? new ClientGone()
        : new Error('the body was read by someone else: mount Gatehouse before body parsers'),
    );
  }
  return collect(request, bounds);
}

function collect(request: IncomingMessage, bounds: BodyBounds): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    // The listeners stay: whatever happens to the request later finds the promise settled, and a reset is no uncaught error.
    const fail = (error: Error): void => {
      clearTimeout(timer);
      request.off('data', onData);
      reject(error);
    };
    const timer = setTimeout(() => {
      fail(new SlowBody());
    }, bounds.timeoutMs).unref();
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= bounds.limitBytes) chunks.push(chunk);
      else if (size > bounds.limitBytes + SWALLOWED_BYTES) fail(tooLarge(bounds.limitBytes));
    };
    const onGone = (): void => {
      if (!request.readableEnded) fail(new ClientGone());
    };
    request
      .on('data', onData)
      .on('end', () => {
        clearTimeout(timer);
        if (size > bounds.limitBytes) reject(tooLarge(bounds.limitBytes));
        else
          resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size));
      })
      .on('close', onGone)
      .on('error', onGone);
  });
}

function tooLarge(limitBytes: number): RequestFault {
  return new RequestFault('body', 413, 'M_TOO_LARGE', `the body is larger than ${limitBytes} bytes`, {
    closes: true,
  });
}
