/** A real Synapse behind a running service, as docs/synapse.md configures it. Installed by `.ci/synapse/install`, or named by GATEHOUSE_SYNAPSE_PYTHON. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../../scripts/run.ts';

/** The Python that has Synapse; `undefined` if there is none. */
export function synapsePython(): string | undefined {
  const python = process.env['GATEHOUSE_SYNAPSE_PYTHON'] ?? join(root, 'var', 'synapse', 'bin', 'python');
  if (existsSync(python)) return python;
  if (process.env['GATEHOUSE_REQUIRE_SYNAPSE'] === '1') throw new Error(`there is no ${python}`);
  return undefined;
}

export interface Synapse extends AsyncDisposable {
  readonly url: string;
  /** The SQLite file. */
  readonly database: string;
  /** Ends it, as a restart would. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface SynapseOptions {
  readonly python: string;
  readonly port: number;
  /** Where the service listens. */
  readonly endpoint: string;
  readonly secret: string;
}

/** Writes homeserver.yaml and the signing key, and starts Synapse with SQLite. */
export async function startSynapse(options: SynapseOptions): Promise<Synapse> {
  const { python, port, endpoint, secret } = options;
  await using started = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-synapse-'));
  started.defer(() => rmSync(folder, { recursive: true, force: true }));
  const url = `http://127.0.0.1:${String(port)}/`;
  const file = join(folder, 'homeserver.yaml');
  const database = join(folder, 'homeserver.db');
  const value = {
    server_name: 'example.org',
    public_baseurl: url,
    listeners: [{ port, type: 'http', bind_addresses: ['127.0.0.1'], resources: [{ names: ['client'] }] }],
    database: { name: 'sqlite3', args: { database } },
    media_store_path: join(folder, 'media'),
    signing_key_path: join(folder, 'signing.key'),
    report_stats: false,
    trusted_key_servers: [],
    macaroon_secret_key: 'of this test',
    form_secret: 'of this test',
    enable_registration: false,
    password_config: { enabled: false },
    matrix_authentication_service: { enabled: true, endpoint, secret },
    experimental_features: { msc3814_enabled: true },
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(value));
  const module = ['-m', 'synapse.app.homeserver', '-c', file];
  execFileSync(python, [...module, '--generate-keys'], { stdio: 'ignore' });
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const running = spawn(python, module, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
    child = running;
    const log = createWriteStream(join(folder, 'log'), { flags: 'a' });
    running.stdout.pipe(log);
    running.stderr.pipe(log);
    for (let tries = 0; tries < 300; tries++) {
      if (running.exitCode !== null) break;
      const answer = await fetch(`${url}_matrix/client/versions`).catch(() => undefined);
      if (answer?.ok === true) return;
      await sleep(100);
    }
    throw new Error(`Synapse did not start:\n${readFileSync(join(folder, 'log'), 'utf8').slice(-3000)}`);
  };
  const stop = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
  started.defer(stop);
  await start();
  const held = started.move();
  return { url, database, start, stop, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
