/** A reverse proxy on a loopback port that makes the mistakes which reverse proxies make. */
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface ProxiedRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: IncomingHttpHeaders;
}

export interface ProxiedAnswer {
  status: number;
  headers: Record<string, string | string[]>;
  body: string;
}

/** What the proxy does wrong at the moment; unset: nothing. */
export interface ProxyFaults {
  /** Answers by itself; `undefined` passes the request on. */
  answer?: ((request: ProxiedRequest) => ProxiedAnswer | undefined) | undefined;
  /** Changes the request before it is passed on. */
  request?: ((request: ProxiedRequest) => void) | undefined;
  /** Changes the answer before it is sent. */
  response?: ((answer: ProxiedAnswer, request: ProxiedRequest) => void) | undefined;
}

export interface FaultProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a slash. */
  readonly origin: string;
  faults: ProxyFaults;
}

export interface FaultProxyOptions {
  /** Origin that a request is passed on to. */
  readonly target: (request: ProxiedRequest) => string;
  /** Puts the proxy's own origin in place of the target's, in bodies and in Location, as a provider does that knows its public name. */
  readonly renames?: boolean;
  /** Default: any free one. */
  readonly port?: number;
}

export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  const proxy: { faults: ProxyFaults } = { faults: {} };
  let origin = '';
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const body: Buffer[] = [];
      for await (const chunk of incoming) body.push(chunk as Buffer);
      const request = {
        method: incoming.method ?? 'GET',
        path: incoming.url ?? '/',
        headers: { ...incoming.headers },
      };
      const { faults } = proxy;
      let answer = faults.answer?.(request);
      if (answer === undefined) {
        faults.request?.(request);
        const target = options.target(request);
        answer = await passOn(target, request, Buffer.concat(body));
        if (options.renames === true) rename(answer, target, origin);
        faults.response?.(answer, request);
      }
      const { status, headers } = answer;
      delete headers['content-length'];
      delete headers['transfer-encoding'];
      delete headers['connection'];
      outgoing.sendDate = headers['date'] === undefined;
      outgoing.writeHead(status, headers);
      outgoing.end(answer.body);
    })();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return Object.assign(proxy, {
    origin,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
}

function passOn(target: string, request: ProxiedRequest, body: Buffer): Promise<ProxiedAnswer> {
  return new Promise((resolve) => {
    const headers = { ...request.headers, host: new URL(target).host, 'accept-encoding': 'identity' };
    delete (headers as IncomingHttpHeaders).connection;
    const outgoing = httpRequest(target + request.path, { method: request.method, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        resolve({
          status: incoming.statusCode ?? 500,
          headers: incoming.headers as ProxiedAnswer['headers'],
          body: Buffer.concat(chunks).toString(),
        });
      });
    });
    outgoing.on('error', () => {
      resolve({
        status: 502,
        headers: { 'content-type': 'text/html' },
        body: '<html><h1>502 Bad Gateway</h1></html>',
      });
    });
    outgoing.end(body);
  });
}

function rename(answer: ProxiedAnswer, from: string, to: string): void {
  answer.body = answer.body.replaceAll(from, to);
  const { location } = answer.headers;
  if (typeof location !== 'string') return;
  const encoded = location.replace(encodeURIComponent(from), encodeURIComponent(to));
  answer.headers['location'] = encoded.replace(from, to);
}
