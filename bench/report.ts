/** What a run found, for people and for machines. */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { pinned } from './processes.ts';
import { type Spread, spreadOf } from './measure.ts';

export interface Figure {
  /** `sqlite`, `postgres`, or `-` where no engine plays a part. */
  readonly engine: string;
  readonly name: string;
  readonly unit: 'ratio' | 'answers/s' | 'transactions/s' | 'µs/answer' | 'ms' | 'MiB' | '|t|';
  readonly spread: Spread;
  /** What the median shall be: at least, for ratios of speed; at most, for everything else. */
  readonly target?: { readonly atLeast: number } | { readonly atMost: number };
  readonly failures?: number;
  readonly firstFailure?: string | undefined;
}

export function figure(
  engine: string,
  name: string,
  unit: Figure['unit'],
  values: readonly number[],
  more: Pick<Figure, 'target' | 'failures' | 'firstFailure'> = {},
): Figure {
  return { engine, name, unit, spread: spreadOf(values), ...more };
}

function reaches({ spread, target }: Figure): boolean {
  if (target === undefined) return true;
  return 'atLeast' in target ? spread.median >= target.atLeast : spread.median <= target.atMost;
}

/**
 * Far from its target even at its best: worse by more than the factor 2 in every round, or 4 where it is about time or memory. Machines that run tests are noisy, and noise only ever makes
 * worse.
 */
export function hasRegressed({ spread, target, failures = 0 }: Figure): boolean {
  if (failures > 0) return true;
  if (target === undefined) return false;
  return 'atLeast' in target ? spread.max < target.atLeast / 2 : spread.min > target.atMost * 4;
}

const number = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en').replaceAll(',', ' ') : value.toFixed(2);

export function table(figures: readonly Figure[]): string {
  const rows = figures.map((one) => {
    const { engine, name, unit, spread, target, failures = 0 } = one;
    const wanted =
      target === undefined
        ? ''
        : 'atLeast' in target
          ? `>= ${String(target.atLeast)}`
          : `<= ${String(target.atMost)}`;
    const verdict = target === undefined ? '' : reaches(one) ? 'reached' : 'missed';
    return [
      engine,
      name,
      unit,
      ...[spread.min, spread.median, spread.max].map(number),
      wanted,
      failures > 0 ? `${String(failures)} FAILED: ${one.firstFailure ?? ''}` : verdict,
    ];
  });
  const head = ['engine', 'figure', 'unit', 'min', 'median', 'max', 'target', ''];
  const lines = [head, ...rows];
  const widths = head.map((_name, column) =>
    Math.max(...lines.slice(0, lines.length).map((line) => (column === 7 ? 0 : (line[column] ?? '').length))),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column >= 3 && column <= 6 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The machine, and how busy others kept it. */
export function circumstances(): Record<string, unknown> {
  return {
    node: process.version,
    cores: availableParallelism(),
    processor: cpus()[0]?.model,
    load_generator_on_its_own_core: pinned,
    load_average: loadavg()[0],
  };
}
