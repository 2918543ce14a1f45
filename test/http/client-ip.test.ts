import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { addressPrefixes, createClientAddress } from '../../src/http/client-ip.ts';
import { startApp } from './support.ts';

type Listener = string | AddressInfo | null;

const overTcp: AddressInfo = { address: '127.0.0.1', family: 'IPv4', port: 8090 };

const address = (
  trusted: string[],
  peer: string | undefined,
  forwarded?: string,
  listener: Listener = overTcp,
): string =>
  createClientAddress(trusted)({
    socket: { remoteAddress: peer, server: { address: () => listener } },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  } as unknown as IncomingMessage);

describe("the client's address", () => {
  it('is the peer, whatever it says of itself, unless the peer is trusted', () => {
    expect(address([], '192.0.2.1', '203.0.113.9')).toBe('192.0.2.1');
    expect(address(['10.0.0.0/8'], '192.0.2.1', '203.0.113.9')).toBe('192.0.2.1');
    expect(address([], '::ffff:192.0.2.1')).toBe('192.0.2.1');
  });

  it('is the last address that a trusted proxy did not write itself', () => {
    const trusted = ['10.0.0.0/8', '::1', '2001:db8::/32'];
    expect(address(trusted, '10.0.0.1', '203.0.113.9')).toBe('203.0.113.9');
    expect(address(trusted, '::ffff:10.0.0.1', '1.1.1.1, 203.0.113.9, 10.9.9.9')).toBe('203.0.113.9');
    expect(address(trusted, '::1', '2001:db8::5, 10.1.1.1')).toBe('2001:db8::5');
    expect(address(trusted, '10.0.0.1')).toBe('10.0.0.1');
  });

  it('stops at what cannot be read, and understands ports', () => {
    expect(address(['10.0.0.1'], '10.0.0.1', '203.0.113.9, unknown')).toBe('10.0.0.1');
    expect(address(['10.0.0.1'], '10.0.0.1', '203.0.113.9:1234')).toBe('203.0.113.9');
    expect(address(['10.0.0.1'], '10.0.0.1', '[2001:db8::7]:1234')).toBe('2001:db8::7');
    expect(address(['10.0.0.1'], '10.0.0.1', '<script>')).toBe('10.0.0.1');
  });

  it('comes from the proxy where the listener is a Unix socket', () => {
    expect(address([], undefined, '203.0.113.9', '/run/gatehouse.sock')).toBe('203.0.113.9');
    expect(address([], undefined, undefined, '/run/gatehouse.sock')).toBe('unix');
  });

  it.each<[string, string[], Listener, string]>([
    ['without trusted proxies', [], overTcp, 'unknown'],
    ['with trusted proxies', ['10.0.0.0/8'], overTcp, 'unknown'],
    ['where all of IPv4 is trusted', ['0.0.0.0/0'], overTcp, 'unknown'],
    ['where all of IPv6 is trusted', ['::/0'], overTcp, 'unknown'],
    ['on a listener that is closed', ['10.0.0.0/8'], null, 'unknown'],
    ['on a Unix socket', [], '/run/gatehouse.sock', '203.0.113.9'],
    ['on an abstract Unix socket', [], '\0gatehouse', '203.0.113.9'],
  ])('of a peer that has gone, %s, is what the listener allows', (_, trusted, listener, expected) => {
    expect(address(trusted, undefined, '203.0.113.9', listener)).toBe(expected);
  });

  it('is not what a peer claims who resets the connection', async () => {
    await using app = await startApp({ trustedProxies: [] });
    const { hostname, port } = new URL(app.url);
    for (let count = 0; count < 100; count++) {
      await new Promise<void>((resolve, reject) => {
        const socket = connect(Number(port), hostname, () => {
          socket.write(
            'GET /_matrix/client/v3/thing HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n',
            () => socket.resetAndDestroy(),
          );
        });
        socket.once('error', reject).once('close', () => {
          resolve();
        });
      });
    }
    await fetch(`${app.url}/_matrix/client/v3/thing`);
    const addresses = new Set(app.logged.lines().map((line) => line['client_address']));
    expect(addresses).toContain('127.0.0.1');
    expect(addresses).not.toContain('203.0.113.9');
    expect(addresses).not.toContain('unix');
  });

  it('is refused at start where a range cannot be read', () => {
    expect(() => createClientAddress(['10.0.0.0/99'])).toThrow('trusted_proxies: "10.0.0.0/99"');
    expect(() => createClientAddress(['proxy'])).toThrow('trusted_proxies');
  });

  it('reaches handlers and the log', async () => {
    await using app = await startApp({ trustedProxies: ['127.0.0.1'] });
    const answer = await fetch(`${app.url}/_matrix/client/v3/thing`, {
      headers: { 'x-forwarded-for': '203.0.113.9', x_forwarded_for: '1.1.1.1' },
    });
    expect(await answer.json()).toMatchObject({ address: '203.0.113.9' });
    expect(app.logged.lines().at(-1)).toMatchObject({ client_address: '203.0.113.9' });
  });

  it.each([
    ['2001:db8:1:2f34:3:4:5:6', ['2001:db8:1:2f34::/64', '2001:db8:1:2f00::/56', '2001:db8:1::/48']],
    ['2001:db8::1', ['2001:db8:0:0::/64', '2001:db8:0:0::/56', '2001:db8:0::/48']],
    ['192.0.2.1', ['192.0.2.1', '192.0.2.0/24']],
    ['::ffff:192.0.2.1', ['192.0.2.1', '192.0.2.0/24']],
    ['64:ff9b::c000:201', ['192.0.2.1', '192.0.2.0/24']],
    ['unix', ['unix']],
  ])('is counted by its prefixes: %s', (address, keys) => {
    expect(addressPrefixes(address).map(({ key }) => key)).toEqual(keys);
  });
});
