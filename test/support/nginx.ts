/** The nginx of this machine with the configuration that the documentation gives, on free ports and with a certificate of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** The program; `undefined` where it is not installed. */
export const nginxPath = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find((path) =>
  existsSync(path),
);

/** Why a test is skipped. */
export const noNginx = 'nginx is not installed here; `apt-get install nginx-light` brings it';

export interface ProxiedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Nginx extends AsyncDisposable {
  readonly port: number;
  /** The certificate of all its names, which signs itself. */
  readonly certificate: string;
  /** One request over TLS; the target goes on the wire as it is given. */
  ask(
    host: string,
    target: string,
    options?: { method?: string; headers?: Record<string, string>; body?: string },
  ): Promise<ProxiedAnswer>;
}

/** Starts nginx. Of `configuration`, addresses and certificates are replaced and nothing else. */
export async function startNginx(options: {
  readonly configuration: string;
  /** Ports on 127.0.0.1. */
  readonly gatehouse: number;
  readonly homeserver: number;
  /** Default: any free one. */
  readonly port?: number;
}): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-nginx-'));
  const port = options.port ?? (await freePort());
  const names = [...options.configuration.matchAll(/server_name ([^;]+);/g)].map(([, name = '']) => name);
  const certificate = makeCertificate(folder, names);
  const replaced = options.configuration
    .replaceAll(/listen \[::\]:443 [^;]*;/g, '')
    .replaceAll('listen 443 ', `listen 127.0.0.1:${String(port)} `)
    .replaceAll('127.0.0.1:8090', `127.0.0.1:${String(options.gatehouse)}`)
    .replaceAll('127.0.0.1:8008', `127.0.0.1:${String(options.homeserver)}`)
    .replaceAll(/ssl_certificate +[^;]+;/g, 'ssl_certificate certificate.pem;')
    .replaceAll(/ssl_certificate_key +[^;]+;/g, 'ssl_certificate_key key.pem;');
  for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'nginx.conf'),
    `pid nginx.pid;
error_log error.log;
daemon off;
worker_processes 1;
events { worker_connections 256; }
http {
access_log off;
client_body_temp_path body;
proxy_temp_path proxy;
fastcgi_temp_path fastcgi;
uwsgi_temp_path uwsgi;
scgi_temp_path scgi;
${replaced}}
`,
  );
  const child = spawn(nginxPath ?? 'nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (let attempt = 0; !(await isOpen(port)); attempt += 1) {
    if (child.exitCode !== null || attempt > 200) {
      child.kill('SIGKILL');
      throw new Error(`nginx does not listen: ${said}`);
    }
    await delay(25);
  }
  return {
    port,
    certificate,
    ask: (host, target, more = {}) => ask({ port, ca: certificate, host, target, ...more }),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function makeCertificate(folder: string, names: readonly string[]): string {
  const file = join(folder, 'certificate.pem');
  const [first = 'localhost'] = names;
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...[
        '-subj',
        `/CN=${first}`,
        '-addext',
        `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`,
      ],
      ...['-keyout', join(folder, 'key.pem'), '-out', file],
    ],
    { stdio: 'ignore' },
  );
  return readFileSync(file, 'utf8');
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

interface Question {
  readonly port: number;
  readonly ca: string;
  readonly host: string;
  readonly target: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

function ask({
  port,
  ca,
  host,
  target,
  method = 'GET',
  headers = {},
  body,
}: Question): Promise<ProxiedAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        ca,
        servername: host,
        method,
        path: target,
        headers: {
          host: `${host}:${String(port)}`,
          ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
          ...headers,
        },
        agent: false,
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        answer.once('end', () => {
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text });
        });
      },
    );
    asked.once('error', reject);
    asked.end(body);
  });
}
