/** The order of writes, syncs and answers of a whole service, seen from outside with strace. */
import type { SystemCall } from './strace.ts';

/** Starts a program under strace, which steps aside: signals reach the program, and its exit code is seen. */
export function straced(traceFile: string, inject?: string): string[] {
  const faults = inject === undefined ? [] : ['-e', `inject=${inject}`];
  const calls = 'trace=pwrite64,read,write,writev,fdatasync,fsync';
  // `-DD`: the program is our child, and strace its grandchild in a process group of its own.
  return ['strace', '-DD', '-f', '-yy', '-s', '24', '-o', traceFile, '-e', calls, ...faults];
}

export interface HttpOrder {
  /** Answers of 200 to the requests that were looked at. */
  readonly answers: number;
  /** Numbers of the answers without a write to the log, or that left before a sync which began after the last of these writes. */
  readonly violations: number[];
}

/**
 * Judges requests that came one after the other: between the arrival of `POST /oauth2/token` on a socket and the 200 on the same socket,
 * the main thread writes to the log, and then a sync of the log begins and succeeds.
 */
export function judgeHttpOrder(calls: readonly SystemCall[]): HttpOrder {
  const violations: number[] = [];
  let answers = 0;
  let asked: { socket: string; at: number } | undefined;
  let lastWrite: number | undefined;
  let syncs: SystemCall[] = [];
  for (const call of calls) {
    const socket = /^\d+<(TCP[^>]*(?:>[^>]*)?\])>/.exec(call.text)?.[1];
    if (call.name === 'read' && socket !== undefined && call.text.includes('"POST /oauth2/token')) {
      asked = { socket, at: call.ended };
      lastWrite = undefined;
      syncs = [];
    } else if (call.name === 'pwrite64' && call.text.includes('-wal>')) {
      lastWrite = call.ended;
    } else if (/^f(data)?sync$/.test(call.name) && call.text.includes('-wal>')) {
      syncs.push(call);
    } else if (
      /^writev?$/.test(call.name) &&
      socket !== undefined &&
      socket === asked?.socket &&
      call.text.includes('"HTTP/1.1 200')
    ) {
      answers++;
      const written = lastWrite;
      const synced =
        written !== undefined &&
        syncs.some((sync) => sync.succeeded && sync.began > written && sync.ended < call.began);
      if (!synced) violations.push(answers);
      asked = undefined;
    }
  }
  return { answers, violations };
}
