/** The service as an operator runs it: a process of its own, which can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { type Idp, startIdp } from '../peers/idp.ts';

export interface ServiceProcess extends AsyncDisposable {
  readonly url: string;
  readonly operationsUrl: string;
  readonly idp: Idp;
  readonly folder: string;
  readonly homeserverSecret: string;
  /** Everything that the processes so far have written. */
  output(): string;
  start(): Promise<void>;
  /** Waits for the end: the exit code, or the signal's name. */
  ended(): Promise<number | string>;
  /** Sends the signal and waits for the end; resolves to the exit code, or the signal's name. */
  stop(signal: NodeJS.Signals): Promise<number | string>;
}

/** Starts an IdP and, as a process, Gatehouse in front of it. */
export async function startProcess(
  options: {
    env?: Record<string, string>;
    idpSecret?: string;
    /** A program that runs the service: its arguments are followed by the service's. */
    wrap?: readonly string[];
  } = {},
): Promise<ServiceProcess> {
  const idp = await startIdp({});
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-process-'));
  const port = await freePort();
  const operationsPort = await freePort();
  const url = `http://127.0.0.1:${String(port)}/`;
  const homeserverSecret = 'canary-shared-with-the-homeserver';
  const config = join(folder, 'gatehouse.yaml');
  writeFileSync(
    config,
    `server_name: example.org
public_url: ${url}
listen: { host: 127.0.0.1, port: ${String(port)} }
operations: { port: ${String(operationsPort)} }
database: { url: "sqlite:data/gatehouse.db" }
providers: [{ id: main, issuer: "${idp.issuer}", client_id: ${idp.clientId}, client_secret: ${idp.clientSecret} }]
homeserver: { kind: none, secret: ${homeserverSecret} }
limits: { registrations_per_address: 100000 }
`,
    { mode: 0o600 },
  );
  const { mkdirSync } = await import('node:fs');
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  idp.setRedirectUris(`${url}upstream/main/callback`);
  let child: ChildProcess | undefined;
  let output = '';
  const service: ServiceProcess = {
    url,
    operationsUrl: `http://127.0.0.1:${String(operationsPort)}/`,
    idp,
    folder,
    homeserverSecret,
    output: () => output,
    async start() {
      const command = [process.execPath, 'bin/gatehouse.js', 'serve', '--config', config];
      const [program = '', ...args] = [...(options.wrap ?? []), ...command];
      const started = spawn(program, args, {
        env: { ...process.env, ...options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child = started;
      for (const stream of [started.stdout, started.stderr]) {
        stream.setEncoding('utf8');
        stream.on('data', (text: string) => (output += text));
      }
      for (let attempt = 0; attempt < 400; attempt++) {
        if (started.exitCode !== null) throw new Error(`the service ended: ${output}`);
        const ready = await fetch(`${service.operationsUrl}health/ready`).catch(() => undefined);
        if (ready?.status === 200) return;
        await delay(25);
      }
      throw new Error(`the service was not ready in 10 s: ${output}`);
    },
    async ended() {
      if (child === undefined) return 'not running';
      if (child.exitCode !== null) return child.exitCode;
      const [code, name] = (await once(child, 'exit')) as [number | null, string | null];
      return code ?? name ?? 'unknown';
    },
    async stop(signal) {
      if (child === undefined || child.exitCode !== null) return 'not running';
      child.kill(signal);
      const end = await service.ended();
      child = undefined;
      return end;
    },
    async [Symbol.asyncDispose]() {
      await service.stop('SIGKILL');
      await idp.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await service.start();
  return service;
}
