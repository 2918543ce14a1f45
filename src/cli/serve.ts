/** `gatehouse serve`: the service, from start to signal. */
import { setTimeout as delay } from 'node:timers/promises';
import { formatFault, formatFaults } from '../config/fault.ts';
import { inspectFile, type Environment } from '../config/load.ts';
import { systemClock } from '../protocol/clock.ts';
import { explainStartFault } from './start-fault.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** One press of Ctrl-C can arrive twice: from the terminal, and passed on by npm. Milliseconds. */
const SAME_SIGNAL_MS = 500;

/** How long an orderly end may take. Milliseconds. */
const CLOSE_LIMIT_MS = 20_000;

/**
 * Runs the service and returns the exit code: 0 after a signal, 1 if it could not start, with the reason on standard error. A second
 * signal ends the process at once.
 */
export async function serve(file: string, env: Environment): Promise<number> {
  const { config, faults, warnings } = inspectFile(file, env);
  if (config === undefined) {
    console.error(`gatehouse: cannot start: ${formatFaults(faults, file)}`);
    return 1;
  }
  for (const warning of warnings) console.error(`gatehouse: warning: ${formatFault(warning).trimStart()}`);

  const stopped = waitForSignal();
  try {
    // Loaded only now: the other commands, and a refusal to start, need none of it.
    const { startService } = await import('../service.ts');
    const service = await startService({ config });
    if (process.stderr.isTTY) console.error(`gatehouse: ready at ${service.url} (Ctrl-C stops it)`);
    await stopped;
    const limit = new AbortController();
    const late = delay(CLOSE_LIMIT_MS, 'late', { signal: limit.signal, ref: false }).catch(() => 'aborted');
    const end = await Promise.race([service.close(), late]);
    limit.abort();
    if (end === 'late') {
      console.error(`gatehouse: not closed after ${CLOSE_LIMIT_MS / 1000} seconds: ending all the same`);
      process.exit(1);
    }
    return 0;
  } catch (error) {
    console.error(`gatehouse: ${explainStartFault(error)}`);
    process.exitCode = 1;
    return 1;
  }
}

/** Resolves at the first signal. The next one ends the process with the code that the signal alone would have given. */
function waitForSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        const now = systemClock.monotonic();
        if (first !== undefined && now - first > SAME_SIGNAL_MS) process.exit(128 + numbers[signal]);
        first ??= now;
        resolve();
      });
    }
  });
}
