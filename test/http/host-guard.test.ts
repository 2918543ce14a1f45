/** The operator's listener has no access control, so it answers for its own names only: a website that leads its name here learns nothing. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { type Service, startService } from '../../src/service.ts';
import { freePort } from '../support/free-port.ts';
import { newSqliteFile } from '../support/database.ts';

const started: Promise<Service & { remove: () => unknown }>[] = [];
afterAll(async () => {
  for (const each of started) {
    const service = await each;
    await service.close();
    await service.remove();
  }
});

function start(operations: { host: string; hosts?: string[] }): () => Promise<Service> {
  let service: (typeof started)[number] | undefined;
  return () => {
    if (service === undefined) started.push((service = open(operations)));
    return service;
  };
}

async function open(operations: object): Promise<Service & { remove: () => unknown }> {
  const { url, remove } = newSqliteFile();
  const port = await freePort();
  const config = parseConfig(
    {
      server_name: 'example.org',
      public_url: `http://127.0.0.1:${String(port)}/`,
      listen: { host: '127.0.0.1', port },
      operations: { ...operations, port: 0 },
      database: { url },
      log: { level: 'silent' },
      providers: [{ id: 'main', issuer: 'http://127.0.0.1:1', client_id: 'gatehouse', client_secret: 'x' }],
    },
    { baseDir: '/' },
  );
  return { ...(await startService({ config })), remove };
}

const portOf = (service: Service): number => Number(new URL(service.operationsUrl).port);

async function ask(service: Service, host: string, path: string) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const asked = request(
    { host: '127.0.0.1', port: portOf(service), path, headers: { host } },
    (answer) => void text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body })),
  );
  asked.on('error', reject).end();
  return promise;
}

describe.each([
  [
    'on loopback',
    start({ host: '127.0.0.1' }),
    [
      '127.0.0.1:9090',
      '127.0.0.1',
      'localhost:9090',
      'LOCALHOST',
      'localhost.',
      '[::1]:9090',
      '127.9.9.9',
      'a.localhost',
    ],
    [
      'evil.example',
      'evil.example:9090',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '192.0.2.1',
      '[2001:db8::1]',
      'gatehouse.internal',
    ],
  ],
  [
    'on loopback with names of its own',
    start({ host: 'localhost', hosts: ['Gatehouse.internal', '192.0.2.1'] }),
    ['gatehouse.internal:9090', 'GATEHOUSE.internal', 'gatehouse.internal.', '192.0.2.1:9090', 'localhost'],
    ['evil.example', 'x.gatehouse.internal', 'gatehouse.internal.evil.example', '192.0.2.2', 'internal'],
  ],
  [
    'on every address, for the probes of a container',
    start({ host: '0.0.0.0', hosts: ['gatehouse'] }),
    ['10.1.2.3:9090', '[fd00::1]:9090', 'gatehouse:9090', '127.0.0.1', 'localhost'],
    ['evil.example', '10.1.2.3.evil.example', 'gatehouse2', '0x7f.1', 'a b', '@127.0.0.1', ':9090'],
  ],
])('the operations listener %s', (_where, service, own, foreign) => {
  test.each(own)('answers for %j', async (host) => {
    for (const path of ['/health/live', '/metrics']) {
      expect((await ask(await service(), host, path)).status).toBe(200);
    }
  });

  test.each(foreign)('says nothing for %j but what to configure', async (host) => {
    for (const path of ['/health/live', '/health/ready', '/metrics', '/nothing']) {
      const { status, body } = await ask(await service(), host, path);
      expect([path, status]).toEqual([path, 421]);
      expect(JSON.parse(body)).toEqual({ message: expect.stringContaining('operations.hosts') as string });
    }
  });

  it('answers a probe that names no host at all', async () => {
    const socket = connect(portOf(await service()), '127.0.0.1');
    socket.write('GET /health/live HTTP/1.0\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /);
  });
});
