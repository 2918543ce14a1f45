/** Caddy and HAProxy of this machine, with the configurations that docs/forward-auth.md gives, on free ports and without TLS. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';

const page = readFileSync(new URL('../../docs/forward-auth.md', import.meta.url), 'utf8');

/** An example of the page. */
export function forwardAuthExample(name: string): string {
  const text = new RegExp(`^\`\`\`\\w+ example=${name}\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1];
  if (text === undefined) throw new Error(`docs/forward-auth.md has no example ${name}`);
  return text;
}

const found = (name: string): string | undefined =>
  ['/usr/sbin/', '/usr/bin/', '/usr/local/sbin/', '/usr/local/bin/']
    .map((folder) => folder + name)
    .find((path) => existsSync(path));

/** The programs; `undefined` where they are not installed. */
export const haproxyPath = found('haproxy');
export const caddyPath = found('caddy');

export interface Proxy extends AsyncDisposable {
  readonly port: number;
}

interface Behind {
  /** Ports on 127.0.0.1. */
  readonly gatehouse: number;
  readonly service: number;
}

/** Starts HAProxy. Addresses, the certificate and the path of the Lua file are replaced, and nothing else. */
export async function startHaproxy(behind: Behind): Promise<Proxy> {
  const port = await freePort();
  return run(haproxyPath ?? 'haproxy', port, (folder) => {
    writeFileSync(join(folder, 'verify.lua'), pointed(forwardAuthExample('haproxy-lua'), behind));
    const timeouts = 'defaults\n  timeout connect 5s\n  timeout client 20s\n  timeout server 20s\n';
    const configuration = pointed(forwardAuthExample('haproxy'), behind)
      .replace('/etc/haproxy/verify.lua', join(folder, 'verify.lua'))
      .replace(/bind :443 [^\n]*/, `bind 127.0.0.1:${String(port)}`)
      .replace('frontend api', `${timeouts}\nfrontend api`);
    writeFileSync(join(folder, 'haproxy.cfg'), configuration);
    return ['-db', '-f', join(folder, 'haproxy.cfg')];
  });
}

/** Starts Caddy. Addresses are replaced, and nothing else. */
export async function startCaddy(behind: Behind): Promise<Proxy> {
  const port = await freePort();
  return run(caddyPath ?? 'caddy', port, (folder) => {
    const options = '{\n\tadmin off\n\tauto_https off\n}\n';
    const site = pointed(forwardAuthExample('caddy'), behind).replace(
      'api.example.com {',
      `http://api.example.com:${String(port)} {\n\tbind 127.0.0.1`,
    );
    writeFileSync(join(folder, 'Caddyfile'), options + site);
    return ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')];
  });
}

function pointed(text: string, { gatehouse, service }: Behind): string {
  return text
    .replaceAll('127.0.0.1:8090', `127.0.0.1:${String(gatehouse)}`)
    .replaceAll('127.0.0.1:8008', `127.0.0.1:${String(service)}`);
}

async function run(program: string, port: number, prepare: (folder: string) => string[]): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-proxy-'));
  const child = spawn(program, prepare(folder), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  }
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (let attempt = 0; !(await isOpen(port)); attempt += 1) {
    if (child.exitCode !== null || attempt > 400) {
      child.kill('SIGKILL');
      throw new Error(`${program} does not listen: ${said}`);
    }
    await delay(25);
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
