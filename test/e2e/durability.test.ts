/** The order of writes, syncs and answers on SQLite, seen from outside with strace, on a disk that is sound, slow, full, or failing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasStrace, judgeOrder, parseTrace, runTraced, type TracedRun } from '../support/strace.ts';

interface Report {
  refused: number;
  delayP99Ms: number;
}

describe('the judge of the order', () => {
  const commit = (number: number): string => `7 write(1<pipe:[1]>, "commit ${String(number)}\\n", 9) = 9`;
  const answer = (number: number): string => `7 write(1<pipe:[1]>, "answer ${String(number)}\\n", 9) = 9`;
  const frame = '7 pwrite64(3</x/g.db-wal>, "..."..., 4096, 32) = 4096';
  const judge = (...lines: string[]): number[] => judgeOrder(parseTrace(lines.join('\n'))).violations;

  it('accepts a sync between the write and the answer', () => {
    expect(judge(commit(1), frame, '8 fdatasync(4</x/g.db-wal>) = 0', answer(1))).toEqual([]);
    expect(
      judge(
        commit(1),
        frame,
        '8 fdatasync(4</x/g.db-wal> <unfinished ...>',
        '8 <... fdatasync resumed>) = 0',
        answer(1),
      ),
    ).toEqual([]);
  });

  it('refuses an answer without a sync, before its end, after a failed one, and after one that began too early', () => {
    expect(judge(commit(1), frame, answer(1))).toEqual([1]);
    expect(judge(commit(1), frame, '8 fdatasync(4</x/g.db-wal> <unfinished ...>', answer(1))).toEqual([1]);
    expect(judge(commit(1), frame, '8 fdatasync(4</x/g.db-wal>) = -1 EIO (x)', answer(1))).toEqual([1]);
    expect(
      judge(
        commit(1),
        '8 fdatasync(4</x/g.db-wal> <unfinished ...>',
        frame,
        '8 <... fdatasync resumed>) = 0',
        answer(1),
      ),
    ).toEqual([1]);
    expect(judge(commit(1), frame, '8 fdatasync(4</x/g.db>) = 0', answer(1))).toEqual([1]);
  });
});

describe.runIf(hasStrace())('on SQLite', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-order-'));
    file = join(folder, 'gatehouse.db');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (count: number, inject?: string, name = 'trace'): Promise<TracedRun> =>
    runTraced('answer', [`sqlite:${file}`, String(count), '8'], {
      traceFile: join(folder, name),
      ...(inject !== undefined && { inject }),
    });
  const reportOf = ({ lines }: TracedRun): Report => JSON.parse(lines.at(-1) ?? '{}') as Report;
  /** Acknowledged writes that the database does not have; the process that made them is gone. */
  const lostOf = ({ lines, calls }: TracedRun): string[] => {
    const database = new DatabaseSync(file);
    expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    const present = new Set(
      database
        .prepare('select id from users')
        .all()
        .map(({ id }) => id),
    );
    database.close();
    const main = String(calls[0]?.thread);
    return lines
      .filter((line) => line.startsWith('answer '))
      .map((line) => `${main} ${line.slice('answer '.length)}`)
      .filter((id) => !present.has(id));
  };

  it('no answer leaves before its commit is on disk, creation, checkpoints and restarts of the log included', async () => {
    const traced = await run(600);
    const order = judgeOrder(traced.calls);
    expect(order).toMatchObject({ answers: 600, violations: [] });
    expect(order.syncs).toBeLessThan(600);
    // The log was checkpointed and begun anew meanwhile.
    expect(traced.calls.some(({ name, text }) => name === 'pwrite64' && text.includes('gatehouse.db>'))).toBe(
      true,
    );
    expect(lostOf(traced)).toEqual([]);
  });

  it('the main thread never waits for the disk while it serves', async () => {
    const { calls } = await run(900, 'fdatasync,fsync:delay_exit=10000');
    const main = calls[0]?.thread;
    const ready = calls.findIndex(({ text }) => text.includes('"ready\\n"'));
    const last = calls.findLastIndex(({ text }) => text.includes('"answer '));
    const waits = calls
      .slice(ready, last)
      .filter(({ thread, name }) => thread === main && /sync$/.test(name));
    expect(waits).toEqual([]);
    expect(judgeOrder(calls)).toMatchObject({ answers: 900, violations: [] });
  });

  it('two processes on one file keep the order, each for its own answers', async () => {
    const runs = await Promise.all([run(250, undefined, 'one'), run(250, undefined, 'two')]);
    for (const traced of runs) {
      expect(judgeOrder(traced.calls)).toMatchObject({ answers: 250, violations: [] });
      expect(lostOf(traced)).toEqual([]);
    }
  });

  it('after a failed sync nothing is acknowledged any more, and nothing acknowledged is lost', async () => {
    const traced = await run(300, 'fdatasync:error=EIO:when=12+');
    const { answers, violations } = judgeOrder(traced.calls);
    expect(answers).toBeGreaterThan(0);
    expect(reportOf(traced).refused).toBe(300 - answers);
    expect(answers).toBeLessThan(300);
    expect(violations).toEqual([]);
    expect(lostOf(traced)).toEqual([]);
    const again = await run(50);
    expect(reportOf(again).refused).toBe(0);
  });

  it('after a checkpoint that the disk failed nothing is acknowledged any more either', async () => {
    // The main thread needs seven syncs to begin with; the thread of the checkpoints gets to its eighth.
    const traced = await run(1500, 'fsync:error=EIO:when=9+');
    const { answers, violations } = judgeOrder(traced.calls);
    expect(answers).toBeGreaterThan(200);
    expect(reportOf(traced).refused).toBe(1500 - answers);
    expect(answers).toBeLessThan(1500);
    expect(violations).toEqual([]);
    expect(lostOf(traced)).toEqual([]);
  });

  it('a full disk refuses some writes, and serves again once there is room', async () => {
    const traced = await run(300, 'pwrite64:error=ENOSPC:when=600..700');
    const { answers, violations } = judgeOrder(traced.calls);
    const { refused } = reportOf(traced);
    expect(refused).toBeGreaterThan(0);
    expect(answers).toBe(300 - refused);
    expect(traced.lines.at(-2)).toBe('answer 299');
    expect(violations).toEqual([]);
    expect(lostOf(traced)).toEqual([]);
  });
});
