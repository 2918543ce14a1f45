/** Listening: on TCP or a Unix socket, with time-outs, and a stop that lets requests in flight finish. */
import { lstat, unlink } from 'node:fs/promises';
import { createServer, STATUS_CODES } from 'node:http';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Log } from '../observability/log.ts';
import { peerOf } from './client-ip.ts';
import { HEADER_BYTES } from './longest.ts';

/** Where to listen; port 0 takes any free one. */
export type ListenOn = { readonly host: string; readonly port: number } | { readonly socket: string };

export interface ServerOptions {
  readonly listener: RequestListener;
  readonly listen: ListenOn;
  readonly log: Pick<Log, 'debug' | 'warn'>;
  /** How long `close` waits for requests in flight before it cuts them off. Default 10 s. */
  readonly drainMs?: number;
  /** How long a request's head may take. Default 9 s; looked at once a second. */
  readonly headersTimeoutMs?: number;
}

export interface RunningServer {
  /** `http://127.0.0.1:8090`, or `unix:/run/gatehouse.sock`. */
  readonly address: string;
  /** The bound TCP port; `undefined` on a socket. */
  readonly port: number | undefined;
  /** Takes no more connections, lets requests finish, then resolves. */
  close(): Promise<void>;
}

/** The most time for a whole request: a backstop behind the time-out of bodies. */
const REQUEST_TIMEOUT_MS = 20_000;
/** Longer than the keep-alive of common reverse proxies, so that they close first and no request meets a closing connection. */
const KEEP_ALIVE_MS = 75_000;
/**
 * Connections that may wait to be taken, as far as the system allows (`net.core.somaxconn`). Node's 511 are few where thousands of clients come back at once:
 * what does not fit is tried again by the client's system, half a second later.
 */
const BACKLOG = 4096;

/** Starts listening; rejects if the address is not available. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { listen, listener, log } = options;
  let draining = false;
  /** Each open connection, and the answer to the newest request on it. */
  const newest = new Map<Duplex, ServerResponse | undefined>();
  const server = createServer(
    {
      headersTimeout: options.headersTimeoutMs ?? 9_000,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: HEADER_BYTES,
    },
    (message, response) => {
      if (draining) response.shouldKeepAlive = false;
      newest.set(message.socket, response);
      listener(message, response);
    },
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    log.debug({ code: error.code }, 'a connection broke the protocol');
    refuseConnection(error, socket, newest.get(socket));
  });
  server.on('connection', (socket) => {
    // Read now: a peer that resets the connection has no address afterwards.
    peerOf(socket);
    newest.set(socket, undefined);
    socket.once('close', () => newest.delete(socket));
  });
  if ('socket' in listen) await removeStaleSocket(listen.socket);
  await startListening(server, listen);
  return {
    ...describe(server, listen),
    close: () => {
      draining = true;
      // Answers on their way tell their client not to use the connection again.
      for (const answer of newest.values()) {
        if (answer !== undefined) answer.shouldKeepAlive = false;
      }
      return drain(server, options.drainMs ?? 10_000, log);
    },
  };
}

function startListening(server: Server, listen: ListenOn): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const started = (): void => {
      server.off('error', reject);
      resolve();
    };
    if ('socket' in listen) server.listen({ path: listen.socket, backlog: BACKLOG }, started);
    else server.listen({ port: listen.port, host: listen.host, backlog: BACKLOG }, started);
  });
}

function describe(server: Server, listen: ListenOn): Pick<RunningServer, 'address' | 'port'> {
  if ('socket' in listen) return { address: `unix:${listen.socket}`, port: undefined };
  const { address, port, family } = server.address() as AddressInfo;
  return { address: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`, port };
}

/** What a killed process left behind would block the address; a socket that somebody answers on is left alone, and listening fails. */
async function removeStaleSocket(path: string): Promise<void> {
  const code = await new Promise<string | undefined>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code);
    });
  });
  if (code !== 'ECONNREFUSED') return;
  if (!(await lstat(path)).isSocket()) throw new Error(`${path} is there already and is not a socket`);
  await unlink(path);
}

/**
 * Answers what never became a request. Node's own answer to a slow request is 408, which clients take as the end of the session on a refresh
 * (any 4xx): here it is 503. A request that came before on the same connection keeps its own answer: the refusal would be taken for it.
 */
function refuseConnection(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  newest: ServerResponse | undefined,
): void {
  const isUnderWay = newest !== undefined && !newest.writableEnded;
  if (error.code === 'ECONNRESET' || !socket.writable || (isUnderWay && newest.headersSent)) {
    socket.destroy();
    return;
  }
  if (isUnderWay && newest.req.complete) {
    newest.shouldKeepAlive = false;
    return;
  }
  if (newest?.writableEnded === true && !newest.req.complete) {
    // The rest of a body whose request is answered.
    socket.end(() => socket.destroy());
    return;
  }
  const status = statusOf(error.code);
  const retry = status === 503 ? 'retry-after: 1\r\n' : '';
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${retry}cache-control: no-store\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    () => socket.destroy(),
  );
}

function statusOf(code: string | undefined): number {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 503;
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 413;
  return 400;
}

/** How often connections that became idle while draining are closed. */
const DRAIN_STEP_MS = 25;

function drain(server: Server, drainMs: number, log: ServerOptions['log']): Promise<void> {
  return new Promise((resolve) => {
    const sweep = setInterval(() => server.closeIdleConnections(), DRAIN_STEP_MS);
    const limit = setTimeout(() => {
      log.warn({ after_ms: drainMs }, 'requests in flight were cut off');
      server.closeAllConnections();
    }, drainMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(limit);
      resolve();
    });
    server.closeIdleConnections();
  });
}
