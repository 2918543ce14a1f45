/** A server that answers what a test tells it to, byte by byte if need be: it stands in for faults that no real provider makes on demand. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Script = (request: SeenRequest, response: ServerResponse) => void | Promise<void>;

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Every request since the start, in order. */
  readonly seen: SeenRequest[];
  /** Requests for this path. */
  count(path: string): number;
  answer(script: Script): void;
  /** Breaks what is open and refuses connections from now on. */
  goDown(): Promise<void>;
  comeBack(): Promise<void>;
}

export async function startScriptedServer(
  options: { script?: Script; host?: string; tls?: { key: string; cert: string } } = {},
): Promise<ScriptedServer> {
  let script: Script = options.script ?? ((_request, response) => void response.writeHead(404).end());
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const host = options.host ?? '127.0.0.1';

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const record = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      seen.push(record);
      void script(record, response);
    });
  };
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject).listen(port, host, () => {
        resolve();
      });
    });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => {
        resolve();
      });
      for (const socket of sockets) socket.destroy();
    });

  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${String(port)}`,
    port,
    seen,
    count: (path) => seen.filter((request) => request.path === path).length,
    answer: (next) => {
      script = next;
    },
    goDown: stop,
    comeBack: () => listen(port),
    [Symbol.asyncDispose]: stop,
  };
}

export function sendJson(
  response: ServerResponse,
  body: unknown,
  headers: Record<string, string> = {},
  status = 200,
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}
