import { once } from 'node:events';
import { createServer, type AddressInfo, type LookupFunction, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/protocol/clock.ts';
import { createAddressPolicy } from '../../src/protocol/addresses.ts';
import { assertJsonOk } from '../../src/outbound/answers.ts';
import { createOutbound, type Outbound, type OutboundOptions } from '../../src/outbound/outbound.ts';
import { OutboundFault } from '../../src/outbound/outbound-fault.ts';
import { selfSigned } from '../upstream/support/certificates.ts';
import { sendJson, startScriptedServer } from '../upstream/support/scripted-server.ts';

const open: (Outbound | Server)[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

function outbound(
  options: Partial<OutboundOptions> & { allowed?: string[]; loopback?: boolean } = {},
): Outbound {
  const { allowed = [], loopback = true, ...rest } = options;
  const made = createOutbound({
    clock: systemClock,
    addresses: createAddressPolicy({ loopback, allowed }),
    timeoutMs: 400,
    ...rest,
  });
  open.push(made);
  return made;
}

async function faultOf(promise: Promise<unknown>): Promise<OutboundFault> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OutboundFault);
  return error as OutboundFault;
}

const get = (from: Outbound, url: string, maxBytes = 1000) => from.send({ url, maxBytes });

describe('the way out to the IdP', () => {
  it('names itself and asks with no more than it needs', async () => {
    await using server = await startScriptedServer({ script: (_, response) => sendJson(response, {}) });
    const response = await get(outbound(), `${server.url}/a?b=c`);
    expect(response).toMatchObject({ status: 200, text: '{}' });
    expect(server.seen[0]?.path).toBe('/a?b=c');
    expect(server.seen[0]?.headers['user-agent']).toMatch(/^Gatehouse\//);
    expect(server.seen[0]?.headers).not.toHaveProperty('cookie');
  });

  it('does not follow redirects and says where to', async () => {
    await using server = await startScriptedServer();
    for (const status of [301, 302, 303, 307, 308]) {
      server.answer((_, response) => void response.writeHead(status, { location: '/there?secret=1' }).end());
      const fault = await faultOf(get(outbound(), server.url));
      expect(fault).toMatchObject({ kind: 'redirect', status });
      expect(fault.message).toContain('/there');
      expect(fault.message).not.toContain('secret');
    }
    expect(server.count('/there')).toBe(0);
  });

  it('stops at the byte cap, announced or not', async () => {
    await using server = await startScriptedServer();
    let sent = 0;
    server.answer((_, response) => {
      response.on('error', () => undefined);
      const pump = (): void => {
        while (!response.destroyed && sent < 50_000_000) {
          sent += 1000;
          if (!response.write('x'.repeat(1000))) break;
        }
      };
      response.on('drain', pump);
      pump();
    });
    expect((await faultOf(get(outbound(), server.url))).kind).toBe('too_large');
    expect(sent).toBeLessThan(10_000_000);
    server.answer((_, response) => void response.writeHead(200, { 'content-length': '1001' }).write('x'));
    expect((await faultOf(get(outbound(), server.url))).kind).toBe('too_large');
    server.answer((_, response) => void response.end('x'.repeat(1000)));
    expect((await get(outbound(), server.url)).text).toHaveLength(1000);
  });

  it('counts decompressed bytes', async () => {
    await using server = await startScriptedServer();
    const bomb = 'x'.repeat(5_000_000);
    for (const [encoding, body] of [
      ['gzip', gzipSync(bomb)],
      ['br', brotliCompressSync(bomb)],
    ] as const) {
      server.answer(
        (_, response) => void response.writeHead(200, { 'content-encoding': encoding }).end(body),
      );
      expect((await faultOf(get(outbound(), server.url))).kind).toBe('too_large');
    }
    server.answer(
      (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"a":1}')),
    );
    expect((await get(outbound(), server.url)).text).toBe('{"a":1}');
  });

  it('refuses broken compression, unknown encodings and what is not UTF-8', async () => {
    await using server = await startScriptedServer();
    const cases: [Record<string, string>, Buffer][] = [
      [{ 'content-encoding': 'gzip' }, Buffer.from('not gzip')],
      [{ 'content-encoding': 'gzip' }, gzipSync('{"a":1}').subarray(0, 15)],
      [{ 'content-encoding': 'br' }, Buffer.from('not brotli at all')],
      [{ 'content-encoding': 'zstd' }, Buffer.from('{}')],
      [{}, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ];
    for (const [headers, body] of cases) {
      server.answer((_, response) => void response.writeHead(200, headers).end(body));
      expect((await faultOf(get(outbound(), server.url))).kind).toBe('encoding');
    }
  });

  it.each([
    [
      'a byte at a time',
      (write: (text: string) => void) => drip(write, 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n'),
    ],
    [
      'headers that never end',
      (write: (text: string) => void) => drip(write, 'HTTP/1.1 200 OK\r\n', 'x-more: y\r\n'),
    ],
    ['silence', () => undefined],
  ])('gives up at the total time: %s', async (_name, speak) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      speak((text) => {
        if (socket.writable) socket.write(text);
      });
    });
    open.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const began = performance.now();
    const fault = await faultOf(
      get(outbound({ timeoutMs: 300 }), `http://127.0.0.1:${port(server)}/`, 100_000),
    );
    expect(fault.kind).toBe('timeout');
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it('names a refused connection, an unknown name and what is not HTTP', async () => {
    const gone = await startScriptedServer();
    await gone.goDown();
    expect((await faultOf(get(outbound(), gone.url))).message).toMatch(/cannot be reached \(ECONNREFUSED\)/);
    const unknown: LookupFunction = (_name, _options, callback) => {
      callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), '', 4);
    };
    expect((await faultOf(get(outbound({ lookup: unknown }), 'https://idp.example/'))).kind).toBe('dns');
    const server = createServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    open.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect((await faultOf(get(outbound(), `http://127.0.0.1:${port(server)}/`))).kind).toBe('broken');
  });

  it.each([
    'http://idp.example/',
    'ftp://127.0.0.1/',
    'file:///etc/passwd',
    'https://user:secret@127.0.0.1/',
    'nonsense',
  ])('refuses the URL %s before anything is sent', async (url) => {
    const fault = await faultOf(get(outbound(), url));
    expect(fault.kind).toBe('url');
    expect(fault.message).not.toContain('secret');
  });

  describe('addresses', () => {
    it.each([
      '127.0.0.1',
      '127.8.8.8',
      '10.0.0.1',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
      '255.255.255.255',
      '168.63.129.16',
      '::1',
      '::',
      '::ffff:10.0.0.1',
      '64:ff9b::a00:1',
      'fe80::1',
      'fd00::1',
      'ff02::1',
    ])('a name that resolves to %s is refused', async (address) => {
      const lookup: LookupFunction = (_name, options, callback) => {
        const family = address.includes(':') ? 6 : 4;
        if (options.all === true) callback(null, [{ address, family }]);
        else callback(null, address, family);
      };
      const fault = await faultOf(get(outbound({ loopback: false, lookup }), 'https://idp.example/'));
      expect(fault.kind).toBe('address');
      expect(fault.message).toContain(address);
    });

    it.each([
      'https://127.0.0.1/',
      'https://[::1]/',
      'https://2130706433/',
      'https://0x7f.1/',
      'https://[::ffff:7f00:1]/',
    ])('the literal address of %s is refused', async (url) => {
      expect((await faultOf(get(outbound({ loopback: false }), url))).kind).toBe('address');
    });

    it('public addresses pass, and private ones that are allowed in so many words', () => {
      const policy = createAddressPolicy({ loopback: false, allowed: ['10.1.0.0/16', 'fd00::7'] });
      for (const address of [
        '8.8.8.8',
        '2606:4700::1',
        '64:ff9b::808:808',
        '10.1.2.3',
        '::ffff:10.1.2.3',
        'fd00::7',
      ]) {
        expect(policy.allows(address), address).toBe(true);
      }
      for (const address of ['10.2.0.1', 'fd00::8', '127.0.0.1', 'nonsense', '']) {
        expect(policy.allows(address), address).toBe(false);
      }
      expect(() => createAddressPolicy({ loopback: false, allowed: ['intranet'] })).toThrow(RangeError);
    });

    it('a name that changes its address between two connections is judged each time (rebinding)', async () => {
      await using server = await startScriptedServer({
        script: (_, response) => sendJson(response, {}),
      });
      const addresses = ['127.0.0.1', '127.0.0.2'];
      const lookup: LookupFunction = (_name, options, callback) => {
        const address = addresses.shift() ?? '127.0.0.2';
        if (options.all === true) callback(null, [{ address, family: 4 }]);
        else callback(null, address, 4);
      };
      const out = outbound({ loopback: false, allowed: ['127.0.0.1'], allowHttp: true, lookup });
      expect((await get(out, `http://idp.example:${String(server.port)}/`)).status).toBe(200);
      expect((await faultOf(get(out, `http://idp.example:${String(server.port)}/`))).kind).toBe('address');
      expect(server.seen).toHaveLength(1);
    });

    it('of several addresses only the allowed ones are tried', async () => {
      await using server = await startScriptedServer({
        script: (_, response) => sendJson(response, {}),
      });
      const lookup: LookupFunction = (_name, _options, callback) => {
        callback(null, [
          { address: '169.254.169.254', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ]);
      };
      const out = outbound({ loopback: true, allowHttp: true, lookup });
      expect((await get(out, `http://idp.example:${String(server.port)}/`)).status).toBe(200);
    });
  });

  describe('TLS', () => {
    it('refuses a certificate that nobody vouches for, whatever the environment says', async () => {
      await using server = await startScriptedServer({
        tls: selfSigned('localhost'),
        script: (_, response) => sendJson(response, {}),
      });
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
      try {
        const fault = await faultOf(get(outbound(), server.url));
        expect(fault.kind).toBe('tls');
        expect(fault.message).toMatch(/SELF_SIGNED/);
      } finally {
        delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      }
      expect(server.seen).toHaveLength(0);
    });

    it('accepts a configured authority, for the right host only', async () => {
      const tls = selfSigned('localhost');
      await using server = await startScriptedServer({
        tls,
        script: (_, response) => sendJson(response, {}),
      });
      const out = outbound({ ca: tls.cert });
      expect((await get(out, `https://localhost:${String(server.port)}/`)).status).toBe(200);
      const wrong = await faultOf(get(out, `https://127.0.0.1:${String(server.port)}/`));
      expect(wrong.kind).toBe('tls');
      expect(wrong.message).toMatch(/ALTNAME/);
    });

    it('refuses an expired certificate', async () => {
      const tls = selfSigned('localhost', { expired: true });
      await using server = await startScriptedServer({ tls });
      const fault = await faultOf(
        get(outbound({ ca: tls.cert }), `https://localhost:${String(server.port)}/`),
      );
      expect(fault.message).toMatch(/CERT_HAS_EXPIRED/);
    });
  });

  it('goes through a proxy only if it is configured, never by the environment', async () => {
    await using server = await startScriptedServer({ script: (_, response) => sendJson(response, {}) });
    let proxied = 0;
    const proxy = createServer((socket) => {
      proxied++;
      socket.on('error', () => undefined).end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n');
    });
    open.push(proxy);
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const proxyUrl = `http://127.0.0.1:${port(proxy)}`;
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
    for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : proxyUrl;
    try {
      expect((await get(outbound(), server.url)).status).toBe(200);
      expect(proxied).toBe(0);
      expect((await faultOf(get(outbound({ proxy: { url: proxyUrl } }), server.url))).kind).toBe('proxy');
      expect(proxied).toBe(1);
    } finally {
      for (const name of names) Reflect.deleteProperty(process.env, name);
    }
  });

  it('bounds what is under way and what waits; the rest is turned away at once', async () => {
    await using server = await startScriptedServer();
    let most = 0;
    let now = 0;
    server.answer(async (_, response) => {
      most = Math.max(most, ++now);
      await delay(60);
      now--;
      sendJson(response, {});
    });
    const out = outbound({ concurrency: 4, timeoutMs: 3000 });
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => get(out, server.url)));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(8);
    for (const result of results) {
      if (result.status === 'rejected') expect((result.reason as OutboundFault).kind).toBe('overload');
    }
    expect(most).toBe(4);
    expect((await get(out, server.url)).status).toBe(200);
  });

  it('counts the wait in the queue into the total time', async () => {
    await using server = await startScriptedServer({ script: () => undefined });
    const out = outbound({ concurrency: 1, timeoutMs: 400 });
    const ends: number[] = [];
    const ask = async (): Promise<void> => {
      expect((await faultOf(get(out, server.url))).kind).toBe('timeout');
      ends.push(performance.now());
    };
    await Promise.all([ask(), ask()]);
    expect((ends[1] ?? 0) - (ends[0] ?? 0)).toBeLessThan(200);
  });

  it('names a page of a browser challenge', async () => {
    await using server = await startScriptedServer();
    server.answer((_, response) => {
      response
        .writeHead(403, { 'content-type': 'text/html', server: 'cloudflare', 'cf-mitigated': 'challenge' })
        .end('<!DOCTYPE html><title>Just a moment...</title>body-canary');
    });
    const response = await get(outbound(), server.url);
    expect(() => {
      assertJsonOk(response, server.url);
    }).toThrow(/answered 403 with an HTML page \(a Cloudflare challenge/);
    expect(() => {
      assertJsonOk(response, server.url);
    }).not.toThrow(/canary/);
  });
});

function port(server: Server): string {
  return String((server.address() as AddressInfo).port);
}

function drip(write: (text: string) => void, head: string, again = 'x'): void {
  write(head);
  const timer = setInterval(() => {
    write(again);
  }, 20).unref();
  setTimeout(() => {
    clearInterval(timer);
  }, 1000).unref();
}
