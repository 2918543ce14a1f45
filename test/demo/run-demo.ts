/** `node demo/start.ts` as a process of its own, on free ports and in a folder of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../support/free-port.ts';

export interface DemoProcess {
  readonly ports: { gatehouse: number; idp: number; client: number; operations: number };
  readonly folder: string;
  /** Everything that it has written so far. */
  output(): string;
  /** Resolves when the text has been written; rejects when the process ends before. */
  waitFor(text: string): Promise<void>;
  /** Sends the signal and resolves with the exit code, or the signal's name if it killed the process. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

const script = resolve(import.meta.dirname, '../../demo/start.ts');

/** Starts the demo; `env` overrides. The folder is left for the next run unless `cleanUp` is called. */
export async function runDemo(
  env: Record<string, string> = {},
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-demo-')),
): Promise<DemoProcess> {
  const ports = {
    gatehouse: await freePort(),
    idp: await freePort(),
    client: await freePort(),
    operations: await freePort(),
  };
  const child = spawn(process.execPath, [script], {
    cwd: resolve(import.meta.dirname, '../..'),
    env: {
      ...process.env,
      GATEHOUSE__LISTEN__PORT: String(ports.gatehouse),
      GATEHOUSE__OPERATIONS__PORT: String(ports.operations),
      GATEHOUSE_DEMO_IDP_PORT: String(ports.idp),
      GATEHOUSE_DEMO_CLIENT_PORT: String(ports.client),
      GATEHOUSE_DEMO_FOLDER: folder,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const check of waiting) check();
    });
  }
  const ended = new Promise<number | NodeJS.Signals | null>((resolved) => {
    child.once('close', (code, signal) => {
      resolved(code ?? signal);
    });
  });
  return {
    ports,
    folder,
    output: () => output,
    waitFor: (text) =>
      new Promise((resolved, reject) => {
        const check = (): void => {
          if (!output.includes(text)) return;
          waiting.delete(check);
          resolved();
        };
        waiting.add(check);
        check();
        void ended.then((code) => {
          reject(new Error(`the demo ended with ${String(code)}:\n${output}`));
        });
      }),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
    ended,
  };
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
