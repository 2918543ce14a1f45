/**
 * The log: JSON, one line an event, on standard output; on a terminal pretty if `pino-pretty` is installed. Redaction here is the second
 * net: the first is that nobody logs secrets.
 */
import { createRequire } from 'node:module';
import { isatty } from 'node:tty';
import { pino } from 'pino';
import type { DestinationStream, Logger, LoggerOptions } from 'pino';
import { createOutput } from './output.ts';
import { scrubSecrets, describeError } from './redaction.ts';

export type Log = Logger;

export interface LogOptions {
  /** `trace` … `fatal`, or `silent`. Default `info`. */
  readonly level?: string;
  /** Where lines go. Default: standard output. */
  readonly destination?: DestinationStream;
  /** Pretty lines for a person. Default: whether standard output is a terminal; without effect if `pino-pretty` is not installed. */
  readonly pretty?: boolean;
}

/** Members that never reach the log, whatever their value, at any of the depths that we log. */
const SECRET_MEMBERS = [
  'access_token',
  'authorization',
  'client_secret',
  'code',
  'code_verifier',
  'cookie',
  'id_token',
  'loginToken',
  'password',
  'refresh_token',
  'secret',
  'set-cookie',
  'state',
  'token',
];

/** The log of this process. */
export function createLog(options: LogOptions = {}): Log {
  const settings: LoggerOptions = {
    level: options.level ?? 'info',
    base: null,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET_MEMBERS.flatMap(pathsOf), censor: '[redacted]' },
    serializers: { err: describeError, error: describeError, cause: describeError },
    hooks: {
      logMethod(args, method) {
        method.apply(this, withMessage(args.map(scrubArgument)) as typeof args);
      },
    },
  };
  return pino(settings, options.destination ?? standardOutput(options.pretty));
}

function pathsOf(member: string): string[] {
  const key = member.includes('-') ? `["${member}"]` : member;
  const nested = member.includes('-') ? `*["${member}"]` : `*.${member}`;
  return [key, nested];
}

/** Without a message pino takes the error's own, as it is. */
function withMessage(args: unknown[]): unknown[] {
  return args.length === 1 && typeof args[0] === 'object' ? [args[0], 'error'] : args;
}

/** Strings of the top level and messages are searched for what looks like a secret; errors and objects below are described by serialisers. */
function scrubArgument(argument: unknown): unknown {
  if (typeof argument === 'string') return scrubSecrets(argument);
  if (argument === null || typeof argument !== 'object' || argument instanceof Error) return argument;
  let copy: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(argument)) {
    if (typeof value !== 'string') continue;
    const scrubbed = scrubSecrets(value);
    if (scrubbed === value) continue;
    copy ??= { ...(argument as Record<string, unknown>) };
    copy[name] = scrubbed;
  }
  return copy ?? argument;
}

/** One for the process: what is waiting is written in order, whoever logged it. */
let output: DestinationStream | undefined;

function standardOutput(pretty: boolean | undefined): DestinationStream {
  if (pretty ?? isatty(1)) {
    const stream = prettyStream();
    if (stream !== undefined) return stream;
  }
  output ??= createOutput(1);
  return output;
}

function prettyStream(): DestinationStream | undefined {
  try {
    const load = createRequire(import.meta.url);
    const build = load('pino-pretty') as (options: object) => DestinationStream;
    return build({
      colorize: true,
      messageKey: 'message',
      translateTime: 'SYS:HH:MM:ss.l',
      ignore: 'hostname,pid',
      singleLine: true,
      sync: true,
    });
  } catch {
    return undefined;
  }
}
