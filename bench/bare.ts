/**
 * What everything over HTTP is compared with: a handler on `node:http` alone. It answers `/N` with N bytes of JSON's type; of a POST it reads the body
 * first. `node bench/bare.ts URL`: it also takes the token, of a POST's form or of a GET's header, and looks its hash up in that database, one statement on
 * the engine's own driver. Tells its parent the port.
 */
import { hash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';

const LOOK_UP = 'select * from access_tokens where hash = ';
const lookUp = openLookUp(process.argv[2]);

function openLookUp(url: string | undefined): ((hash: string) => unknown) | undefined {
  if (url === undefined) return undefined;
  if (url.startsWith('sqlite:')) {
    const statement = new DatabaseSync(url.slice('sqlite:'.length)).prepare(`${LOOK_UP}?`);
    return (key) => statement.get(key);
  }
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  pool.on('error', () => undefined);
  return (key) => pool.query(`${LOOK_UP}$1`, [key]);
}

const bodies = new Map<string, Buffer>();

function bodyOf(path: string): Buffer {
  let body = bodies.get(path);
  if (body === undefined) {
    body = Buffer.alloc(Number(path.slice(1)), 'x');
    bodies.set(path, body);
  }
  return body;
}

const server = createServer((request, response) => {
  const answer = (): void => {
    const body = bodyOf(request.url ?? '/0');
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  };
  const answerFound = (token: string): void => {
    const found = lookUp?.(hash('sha256', token, 'base64url'));
    if (found instanceof Promise) {
      void found.then(answer, () => {
        response.destroy();
      });
    } else answer();
  };
  if (request.method !== 'POST') {
    answerFound(request.headers.authorization?.slice('Bearer '.length) ?? '');
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
    answerFound(form.get('token') ?? '');
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
