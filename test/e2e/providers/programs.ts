/** Programs of identity providers on this machine: where they are, and how they are started and ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Where `.ci/providers/install` puts what is no package of the system. */
const installed =
  process.env['GATEHOUSE_PROVIDERS'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gatehouse-providers');

/** The newest installed entry that starts so and passes the test; undefined where there is none. */
export function findInstalled(
  prefix: string,
  usable: (path: string) => boolean = existsSync,
): string | undefined {
  if (!existsSync(installed)) return undefined;
  return readdirSync(installed)
    .filter((name) => name.startsWith(prefix))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((name) => join(installed, name))
    .find(usable);
}

/** What `.ci/providers/install` last said about a provider, for the message of a suite that cannot run. */
export function installationLog(name: string): string {
  const file = join(installed, `${name}.log`);
  return existsSync(file) ? readFileSync(file, 'utf8').slice(-2000) : 'it was never run here';
}

/** A folder for one run of a program. */
export function temporaryFolder(name: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `gatehouse-${name}-`));
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

export interface RunningProgram {
  /** Ends it: SIGTERM, and SIGKILL after ten seconds. */
  stop(): Promise<void>;
}

export interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly env?: Record<string, string>;
  /** It is up once this URL answers 200. */
  readonly readyUrl: string;
  /** How long that may take, in seconds. */
  readonly limitSeconds: number;
}

/** Starts a program and waits until it answers. Throws with the end of its output where it does not. */
export async function runProgram(options: ProgramOptions): Promise<RunningProgram> {
  const { command, args, folder, readyUrl, limitSeconds } = options;
  const logFile = join(folder, 'output.log');
  const output = createWriteStream(logFile, { flags: 'a' });
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  for (let waited = 0; waited < limitSeconds * 4; waited += 1) {
    if (failure !== undefined || child.exitCode !== null || child.signalCode !== null) break;
    if (await answers(readyUrl)) return { stop: () => end(child) };
    await delay(250);
  }
  await end(child);
  const said = existsSync(logFile) ? readFileSync(logFile, 'utf8').slice(-3000) : '';
  throw new Error(`${command} is not up after at most ${String(limitSeconds)} s: ${said}`, {
    cause: failure,
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(late);
}
