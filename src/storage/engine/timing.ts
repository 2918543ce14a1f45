import type { Clock } from '../../protocol/clock.ts';

/** What is asked of the database: one statement, a transaction until it is on disk, or one that is not waited for until then. */
export type DatabaseOperation = 'read' | 'write' | 'write_soon';

/** Told how long each operation took, waiting and repetitions included, whether or not it succeeded. */
export type OnTime = (operation: DatabaseOperation, seconds: number) => void;

/** The function, with its time told; itself if nobody listens. */
export function timed<Run extends (argument: never) => Promise<unknown>>(
  { clock, onTime }: { readonly clock: Pick<Clock, 'monotonic'>; readonly onTime?: OnTime | undefined },
  operation: DatabaseOperation,
  run: Run,
): Run {
  if (onTime === undefined) return run;
  const withTime = async (argument: never): Promise<unknown> => {
    const began = clock.monotonic();
    try {
      return await run(argument);
    } finally {
      onTime(operation, (clock.monotonic() - began) / 1000);
    }
  };
  return withTime as Run;
}
