/**
 * The load generator, a process of its own: keep-alive connections that each send the next request when the last answer is there. It builds requests
 * by hand and reads no more of an answer than it must, so that it is never slower than the server it measures.
 *
 * Orders come as messages from the parent (`LoadOrder`), one at a time; the answer is a `LoadResult`.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

export interface LoadOrder {
  /** Ports on 127.0.0.1; connections are spread over them. */
  readonly ports: readonly number[];
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
  /** The status that every answer must have. */
  readonly status: number;
  /** Where `{}` in headers and body comes from: a file with one secret a line. */
  readonly secrets?: {
    readonly file: string;
    /**
     * `any`: taken in turns; `once`: each used once, over all orders on the same file; `chain`: one a connection, whose successor is
     * `refresh_token` of the answer, over all orders on the same file.
     */
    readonly use: 'any' | 'once' | 'chain';
  };
  /** A form body; `{}` is the secret. */
  readonly body?: string;
}

export interface LoadResult {
  readonly answers: number;
  readonly seconds: number;
  /** Answers with another status than the one wanted, and broken connections. */
  readonly failures: number;
  /** What the first failure was. */
  readonly firstFailure: string | undefined;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

interface Supply {
  readonly secrets: string[];
  next: number;
}

const supplies = new Map<string, Supply>();

function supplyOf(file: string): Supply {
  let supply = supplies.get(file);
  if (supply === undefined) {
    supply = { secrets: readFileSync(file, 'utf8').trimEnd().split('\n'), next: 0 };
    supplies.set(file, supply);
  }
  return supply;
}

/** Gives the secret for a connection's next request; `undefined` when there is none left. */
function picker({ secrets: wanted }: LoadOrder): {
  next: (connection: number) => string | undefined;
  succeed: (connection: number, body: string) => void;
} {
  if (wanted === undefined) return { next: () => '', succeed: () => undefined };
  const supply = supplyOf(wanted.file);
  const { secrets } = supply;
  if (wanted.use === 'chain') {
    return {
      next: (connection) => secrets[connection],
      succeed: (connection, body) => {
        secrets[connection] = (JSON.parse(body) as { refresh_token: string }).refresh_token;
      },
    };
  }
  const step = wanted.use === 'any' ? 7919 : 1; // A prime: neighbours in the file are not asked for one after the other.
  return {
    next: () => {
      const at = supply.next;
      if (wanted.use === 'once' && at >= secrets.length) return undefined;
      supply.next += step;
      return secrets[at % secrets.length];
    },
    succeed: () => undefined,
  };
}

function requestOf(order: LoadOrder, secret: string): string {
  const body = order.body?.replace('{}', secret) ?? '';
  let text = `${order.method} ${order.path} HTTP/1.1\r\nhost: 127.0.0.1\r\n`;
  for (const [name, value] of Object.entries(order.headers)) {
    text += `${name}: ${value.replace('{}', secret)}\r\n`;
  }
  if (order.method === 'POST') {
    text += `content-type: application/x-www-form-urlencoded\r\ncontent-length: ${String(body.length)}\r\n`;
  }
  return `${text}\r\n${body}`;
}

async function load(order: LoadOrder): Promise<LoadResult> {
  const pick = picker(order);
  const latencies: number[] = [];
  let failures = 0;
  let firstFailure: string | undefined;
  const began = performance.now();
  const end = began + order.seconds * 1000;
  const constant = order.secrets === undefined ? requestOf(order, '') : undefined;
  const fail = (why: string): void => {
    failures++;
    firstFailure ??= why;
  };

  const drive = (connection: number): Promise<void> =>
    new Promise((resolve) => {
      const socket: Socket = connect(order.ports[connection % order.ports.length] ?? 0, '127.0.0.1');
      socket.setNoDelay(true);
      let held = '';
      let sentAt = 0;
      const send = (): void => {
        const secret = performance.now() >= end ? undefined : pick.next(connection);
        if (secret === undefined) {
          socket.destroy();
          return;
        }
        sentAt = performance.now();
        socket.write(constant ?? requestOf(order, secret), 'latin1');
      };
      socket.on('connect', send);
      socket.on('data', (chunk: Buffer) => {
        held = held === '' ? chunk.toString('latin1') : held + chunk.toString('latin1');
        const head = held.indexOf('\r\n\r\n');
        if (head < 0) return;
        const [, size = '0'] = /\r\ncontent-length: *(\d+)/i.exec(held.slice(0, head + 2)) ?? [];
        if (held.length < head + 4 + Number(size)) return;
        latencies.push(performance.now() - sentAt);
        const status = Number(held.slice(9, 12));
        const body = held.slice(head + 4);
        held = '';
        if (status === order.status) pick.succeed(connection, body);
        else fail(`${String(status)} ${body.slice(0, 200)}`);
        send();
      });
      socket.on('error', (error) => {
        fail(error.message);
      });
      socket.on('close', () => {
        resolve();
      });
    });
  await Promise.all(Array.from({ length: order.connections }, (_one, connection) => drive(connection)));
  const seconds = (performance.now() - began) / 1000;
  latencies.sort((one, other) => one - other);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return { answers: latencies.length, seconds, failures, firstFailure, p50: at(0.5), p99: at(0.99) };
}

process.on('message', (order: LoadOrder) => {
  void load(order).then((result) => process.send?.(result));
});
