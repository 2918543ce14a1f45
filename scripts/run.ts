import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** The checkout that these scripts belong to. */
export const root: string = join(import.meta.dirname, '..');

/** How a command ended, and what it printed on both streams, in order. */
export interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** Runs a command without input and keeps what it prints. Commands of `node_modules/.bin` are found first. Never rejects. */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const path = `${join(root, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, PATH: path, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => {
      resolve({ code: 127, output: `${command}: ${error.message}\n` });
    });
    child.on('close', (code, signal) => {
      const ended = signal === null ? '' : `${command}: ended by ${signal}\n`;
      resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() + ended });
    });
  });
}
