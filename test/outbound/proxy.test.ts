import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createAddressPolicy } from '../../src/protocol/addresses.ts';
import { OutboundFault } from '../../src/outbound/outbound-fault.ts';
import { createOutbound } from '../../src/outbound/outbound.ts';
import type { ForwardProxy } from '../../src/outbound/proxy.ts';
import { systemClock } from '../../src/protocol/clock.ts';
import { selfSigned } from '../upstream/support/certificates.ts';
import { sendJson, startScriptedServer } from '../upstream/support/scripted-server.ts';
import { freePort } from '../support/free-port.ts';
import { startForwardProxy } from './forward-proxy.ts';

/** One request by way of the proxy: the status of the answer, or the fault. */
async function ask(url: string, proxy: ForwardProxy, ca?: string): Promise<number | OutboundFault> {
  const addresses = createAddressPolicy({ loopback: true, allowed: [] });
  const out = createOutbound({ clock: systemClock, addresses, timeoutMs: 1500, proxy, ca });
  try {
    return (await out.send({ url, maxBytes: 1000 })).status;
  } catch (error) {
    if (error instanceof OutboundFault) return error;
    throw error;
  } finally {
    await out.close();
  }
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('a forward proxy', () => {
  test.each([
    ['http', 'http'],
    ['http', 'https'],
    ['https', 'http'],
    ['https', 'https'],
  ])('over %s leads to a provider over %s, with the one authority for both', async (outer, inner) => {
    const tls = selfSigned('localhost');
    await using server = await startScriptedServer({
      ...(inner === 'https' ? { tls } : {}),
      script: (_, response) => sendJson(response, {}),
    });
    await using proxy = await startForwardProxy(outer === 'https' ? { tls } : {});
    const url = `${inner}://localhost:${String(server.port)}/a`;
    const through = { url: `${outer}://localhost:${String(proxy.port)}` };
    expect(await ask(url, through, tls.cert)).toBe(200);
    expect(proxy.asked).toEqual([{ target: `localhost:${String(server.port)}`, credentials: undefined }]);
    expect(server.seen).toHaveLength(1);
  });

  test.each<[name: string, proxy: Partial<ForwardProxy>, credentials: string]>([
    ['of the settings', { username: 'gate', password: 'p:ä' }, basic('gate:p:ä')],
    ['without a password', { username: 'gate' }, basic('gate:')],
    ['of the URL', { url: 'http://gate:p%3Aw@127.0.0.1' }, basic('gate:p:w')],
  ])('is told the credentials %s, and the provider is not', async (_name, given, credentials) => {
    await using server = await startScriptedServer({ script: (_, response) => sendJson(response, {}) });
    await using proxy = await startForwardProxy({ credentials });
    const url = `${given.url ?? 'http://127.0.0.1'}:${String(proxy.port)}`;
    expect(await ask(server.url, { ...given, url })).toBe(200);
    expect(proxy.asked[0]?.credentials).toBe(credentials);
    expect(server.seen[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  test.each<[name: string, options: Parameters<typeof startForwardProxy>[0], says: RegExp]>([
    ['wants credentials', { status: 407 }, /answered 407: .*proxy\.username/],
    ['forbids the target', { status: 403 }, /answered 403: it does not allow a connection to 127/],
    ['cannot reach the target', { status: 502 }, /answered 502: it could not connect to 127/],
    ['is an ordinary web server', { status: 404 }, /answered 404/],
    ['does not answer', { silent: true }, /did not answer in time/],
    ['speaks TLS', { tls: selfSigned('localhost') }, /broke off|not HTTP/],
  ])('that %s is named as the proxy', async (_name, options, says) => {
    await using server = await startScriptedServer();
    await using proxy = await startForwardProxy(options);
    const fault = await ask(server.url, {
      url: `http://127.0.0.1:${String(proxy.port)}`,
      username: 'gate',
      password: 'hidden',
    });
    expect(fault).toMatchObject({ kind: 'proxy', status: undefined });
    const { message } = fault as OutboundFault;
    expect(message).toContain(`http://127.0.0.1:${String(proxy.port)}`);
    expect(message).toMatch(says);
    expect(message).not.toContain('hidden');
    expect(server.seen).toHaveLength(0);
  });

  test('that is down, or whose certificate nobody vouches for, is named as the proxy', async () => {
    const down = await freePort();
    expect(await ask('http://127.0.0.1:9/', { url: `http://127.0.0.1:${String(down)}` })).toMatchObject({
      kind: 'proxy',
      message: expect.stringMatching(/^the proxy fails: .*ECONNREFUSED/) as string,
    });
    await using proxy = await startForwardProxy({ tls: selfSigned('localhost') });
    const fault = await ask('http://127.0.0.1:9/', { url: `https://localhost:${String(proxy.port)}` });
    expect(fault).toMatchObject({
      kind: 'proxy',
      message: expect.stringMatching(/^the proxy fails: .*certificate/) as string,
    });
    expect(proxy.asked).toHaveLength(0);
  });

  test("is not blamed for the provider's certificate", async () => {
    await using server = await startScriptedServer({ tls: selfSigned('localhost') });
    await using proxy = await startForwardProxy();
    const url = `https://localhost:${String(server.port)}/`;
    expect(await ask(url, { url: `http://127.0.0.1:${String(proxy.port)}` })).toMatchObject({ kind: 'tls' });
  });
});

test.each([
  ['alone', undefined],
  ['beside those of `ca_file`', selfSigned('elsewhere').cert],
])("the system's authorities count, %s", async (_name, ca) => {
  const tls = selfSigned('localhost');
  await using server = await startScriptedServer({ tls, script: (_, response) => sendJson(response, {}) });
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-trust-'));
  try {
    const store = join(folder, 'system.pem');
    writeFileSync(store, tls.cert);
    // The system's store is read once per process, so it takes one of its own.
    const source = (file: string): string =>
      JSON.stringify(new URL(`../../src/${file}`, import.meta.url).href);
    const script = `
      import { createOutbound } from ${source('outbound/outbound.ts')};
      import { createAddressPolicy } from ${source('protocol/addresses.ts')};
      import { systemClock } from ${source('protocol/clock.ts')};
      const addresses = createAddressPolicy({ loopback: true, allowed: [] });
      const out = createOutbound({ clock: systemClock, addresses, ca: ${JSON.stringify(ca)} });
      const answer = await out.send({ url: 'https://localhost:${String(server.port)}/', maxBytes: 1000 });
      console.log(answer.status);`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', script],
      { env: { PATH: process.env['PATH'], SSL_CERT_FILE: store } },
    );
    expect(stdout.trim()).toBe('200');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
