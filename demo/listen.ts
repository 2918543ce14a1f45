/** Listening on loopback ports, with faults that name the variable to change. */
import { createServer, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';

/** A fault that is told to the person in one line, without a stack. */
export class DemoFault extends Error {}

/** A port and the environment variable that changes it. */
export interface NamedPort {
  readonly what: string;
  readonly host: string;
  readonly port: number;
  readonly variable: string;
}

/** Listens until disposed of, when open connections are cut. Throws {@link DemoFault} when the port is taken. */
export async function listen(named: NamedPort, listener: RequestListener): Promise<AsyncDisposable> {
  const server = createServer(listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(portFault(named, error));
    });
    server.listen(named.port, named.host, resolve);
  });
  return {
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Throws {@link DemoFault} when the port is taken at the moment. */
export async function assertFree(named: NamedPort): Promise<void> {
  const probe = await listen(named, (_request, response) => response.end());
  await probe[Symbol.asyncDispose]();
}

function portFault(named: NamedPort, error: NodeJS.ErrnoException): Error {
  const reason =
    error.code === 'EADDRINUSE'
      ? 'is taken'
      : error.code === 'EACCES'
        ? 'is not allowed for this user'
        : `cannot be opened (${error.code ?? error.message})`;
  return new DemoFault(
    `Port ${String(named.port)} for ${named.what} ${reason}. Choose another: ${named.variable}=${String(named.port + 100)} npm start`,
  );
}
