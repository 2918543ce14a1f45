/** The life of a process that serves: from start to signal. */
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../protocol/clock.ts';

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** One press of Ctrl-C can arrive twice: from the terminal, and passed on by npm. Milliseconds. */
const SAME_SIGNAL_MS = 500;

/** Exit code of a process that must be started anew because its disk failed: EX_IOERR of sysexits.h. */
const DISK_FAILED = 74;

/** How long an orderly end may take. Milliseconds. */
const CLOSE_LIMIT_MS = 20_000;

/**
 * Starts something, keeps it until a signal comes or it is broken, closes it, and returns the exit code: 0, 74 where it was broken, or 1 where
 * closing took more than 20 seconds. A second signal ends the process at once, with 128 and the signal's number. What `start` throws is passed on.
 */
export async function runUntilSignal(
  start: () => Promise<{ readonly broken?: Promise<unknown>; close(): Promise<void> }>,
): Promise<number> {
  const stopped = waitForSignal();
  const running = await start();
  const broken = running.broken?.then(() => DISK_FAILED) ?? new Promise<never>(() => undefined);
  const code = await Promise.race([stopped.then(() => 0), broken]);
  const limit = new AbortController();
  const late = delay(CLOSE_LIMIT_MS, 'late', { signal: limit.signal }).catch(() => 'in time');
  const end = await Promise.race([running.close(), late]);
  limit.abort();
  return code === 0 && end === 'late' ? 1 : code;
}

function waitForSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    for (const [signal, number] of Object.entries(SIGNALS)) {
      process.on(signal, () => {
        const now = systemClock.monotonic();
        if (first !== undefined && now - first > SAME_SIGNAL_MS) process.exit(128 + number);
        first ??= now;
        resolve();
      });
    }
  });
}
