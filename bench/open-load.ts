/**
 * Open-loop load, a process of its own: requests come at a fixed rate whether or not earlier ones were answered, as they do from clients that know nothing of each
 * other. Each has a connection to itself while it waits. Orders come as messages (`OpenLoadOrder`); the answer is an `OpenLoadResult`.
 */
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

export interface OpenLoadOrder {
  readonly port: number;
  /** The whole request, as it is on the wire. */
  readonly request: string;
  readonly perSecond: number;
  readonly seconds: number;
  /** Connections at most: what would need more is not sent, and counted as unsent. */
  readonly connections: number;
}

export interface OpenLoadResult {
  readonly admitted: number;
  readonly refused: number;
  readonly unsent: number;
  /** Broken connections, and answers that are neither 200 nor 503. */
  readonly failures: number;
  /** Milliseconds from the moment at which it was due to its 200. */
  readonly p99: number;
}

const STEP = 5;

process.on('message', (order: OpenLoadOrder) => {
  void run(order).then((result) => process.send?.(result));
});

async function run(order: OpenLoadOrder): Promise<OpenLoadResult> {
  const idle: Socket[] = [];
  const latencies: number[] = [];
  let open = 0;
  let refused = 0;
  let unsent = 0;
  let failures = 0;
  let waiting = 0;

  const ask = (socket: Socket, due: number): void => {
    waiting++;
    let text = '';
    const done = (status: string): void => {
      waiting--;
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      if (status === '200') latencies.push(performance.now() - due);
      else if (status === '503') refused++;
      else failures++;
    };
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (end === -1 || text.length < end + 4 + length) return;
      done(text.slice(9, 12));
      idle.push(socket);
    });
    socket.once('close', () => {
      open--;
      done('');
    });
    socket.write(order.request);
  };

  const began = performance.now();
  let sent = 0;
  while (performance.now() - began < order.seconds * 1000) {
    const due = performance.now();
    const target = Math.floor(((due - began) / 1000) * order.perSecond);
    for (; sent < target; sent++) {
      const socket = idle.pop();
      if (socket !== undefined && !socket.destroyed) ask(socket, due);
      else if (open < order.connections) {
        open++;
        const fresh = connect(order.port, '127.0.0.1');
        fresh.on('error', () => undefined);
        ask(fresh, due);
      } else unsent++;
    }
    await delay(STEP);
  }
  const patience = performance.now() + 10_000;
  while (waiting > 0 && performance.now() < patience) await delay(20);
  for (const socket of idle) socket.destroy();
  latencies.sort((a, b) => a - b);
  const p99 = latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * 0.99))] ?? 0;
  return { admitted: latencies.length, refused, unsent, failures: failures + waiting, p99 };
}
