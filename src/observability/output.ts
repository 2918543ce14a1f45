/**
 * Where log lines leave the process: in batches, off the main thread, so that neither many lines nor a slow reader hold up a request. (The
 * logger's own destination looks through its whole buffer at each line.)
 */
import { write, writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

/** Lines are written at the latest after this time. */
const FLUSH_MS = 50;
/** How much is written without waiting for that time. */
const BATCH_CHARACTERS = 16 * 1024;
/** Where nobody reads, lines beyond this are lost rather than memory. */
const KEPT_CHARACTERS = 8 * 1024 * 1024;
/** How long to wait for a full pipe, each time. */
const RETRY_MS = 10;
/** How often a full pipe is tried again when the process ends. */
const LAST_TRIES = 100;

/** A destination on a file descriptor. What is not written yet when the process ends is written then. */
export function createOutput(descriptor: number): DestinationStream {
  let pending = '';
  let lost = 0;
  let current = Buffer.alloc(0);
  let timer: NodeJS.Timeout | undefined;
  const next = (): void => {
    if (current.length === 0) {
      if (pending === '') return;
      current = Buffer.from(pending + lossLine(lost));
      pending = '';
      lost = 0;
    }
    write(descriptor, current, (error, written) => {
      current = error === null ? current.subarray(written) : afterFailure(error, current);
      if (error?.code === 'EAGAIN') setTimeout(next, RETRY_MS).unref();
      else if (current.length > 0 || pending.length >= BATCH_CHARACTERS) next();
      else if (pending !== '') schedule();
    });
  };
  const schedule = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      if (current.length === 0) next();
    }, FLUSH_MS).unref();
  };
  process.on('exit', () => {
    writeRest(descriptor, Buffer.concat([current, Buffer.from(pending)]));
  });
  return {
    write(line) {
      if (pending.length > KEPT_CHARACTERS) {
        lost += 1;
        return;
      }
      pending += line;
      if (current.length > 0) return;
      if (pending.length >= BATCH_CHARACTERS) next();
      else schedule();
    },
  };
}

function lossLine(lost: number): string {
  return lost === 0
    ? ''
    : `{"level":"warn","lines":${lost},"message":"log lines were lost: nobody reads the output"}\n`;
}

/** A full pipe is tried again; a closed one takes nothing any more. */
function afterFailure(error: NodeJS.ErrnoException, rest: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  return error.code === 'EAGAIN' ? rest : rest.subarray(rest.length);
}

function writeRest(descriptor: number, bytes: Buffer): void {
  let rest = bytes;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; rest.length > 0 && tries < LAST_TRIES;) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      tries += 1;
      Atomics.wait(pause, 0, 0, RETRY_MS);
    }
  }
}
