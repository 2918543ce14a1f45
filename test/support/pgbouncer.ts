/** PgBouncer in transaction mode in front of a PostgreSQL server, where it is installed (Debian: `pgbouncer`). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface PgBouncer {
  /** The server's URL, through PgBouncer. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts it on `port` of loopback. Few server connections, so that clients really share them. */
export async function startPgBouncer(serverUrl: string, port: number): Promise<PgBouncer> {
  const server = new URL(serverUrl);
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pgbouncer-'));
  chmodSync(folder, 0o755);
  const settings = join(folder, 'pgbouncer.ini');
  const users = join(folder, 'users.txt');
  writeFileSync(users, `"${server.username}" "${server.password}"\n`);
  writeFileSync(
    settings,
    `[databases]
* = host=${server.hostname} port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${String(port)}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
pool_mode = transaction
default_pool_size = 4
max_client_conn = 500
server_idle_timeout = 5
`,
  );
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'postgres'] : [];
  const child: ChildProcess = spawn('pgbouncer', [...user, settings], { stdio: 'ignore' });
  const failed = once(child, 'error').then(([error]: unknown[]) => {
    throw new Error('PgBouncer did not start: is it installed?', { cause: error });
  });
  const answers = async (): Promise<void> => {
    while (!(await accepts(port))) {
      if (child.exitCode !== null) throw new Error(`PgBouncer ended with code ${String(child.exitCode)}`);
      await sleep(20);
    }
  };
  await Promise.race([answers(), failed]);
  failed.catch(() => undefined);
  const url = new URL(serverUrl);
  url.port = String(port);
  return {
    url: url.href,
    close: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}
