/** Work that one of all processes does now and then: cleaning up, the outbox, keeping keys fresh. */
import { Unavailable } from '../protocol/unavailable.ts';
import type { Database, StorageLog } from './engine/database.ts';
import { releaseLease, takeLease } from './leases.ts';

export interface PeriodicWork {
  /** Does a round now if this process has or gets the lease; true if it did. Rejects with what the work threw. */
  runNow(): Promise<boolean>;
  /** Waits for the round under way and hands the lease over. */
  close(): Promise<void>;
}

/**
 * Does `work` every `everyMs` in whichever process holds the lease `name`. The lease lasts three rounds: when its holder dies, another process
 * takes over after that. What `work` throws is logged, and it is tried again in the next round. `signal` is aborted by `close`.
 */
export function startPeriodicWork(options: {
  database: Database;
  name: string;
  /** This process, different from all others: a random id. */
  holder: string;
  everyMs: number;
  work: (signal: AbortSignal) => Promise<void>;
  log?: StorageLog;
}): PeriodicWork {
  const { database, name, holder, everyMs, work, log } = options;
  const stop = new AbortController();
  let running: Promise<boolean> | undefined;
  let held = false;

  const round = async (): Promise<boolean> => {
    held = await takeLease(database, { name, holder, ttlMs: 3 * everyMs });
    if (held && !stop.signal.aborted) await work(stop.signal);
    return held;
  };
  const runNow = (): Promise<boolean> => {
    running ??= round().finally(() => {
      running = undefined;
    });
    return running;
  };
  const timer = setInterval(() => {
    // A round that takes longer than the pause between two is not another one's failure as well.
    if (running !== undefined) return;
    runNow().catch((error: unknown) => {
      if (error instanceof Unavailable) log?.warn({ err: error, work: name }, 'periodic work has to wait');
      else log?.error({ err: error, work: name }, 'periodic work failed; it is tried again');
    });
  }, everyMs);
  timer.unref();

  return {
    runNow,
    async close() {
      clearInterval(timer);
      stop.abort();
      await running?.catch(() => undefined);
      if (held) await releaseLease(database, { name, holder }).catch(() => undefined);
    },
  };
}
