/** Runs a script under strace and judges the order in which it wrote, synced and answered. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** False where strace is not installed; in CI that is an error, unless `GATEHOUSE_WITHOUT_STRACE` says that it cannot be had. */
export function hasStrace(): boolean {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['CI'] !== undefined && process.env['GATEHOUSE_WITHOUT_STRACE'] === undefined)
      throw new Error('strace is not installed', { cause: error });
    return false;
  }
}

export interface TracedRun {
  /** What the script printed, by line. */
  readonly lines: string[];
  readonly calls: SystemCall[];
}

/** A system call as strace saw it: it began before everything that has a higher `began`, and ended before what has a higher `ended`. */
export interface SystemCall {
  readonly thread: number;
  readonly name: string;
  /** Its arguments as strace writes them. */
  readonly text: string;
  readonly began: number;
  ended: number;
  succeeded: boolean;
}

const TRACED = 'pwrite64,write,fdatasync,fsync';

/** Runs `worker` (a script of test/storage/workers) with `inject` as strace's fault, if any. */
export async function runTraced(
  worker: string,
  args: string[],
  options: { traceFile: string; inject?: string },
): Promise<TracedRun> {
  const script = fileURLToPath(new URL(`../storage/workers/${worker}.ts`, import.meta.url));
  const strace = ['-f', '-yy', '-s', '40', '-o', options.traceFile, '-e', `trace=${TRACED}`];
  if (options.inject !== undefined) strace.push('-e', `inject=${options.inject}`);
  const child = spawn('strace', [...strace, process.execPath, script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', () => undefined);
  await once(child, 'close');
  return { lines: printed.trimEnd().split('\n'), calls: parseTrace(readFileSync(options.traceFile, 'utf8')) };
}

export function parseTrace(trace: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<number, SystemCall>();
  for (const [place, line] of trace.split('\n').entries()) {
    const [, threadText = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const thread = Number(threadText);
    const resumed = /^<\.\.\. \w+ resumed>.*= (-?\d+)/.exec(rest);
    if (resumed !== null) {
      const call = unfinished.get(thread);
      unfinished.delete(thread);
      if (call !== undefined) Object.assign(call, { ended: place, succeeded: Number(resumed[1]) >= 0 });
      continue;
    }
    const begun = /^(\w+)\((.*)$/.exec(rest);
    if (begun === null) continue;
    const [, name = '', text = ''] = begun;
    const result = /\) += (-?\d+)/.exec(text);
    const call = {
      thread,
      name,
      text,
      began: place,
      ended: result === null ? Infinity : place,
      succeeded: Number(result?.[1] ?? -1) >= 0,
    };
    if (result === null) unfinished.set(thread, call);
    calls.push(call);
  }
  return calls;
}

export interface OrderReport {
  readonly answers: number;
  /** Numbers of the answers that left before a sync of what they acknowledge had begun and succeeded. */
  readonly violations: number[];
  /** Successful syncs of the log that anybody may have waited for. */
  readonly syncs: number;
}

/**
 * Judges a run of `answer.ts`: what its main thread writes to the log after it said `commit N`, and before it says the next, is transaction N; a
 * sync of the log has to begin after the last of these writes and to succeed before `answer N` is written.
 */
export function judgeOrder(calls: SystemCall[]): OrderReport {
  const main = calls[0]?.thread;
  const committed = new Map<number, { lastWrite: number }>();
  const answered: { number: number; at: number }[] = [];
  const syncs: SystemCall[] = [];
  let current: { lastWrite: number } | undefined;
  for (const call of calls) {
    const toLog = call.text.includes('-wal>');
    if (toLog && /^f(data)?sync$/.test(call.name) && call.succeeded) syncs.push(call);
    if (call.thread !== main) continue;
    if (call.name === 'pwrite64' && toLog && current !== undefined) current.lastWrite = call.ended;
    const said = call.name === 'write' ? /^1<[^"]*"(commit|answer) (\d+)\\n"/.exec(call.text) : null;
    if (said?.[1] === 'commit') {
      current = { lastWrite: Infinity };
      committed.set(Number(said[2]), current);
    } else if (said?.[1] === 'answer') {
      answered.push({ number: Number(said[2]), at: call.began });
    }
  }
  const violations = answered.filter(({ number, at }) => {
    const lastWrite = committed.get(number)?.lastWrite ?? Infinity;
    return !syncs.some((sync) => sync.began > lastWrite && sync.ended < at);
  });
  return {
    answers: answered.length,
    violations: violations.map(({ number }) => number),
    syncs: syncs.length,
  };
}
