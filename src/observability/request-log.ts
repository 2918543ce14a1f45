/**
 * One log line a request, written at a tenth of what the general logger costs: its members are known, so the line is put together by hand and
 * goes to the logger's own destination. Same form, same level, same scrubbing of whatever a client had a say in.
 */
import { symbols } from 'pino';
import type { DestinationStream } from 'pino';
import type { Log } from './log.ts';
import { scrubSecrets } from './redaction.ts';

/** A request as it is logged: ids only, no secret. */
export interface RequestLine {
  readonly requestId: string;
  readonly operation: string;
  readonly method: string;
  /** `undefined` where the client left before the answer. */
  readonly status: number | undefined;
  readonly durationMs: number;
  readonly clientAddress: string;
  readonly clientId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly userId?: string | undefined;
  readonly reason?: string | undefined;
}

/** Writes a line; `level` is below the log's, nothing happens. */
export type WriteRequestLine = (level: 'debug' | 'info', now: number, line: RequestLine) => void;

/** `now` is wall-clock milliseconds. */
export function createRequestLog(log: Log): WriteRequestLine {
  const inner = log as unknown as Record<symbol, unknown>;
  const destination = inner[symbols.streamSym] as DestinationStream;
  const bindings = (inner[symbols.chindingsSym] as string | undefined) ?? '';
  const timeOf = createTime();
  return (level, now, line) => {
    if (!log.isLevelEnabled(level)) return;
    let text = `{"level":"${level}","time":"${timeOf(now)}"${bindings},"request_id":"${line.requestId}"`;
    text += `,"operation":"${line.operation}","method":${quote(line.method)}`;
    if (line.status !== undefined) text += `,"status":${line.status}`;
    text += `,"duration_ms":${Math.round(line.durationMs * 100) / 100},"client_address":${quote(line.clientAddress)}`;
    if (line.clientId !== undefined) text += `,"client_id":${quote(line.clientId)}`;
    if (line.sessionId !== undefined) text += `,"session_id":${quote(line.sessionId)}`;
    if (line.userId !== undefined) text += `,"user_id":${quote(line.userId)}`;
    if (line.reason !== undefined) text += `,"reason":${quote(line.reason)}`;
    destination.write(`${text},"message":"request"}\n`);
  };
}

/** Plain short words need no escaping and hide no secret. */
const PLAIN = /^[A-Za-z0-9 .,:;@/_-]{0,24}$/;

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(scrubSecrets(text));
}

/** ISO 8601 of wall-clock milliseconds; all but the milliseconds is worked out once a second. */
function createTime(): (now: number) => string {
  let second = Number.NaN;
  let prefix = '';
  return (now) => {
    const milliseconds = Math.floor(now);
    const whole = Math.floor(milliseconds / 1000);
    if (whole !== second) {
      second = whole;
      prefix = new Date(whole * 1000).toISOString().slice(0, 20);
    }
    return `${prefix}${String(milliseconds - whole * 1000).padStart(3, '0')}Z`;
  };
}
