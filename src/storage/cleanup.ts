/** Removes what nobody can use any more, in small transactions, so that it never holds up the others for long. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from './engine/database.ts';
import type { Retention, SweepStep } from './table-duties.ts';
import { tables } from './tables.ts';

export interface CleanupOptions {
  readonly database: Database;
  /** Wall-clock time in milliseconds. */
  readonly now: number;
  /** Rows a transaction at most. Default 200. */
  readonly step?: number;
  /** How long each kind is kept beyond its end, in milliseconds. */
  readonly keep?: Partial<Retention>;
  /** Stops between two steps. */
  readonly signal?: AbortSignal;
}

/** How many rows of each kind were removed. */
export type CleanupReport = Record<keyof Retention, number>;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const DEFAULTS: Retention = {
  signInSteps: HOUR,
  clientSteps: 0,
  clientSessions: 25 * HOUR,
  endedSessions: 30 * DAY,
  unusedClients: DAY,
  auditEntries: 365 * DAY,
};

const NOTHING: CleanupReport = {
  signInSteps: 0,
  clientSteps: 0,
  clientSessions: 0,
  endedSessions: 0,
  unusedClients: 0,
  auditEntries: 0,
};

/** Removes everything that is due. Its transactions do not wait for the disk: what a crash brings back is removed by the next round. */
export async function cleanUp(options: CleanupOptions): Promise<CleanupReport> {
  const { database, now, signal, step = 200 } = options;
  const keep = { ...DEFAULTS, ...options.keep };
  const removeAll = async (kind: keyof Retention, remove: SweepStep): Promise<number> => {
    let total = 0;
    for (;;) {
      if (signal?.aborted === true) return total;
      const { removed, more } = await database.writeSoon((tx) => remove(tx, now - keep[kind], step));
      total += removed;
      if (!more) return total;
      // Others' transactions go first.
      await nextTurn();
    }
  };
  const report = { ...NOTHING };
  for (const { time } of Object.values(tables)) {
    if (time === 'kept' || 'follows' in time) continue;
    for (const sweep of time) report[sweep.keep] += await removeAll(sweep.keep, sweep.step);
  }
  return report;
}
