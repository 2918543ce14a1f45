/** The life of a process that serves: from start to signal. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../observability/log.ts';
import { systemClock } from '../protocol/clock.ts';

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** One press of Ctrl-C can arrive twice: from the terminal, and passed on by npm. Milliseconds. */
const SAME_SIGNAL_MS = 500;

/** Exit code of a process that must be started anew because its disk failed: EX_IOERR of sysexits.h. */
const DISK_FAILED = 74;

const SIGHUP_IGNORED =
  'SIGHUP is ignored: the configuration is read only at the start; restart the service to apply a change';

/** How long an orderly end may take. Milliseconds. */
const CLOSE_LIMIT_MS = 20_000;

interface Running {
  readonly log?: Pick<Log, 'info' | 'warn'>;
  readonly broken?: Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Starts something, keeps it until SIGINT, SIGTERM or a failure of its own, closes it, and returns the exit code: 0, 74 after a failure, or 1 if
 * closing took more than 20 seconds. A second signal ends the process at once, with 128 plus the number of the signal. SIGHUP is ignored: it
 * asks many services to read their configuration again, so it must not stop this one. Errors of `start` are passed on.
 */
export async function runUntilSignal(start: () => Promise<Running>): Promise<number> {
  const stopped = waitForSignal();
  process.on('SIGHUP', () => undefined);
  const running = await start();
  const { log } = running;
  process.on('SIGHUP', () => log?.warn({ signal: 'SIGHUP' }, SIGHUP_IGNORED));
  const broken = running.broken?.then(() => DISK_FAILED) ?? new Promise<never>(() => undefined);
  const reason = await Promise.race([stopped, broken]);
  const code = reason === DISK_FAILED ? DISK_FAILED : 0;
  log?.info({ reason: code === 0 ? reason : 'the disk failed' }, 'stopping');
  const limit = new AbortController();
  const late = delay(CLOSE_LIMIT_MS, 'late', { signal: limit.signal }).catch(() => 'in time');
  const end = await Promise.race([running.close(), late]);
  limit.abort();
  return code === 0 && end === 'late' ? 1 : code;
}

function waitForSignal(): Promise<string> {
  return new Promise((resolve) => {
    let first: number | undefined;
    for (const [signal, number] of Object.entries(SIGNALS)) {
      process.on(signal, () => {
        const now = systemClock.monotonic();
        if (first !== undefined && now - first > SAME_SIGNAL_MS) process.exit(128 + number);
        first ??= now;
        resolve(signal);
      });
    }
  });
}
