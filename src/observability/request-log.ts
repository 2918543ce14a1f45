/**
 * One log line a request, written at a tenth of what the general logger costs: its members are known, so the line is put together by hand and
 * goes to the logger's own destination. Same form, same level, same scrubbing of whatever a client had a say in.
 */
import type { ClientId, InternalUserId, SessionId } from '../protocol/identifiers.ts';
import { symbols } from 'pino';
import type { DestinationStream } from 'pino';
import type { Log } from './log.ts';
import { scrubSecrets } from './redaction.ts';

/** A request as it is logged: ids only, no secret. */
export interface RequestLine {
  readonly requestId: string;
  readonly operation: string;
  readonly method: string;
  /** `undefined` if the client left before the answer. */
  readonly status: number | undefined;
  readonly durationMs: number;
  readonly clientAddress: string;
  readonly clientId?: ClientId | undefined;
  readonly sessionId?: SessionId | undefined;
  readonly userId?: InternalUserId | undefined;
  readonly reason?: string | undefined;
}

/** Writes a line; `level` is below the log's, nothing happens. */
export type WriteRequestLine = (level: 'debug' | 'info', now: number, line: RequestLine) => void;

/** `now` is wall-clock milliseconds. */
export function createRequestLog(log: Log): WriteRequestLine {
  const inner = log as unknown as Record<symbol, unknown>;
  const destination = inner[symbols.streamSym] as DestinationStream;
  const bindings = (inner[symbols.chindingsSym] as string | undefined) ?? '';
  const startOf = createStart(bindings);
  const aboutOf = createAbout();
  return (level, now, line) => {
    if (!log.isLevelEnabled(level)) return;
    let text = `${startOf(level, now)}${line.requestId}${aboutOf(line)}${hundredths(line.durationMs)}`;
    if (line.clientId !== undefined) text += `,"client_id":${quote(line.clientId)}`;
    if (line.sessionId !== undefined) text += `,"session_id":${quote(line.sessionId)}`;
    if (line.userId !== undefined) text += `,"user_id":${quote(line.userId)}`;
    if (line.reason !== undefined) text += `,"reason":${quote(line.reason)}`;
    destination.write(`${text},"message":"request"}\n`);
  };
}

/** All before the request's id: put together once a millisecond, the date once a second. */
function createStart(bindings: string): (level: string, now: number) => string {
  let second = Number.NaN;
  let date = '';
  let at = Number.NaN;
  let of = '';
  let text = '';
  return (level, now) => {
    const millisecond = Math.floor(now);
    if (millisecond === at && level === of) return text;
    at = millisecond;
    of = level;
    const whole = Math.floor(millisecond / 1000);
    if (whole !== second) {
      second = whole;
      date = new Date(whole * 1000).toISOString().slice(0, 20);
    }
    const fraction = String(millisecond - whole * 1000).padStart(3, '0');
    text = `{"level":"${level}","time":"${date}${fraction}Z"${bindings},"request_id":"`;
    return text;
  };
}

/** What one request often has in common with the one before: put together only if it has not. */
function createAbout(): (line: RequestLine) => string {
  let last: Pick<RequestLine, 'operation' | 'method' | 'status' | 'clientAddress'> | undefined;
  let text = '';
  return (line) => {
    const { operation, method, status, clientAddress } = line;
    if (
      last === undefined ||
      operation !== last.operation ||
      status !== last.status ||
      method !== last.method ||
      clientAddress !== last.clientAddress
    ) {
      last = { operation, method, status, clientAddress };
      text = `","operation":"${operation}","method":${quote(method)}${status === undefined ? '' : `,"status":${status}`}`;
      text += `,"client_address":${quote(clientAddress)},"duration_ms":`;
    }
    return text;
  };
}

/** Plain short words need no escaping and hide no secret. */
const PLAIN = /^[A-Za-z0-9 .,:;@/_-]{0,24}$/;

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(scrubSecrets(text));
}

/** Two decimals, of whole numbers: writing out a floating-point number costs as much as the rest of the line. */
function hundredths(value: number): string {
  const all = Math.round(value * 100);
  const rest = all % 100;
  return `${(all - rest) / 100}.${rest < 10 ? '0' : ''}${rest}`;
}
