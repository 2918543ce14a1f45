/** The processes of a bench run: pinned to their cores, watched through /proc, and ended with the run. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../test/support/free-port.ts';
import type { Idp } from '../test/peers/idp.ts';

/** Which part of the machine a process gets: the last core is the load generator's, the others are the servers'. */
export type Side = 'server' | 'load';

const CORES = availableParallelism();
/** Whether the sides are kept apart; not on one core, and not without taskset. */
export const pinned = CORES > 1 && canPin();

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

function canPin(): boolean {
  try {
    execFileSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function pin(side: Side, command: readonly string[]): string[] {
  if (!pinned) return [...command];
  const cores =
    side === 'load' || CORES === 2 ? String(side === 'load' ? CORES - 1 : 0) : `0-${String(CORES - 2)}`;
  return ['taskset', '-c', cores, ...command];
}

/** Starts a Node on its side of the machine. `messages`: with a channel to it. What it says on standard error is shown. */
export function startNode(side: Side, args: readonly string[], options: { messages: boolean }): ChildProcess {
  const [command = '', ...rest] = pin(side, [process.execPath, ...args]);
  const child = spawn(command, rest, {
    stdio: options.messages ? ['ignore', 'ignore', 'inherit', 'ipc'] : ['ignore', 'ignore', 'inherit'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** A script of this folder that takes orders by message. */
export function script(name: string): string {
  return fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
}

export async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const ended = new AbortController();
  const gone = once(child, 'exit', { signal: ended.signal }).then(() => {
    throw new Error(`a process of the bench has ended: ${child.spawnargs.join(' ')}`);
  });
  gone.catch(() => undefined);
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal: ended.signal }), gone])) as [T];
    return message;
  } finally {
    ended.abort();
  }
}

export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** Processor time that a process has used so far, all threads, in seconds. */
export function cpuSeconds(pid: number): number {
  const fields =
    readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      .split(') ')
      .at(-1)
      ?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Memory of a process, in MiB. */
export function residentMiB(pid: number): number {
  const [, kib = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8')) ?? [];
  return Math.round(Number(kib) / 1024);
}

/** The most memory that a process has had, in MiB. */
export function peakMiB(pid: number): number {
  const [, kib = '0'] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8')) ?? [];
  return Math.round(Number(kib) / 1024);
}

export interface RunningGatehouse {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
  /** Where metrics and health are asked for. */
  readonly operationsPort: number;
  readonly secret: string;
  /** From the start of Node to the first 200 of `/health/ready`, in milliseconds. */
  readonly readyAfterMs: number;
}

export interface GatehouseSettings {
  readonly folder: string;
  readonly databaseUrl: string;
  readonly idp: Idp;
  readonly mode?: 'facade' | 'passthrough';
}

/** Starts the service as an operator would, its log going nowhere. */
export async function startGatehouse(settings: GatehouseSettings): Promise<RunningGatehouse> {
  const { folder, databaseUrl, idp, mode = 'facade' } = settings;
  const port = await freePort();
  const operations = await freePort();
  const secret = randomBytes(24).toString('base64url');
  const file = join(folder, `gatehouse-${String(port)}.yaml`);
  writeFileSync(
    file,
    `server_name: example.org
public_url: http://127.0.0.1:${String(port)}/
mode: ${mode}
listen: { host: 127.0.0.1, port: ${String(port)} }
operations: { port: ${String(operations)} }
database: { url: "${databaseUrl}" }
encryption_key: ${encryptionKey}
providers: [{ id: main, issuer: "${idp.issuer}", client_id: ${idp.clientId}, client_secret: ${idp.clientSecret} }]
homeserver: { kind: none, secret: ${secret} }
forward_auth: { enabled: true }
`,
    { mode: 0o600 },
  );
  const began = performance.now();
  const bin = fileURLToPath(new URL('../bin/gatehouse.js', import.meta.url));
  const child = startNode('server', [...profiling(), bin, 'serve', '--config', file], { messages: false });
  while ((await statusOf(operations, '/health/ready')) !== 200) {
    if (child.exitCode !== null) throw new Error('gatehouse did not start');
    if (performance.now() - began > 30_000) throw new Error('gatehouse was not ready in half a minute');
    await delay(5);
  }
  return {
    child,
    pid: child.pid ?? 0,
    port,
    operationsPort: operations,
    secret,
    readyAfterMs: performance.now() - began,
  };
}

/** One for all processes of a run: those on one database need the same. */
const encryptionKey = randomBytes(32).toString('base64');

/** `BENCH_PROFILE=FOLDER`: each Gatehouse leaves a CPU profile there. */
function profiling(): string[] {
  const folder = process.env['BENCH_PROFILE'] ?? '';
  return folder === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

function statusOf(port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    request({ port, path, host: '127.0.0.1', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', () => {
        resolve(undefined);
      })
      .end();
  });
}
