/**
 * What everything over HTTP is compared with: a handler on `node:http` alone. It answers `/N` with N bytes of JSON's type; of a POST it reads the body
 * first. Tells its parent the port.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

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
  if (request.method !== 'POST') {
    answer();
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (Buffer.concat(chunks).toString('utf8').length >= 0) answer();
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
