/** A forward proxy on loopback that makes tunnels, and says what was asked of it. */
import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';

export interface StartedProxy extends AsyncDisposable {
  readonly port: number;
  /** Targets of the tunnels asked for, with the credentials that came along. */
  readonly asked: { target: string; credentials: string | undefined }[];
}

/** Starts it; https with `tls`. `status`: answered instead of a tunnel; `silent`: nothing is answered. */
export async function startForwardProxy(
  options: {
    tls?: { key: string; cert: string };
    credentials?: string;
    status?: number;
    silent?: boolean;
  } = {},
): Promise<StartedProxy> {
  const asked: StartedProxy['asked'] = [];
  const sockets = new Set<Socket>();
  const server: Server = options.tls === undefined ? createHttpServer() : createHttpsServer(options.tls);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined));
  });
  server.on('connect', (request, socket: Socket, head) => {
    const credentials = request.headers['proxy-authorization'];
    const target = request.url ?? '';
    asked.push({ target, credentials });
    socket.on('error', () => undefined);
    if (options.silent === true) return;
    const refused =
      options.credentials === undefined || credentials === options.credentials ? options.status : 407;
    if (refused !== undefined) {
      socket.end(`HTTP/1.1 ${String(refused)} Refused\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${target}`);
    const onward = connect(Number(port === '' ? 80 : port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    sockets.add(onward);
    onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
