import { existsSync } from 'node:fs';
import { mkdtemp, rename, writeFile } from 'node:fs/promises';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startServer } from '../../src/http/server.ts';
import type { ListenOn, RunningServer } from '../../src/http/server.ts';
import { memoryLog, startApp } from './support.ts';

const { log } = memoryLog();

function serve(listen: ListenOn, drainMs = 500): Promise<RunningServer> {
  return startServer({ listen, drainMs, log, listener: (_request, response) => void response.end('hello') });
}

function get(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    httpRequest({ socketPath, path: '/' }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        resolve(text);
      });
    })
      .on('error', reject)
      .end();
  });
}

describe('listening', () => {
  it('tells the bound address, on IPv6 too', async () => {
    const four = await serve({ host: '127.0.0.1', port: 0 });
    const six = await serve({ host: '::1', port: 0 });
    expect(four.address).toBe(`http://127.0.0.1:${String(four.port)}`);
    expect(six.address).toBe(`http://[::1]:${String(six.port)}`);
    expect(await (await fetch(six.address)).text()).toBe('hello');
    await Promise.all([four.close(), six.close()]);
  });

  it('fails where the port is taken', async () => {
    const first = await serve({ host: '127.0.0.1', port: 0 });
    await expect(serve({ host: '127.0.0.1', port: first.port ?? 0 })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await first.close();
  });

  it('takes over a Unix socket that a dead process left, but not one in use, nor a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-socket-'));
    const socket = join(folder, 's');
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(socket, resolve));
    await expect(serve({ socket })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    // What a killed process leaves: the file, and nobody behind it.
    await rename(socket, `${socket}-kept`);
    await new Promise((resolve) => dead.close(resolve));
    await rename(`${socket}-kept`, socket);
    expect(existsSync(socket)).toBe(true);
    const running = await serve({ socket });
    expect(running.address).toBe(`unix:${socket}`);
    expect(await get(socket)).toBe('hello');
    await running.close();
    const file = join(folder, 'file');
    await writeFile(file, 'precious');
    await expect(serve({ socket: file })).rejects.toThrow();
    expect(existsSync(file)).toBe(true);
  });
});

describe('what breaks the protocol', () => {
  const request = 'GET /_matrix/client/v3/thing HTTP/1.1\r\nhost: a\r\n\r\n';
  const put = (body: string) =>
    `PUT /_matrix/client/v3/thing HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${body}`;

  it.each([
    ['a first line that is none', 'no request at all\r\n\r\n', ['400']],
    ['a head that is too large', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, ['431']],
    ['two lengths', 'GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', ['400']],
    ['a body whose chunks are none', put('zz\r\n'), ['400']],
    [
      'a body whose chunks are none, for a method that is none',
      put('zz\r\n').replace('PUT', 'POST'),
      ['405'],
    ],
    ['junk behind a request that is not answered yet', `${request}junk\r\n\r\n`, ['200']],
    ['junk behind two of them', `${request}${request}junk\r\n\r\n`, ['200', '200']],
    [
      'a head that is too large behind one',
      `${request}GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      ['200'],
    ],
  ])('%s: earlier requests keep their answers, and the connection ends', async (_name, sent, statuses) => {
    const handler = async () => {
      await sleep(30);
      return { status: 200, body: {} };
    };
    const app = await startApp({ handlers: { getThing: handler, putThing: handler } });
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect({ port: app.server.port ?? 0, host: '127.0.0.1' });
      socket
        .on('data', (chunk: Buffer) => (text += chunk.toString()))
        .on('error', () => undefined)
        .on('close', () => {
          resolve(text);
        });
      socket.write(sent);
    });
    expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(statuses);
    await app.server.close();
  });
});

describe('stopping', () => {
  it('lets requests in flight finish, on connections that are kept alive too, and takes no more', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<null>();
    const { promise: allowed, resolve: allow } = Promise.withResolvers<null>();
    const app = await startApp({
      handlers: {
        getThing: async () => {
          arrive(null);
          await allowed;
          return { status: 200, body: { done: true } };
        },
      },
    });
    const agent = new Agent({ keepAlive: true });
    const answer = new Promise<string>((resolve, reject) => {
      httpRequest(`${app.url}/_matrix/client/v3/thing`, { agent }, (response) => {
        response.resume().on('end', () => {
          resolve(`${String(response.statusCode)} ${String(response.headers.connection)}`);
        });
      })
        .on('error', reject)
        .end();
    });
    await arrived;
    const closed = app.server.close();
    await sleep(20);
    await expect(fetch(app.url)).rejects.toThrow();
    allow(null);
    expect(await answer).toBe('200 close');
    await closed;
    agent.destroy();
  });

  it('cuts off what does not finish in time', async () => {
    const app = await startApp({ handlers: { getThing: () => new Promise(() => undefined) } });
    const hanging = fetch(`${app.url}/_matrix/client/v3/thing`).catch(() => 'cut off');
    await sleep(50);
    const started = performance.now();
    await app.server.close();
    expect(performance.now() - started).toBeLessThan(2000);
    expect(await hanging).toBe('cut off');
    expect(app.logged.text()).toContain('were cut off');
  });
});
