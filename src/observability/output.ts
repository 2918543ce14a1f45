/**
 * Where log lines leave the process: in batches, because one system call a line costs more than the line. (The logger's own destination looks
 * through its whole buffer at each line.) Writes are synchronous, so that no line is ever written twice or in halves, whenever the process ends.
 */
import { writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

/** Lines are written at the latest after this time. */
const FLUSH_MS = 50;
/** How much is written without waiting for that time. */
const BATCH_CHARACTERS = 64 * 1024;
/** Where nobody reads, lines beyond this are lost rather than memory. */
const KEPT_CHARACTERS = 8 * 1024 * 1024;
/** How long to wait for a full pipe, each time. */
const RETRY_MS = 10;
/** How often a full pipe is tried again when the process ends. */
const LAST_TRIES = 100;

const nothing = Buffer.alloc(0);

/** A destination on a file descriptor. What is not written yet when the process ends is written then. */
export function createOutput(descriptor: number): DestinationStream {
  let pending = '';
  let lost = 0;
  let rest: Buffer = nothing;
  let timer: NodeJS.Timeout | undefined;
  const later = (milliseconds: number): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      flush();
    }, milliseconds).unref();
  };
  const flush = (): void => {
    if (rest.length === 0) {
      rest = Buffer.from(pending + lossLine(lost));
      pending = '';
      lost = 0;
    }
    rest = writeWhatFits(descriptor, rest);
    if (rest.length > 0) later(RETRY_MS);
    else if (pending !== '') later(FLUSH_MS);
  };
  process.on('exit', () => {
    writeRest(descriptor, Buffer.concat([rest, Buffer.from(pending)]));
  });
  return {
    write(line) {
      if (pending.length > KEPT_CHARACTERS) {
        lost += 1;
        return;
      }
      pending += line;
      if (rest.length === 0 && pending.length >= BATCH_CHARACTERS) flush();
      else later(FLUSH_MS);
    },
  };
}

function lossLine(lost: number): string {
  return lost === 0
    ? ''
    : `{"level":"warn","lines":${lost},"message":"log lines were lost: nobody reads the output"}\n`;
}

/** Returns what a full pipe did not take; a closed one takes nothing any more. */
function writeWhatFits(descriptor: number, bytes: Buffer): Buffer {
  let rest = bytes;
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(descriptor, rest));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return nothing;
  }
  return rest;
}

function writeRest(descriptor: number, bytes: Buffer): void {
  let rest = bytes;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; tries < LAST_TRIES; tries++) {
    rest = writeWhatFits(descriptor, rest);
    if (rest.length === 0) return;
    Atomics.wait(pause, 0, 0, RETRY_MS);
  }
}
