/** Measuring several contenders in turns, so that what else the machine does hits all of them alike. */
import type { ChildProcess } from 'node:child_process';
import type { LoadOrder, LoadResult } from './load.ts';
import { cpuSeconds, nextMessage } from './processes.ts';

export interface Contender {
  readonly name: string;
  /** The processes that answer: their processor time counts. */
  readonly pids: readonly number[];
  readonly order: Omit<LoadOrder, 'seconds'>;
}

/** One contender in one round. */
export interface Round {
  readonly answersPerSecond: number;
  /** Processor time of the servers for one answer, all threads, in microseconds. */
  readonly cpuMicroseconds: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Rounds {
  readonly name: string;
  readonly rounds: readonly Round[];
  readonly failures: number;
  readonly firstFailure: string | undefined;
}

/**
 * Lets every contender run once a round. A first round, for warming up, does not count; `warmUp: false` leaves it out, and a number is how many seconds
 * it lasts (default: as long as a round, at most one).
 */
export async function inTurns(
  generator: ChildProcess,
  contenders: readonly Contender[],
  options: { readonly rounds: number; readonly seconds: number; readonly warmUp?: number | false },
): Promise<Map<string, Rounds>> {
  const results = new Map<string, { rounds: Round[]; failures: number; firstFailure: string | undefined }>();
  for (const { name } of contenders) results.set(name, { rounds: [], failures: 0, firstFailure: undefined });
  const warmUp = options.warmUp ?? Math.min(1, options.seconds);
  for (let round = warmUp === false ? 1 : 0; round <= options.rounds; round++) {
    for (const { name, pids, order } of contenders) {
      const before = pids.map(cpuSeconds);
      const seconds = round === 0 && warmUp !== false ? warmUp : options.seconds;
      generator.send({ ...order, seconds } satisfies LoadOrder);
      const result = await nextMessage<LoadResult>(generator);
      const used = pids.map((pid, index) => cpuSeconds(pid) - (before[index] ?? 0));
      const into = results.get(name);
      if (into === undefined) continue;
      into.failures += result.failures;
      into.firstFailure ??= result.firstFailure;
      if (round === 0) continue;
      into.rounds.push({
        answersPerSecond: result.answers / result.seconds,
        cpuMicroseconds: (used.reduce((sum, each) => sum + each, 0) / result.answers) * 1e6,
        p50: result.p50,
        p99: result.p99,
      });
    }
  }
  return new Map([...results].map(([name, one]) => [name, { name, ...one }]));
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1
      ? (sorted[middle] ?? Number.NaN)
      : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
  return { min: sorted[0] ?? Number.NaN, median, max: sorted.at(-1) ?? Number.NaN };
}

/** Round by round: how many times the second's figure the first has. */
export function ratios(
  one: Rounds | undefined,
  other: Rounds | undefined,
  figure: (round: Round) => number,
): number[] {
  return (one?.rounds ?? []).flatMap((round, index) => {
    const base = other?.rounds[index];
    return base === undefined ? [] : [figure(round) / figure(base)];
  });
}
