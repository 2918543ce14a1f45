/** `bin/gatehouse.js` as a process of its own. */
import { freePort } from '../support/free-port.ts';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export const bin = join(import.meta.dirname, '../../bin/gatehouse.js');

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder, removed after the tests of this file. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'));
  folders.push(folder);
  return folder;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  /** All that both streams have brought so far. */
  output(): string;
  /** Resolves when the text was written, rejects when the process ends before. */
  waitFor(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

/** A Node and its own arguments. */
export type NodeCommand = readonly [string, ...string[]];

interface CliOptions {
  /** The Node to run with, and its own arguments. Default: this one. */
  readonly node?: NodeCommand;
  readonly script?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts the command line and lets it run. */
export function startCli(args: readonly string[], options: CliOptions = {}): Running {
  const [node, ...nodeArgs] = options.node ?? [process.execPath];
  const environment = Object.entries(process.env).filter(([name]) => !/^(GATEHOUSE|NODE_|VITEST)/.test(name));
  const child = spawn(node, [...nodeArgs, options.script ?? bin, ...args], {
    cwd: options.cwd ?? newFolder(),
    env: { ...Object.fromEntries(environment), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const check of waiting) check();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const check of waiting) check();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
  return {
    pid: child.pid ?? 0,
    output: () => stdout + stderr,
    waitFor: (text) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if ((stdout + stderr).includes(text)) resolve();
        };
        waiting.add(check);
        check();
        void ended.then(({ code }) => {
          reject(new Error(`ended with ${String(code)} before "${text}":\n${stdout}${stderr}`));
        });
      }),
    kill: (signal) => child.kill(signal),
    ended,
  };
}

/** Runs the command line to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<Ended> {
  return startCli(args, options).ended;
}

/** Writes a configuration whose provider does not answer, with ports of its own; gives the file and the port. */
export async function writeConfig(more = ''): Promise<{ file: string; folder: string; port: number }> {
  const folder = newFolder();
  const port = await freePort();
  const file = join(folder, 'gatehouse.yaml');
  writeFileSync(
    file,
    `server_name: example.com
public_url: http://127.0.0.1:${port}/
listen: { port: ${port} }
operations: { port: 0 }
providers:
  - { id: main, issuer: "http://127.0.0.1:9", client_id: gatehouse, client_secret: hunter2hunter2 }
${more}`,
    { mode: 0o600 },
  );
  return { file, folder, port };
}

/** The system's own Node, where it is older than what we need. */
export function oldNode(): string | undefined {
  const { status, stdout } = spawnSync('/usr/bin/node', ['--version'], { encoding: 'utf8' });
  const major = /^v(\d+)/.exec(status === 0 ? stdout : '')?.[1];
  return major !== undefined && Number(major) < 24 ? '/usr/bin/node' : undefined;
}
