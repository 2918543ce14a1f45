/** Who is asking: the address of the peer, or what a trusted proxy says of it. */
import type { IncomingMessage } from 'node:http';
import type { Server, Socket } from 'node:net';
import ipaddr from 'ipaddr.js';

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** If the listener is a Unix socket and the proxy behind it names nobody. */
const LOCAL_SOCKET = 'unix';
/** A peer over TCP that left before its address was read. It is trusted with nothing. */
const GONE = 'unknown';

/**
 * Finds the client's address. `X-Forwarded-For` counts only as far as it was written by addresses in `trustedProxies` (addresses or CIDR
 * ranges); it is read from the right, and the first address that is not trusted is the client. Whoever connects to a Unix socket is trusted.
 * Throws at once if a range cannot be read.
 */
export function createClientAddress(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  const ranges = trustedProxies.map(parseRange);
  const trusts = (address: string): boolean => {
    if (address === LOCAL_SOCKET) return true;
    if (address === GONE || ranges.length === 0) return false;
    const parsed = ipaddr.process(address);
    return ranges.some(
      ([network, bits]) =>
        parsed.kind() === network.kind() && parsed.match([network, bits] as [ipaddr.IPv4, number]),
    );
  };
  return (request) => {
    const peer = peerOf(request.socket);
    if (!trusts(peer)) return peer;
    const forwarded = request.headers['x-forwarded-for'];
    if (forwarded === undefined) return peer;
    const hops = (Array.isArray(forwarded) ? forwarded.join(',') : forwarded).split(',');
    let client = peer;
    for (const hop of hops.reverse()) {
      const address = normalise(withoutPort(hop.trim()));
      // What cannot be read was not written by a proxy that we know.
      if (address === undefined) return client;
      client = address;
      if (!trusts(client)) return client;
    }
    return client;
  };
}

const peers = new WeakMap<Socket, string>();

/**
 * The address at the other end of a connection, as it was when this was first asked. A peer that has gone has no address any more, as has one on a
 * Unix socket; which of the two it is, the listener tells: who may name others must not depend on who hangs up.
 */
export function peerOf(socket: Socket): string {
  const known = peers.get(socket);
  if (known !== undefined) return known;
  const peer = normalise(socket.remoteAddress) ?? (isOnUnixSocket(socket) ? LOCAL_SOCKET : GONE);
  peers.set(socket, peer);
  return peer;
}

/** Node sets `server` on every connection that a server took; the address of a server on a Unix socket is its path. */
function isOnUnixSocket(socket: Socket & { readonly server?: Pick<Server, 'address'> }): boolean {
  return typeof socket.server?.address() === 'string';
}

/** A prefix under which an address is counted, and how many times as much as one host it may ask for. */
export interface AddressPrefix {
  readonly key: string;
  readonly hosts: 1 | 4 | 16;
}

/**
 * The prefixes of an address, the narrowest first. In IPv6 a host has a /64, a household often a /56, and whoever asks a provider for more a /48; in IPv4 a /24 is
 * the smallest network that is announced on its own. What is no address is counted as itself.
 */
export function addressPrefixes(address: string): readonly AddressPrefix[] {
  if (!ipaddr.isValid(address)) return [{ key: address, hosts: 1 }];
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return prefixesOfIpv4((parsed as ipaddr.IPv4).octets);
  const { parts } = parsed as ipaddr.IPv6;
  // Translated from IPv4 on the way to us (RFC 6052): everybody would be in one /64.
  if (parsed.range() === 'rfc6052') {
    return prefixesOfIpv4(parts.slice(6).flatMap((part) => [part >> 8, part & 255]));
  }
  const [a = 0, b = 0, c = 0, d = 0] = parts;
  const prefix = (numbers: readonly number[], bits: number): string =>
    `${numbers.map((number) => number.toString(16)).join(':')}::/${String(bits)}`;
  return [
    { key: prefix([a, b, c, d], 64), hosts: 1 },
    { key: prefix([a, b, c, d & 0xff00], 56), hosts: 4 },
    { key: prefix([a, b, c], 48), hosts: 16 },
  ];
}

function prefixesOfIpv4(octets: readonly number[]): readonly AddressPrefix[] {
  return [
    { key: octets.join('.'), hosts: 1 },
    { key: `${octets.slice(0, 3).join('.')}.0/24`, hosts: 16 },
  ];
}

function parseRange(text: string): Range {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch (cause) {
    throw new Error(`trusted_proxies: "${text}" is neither an address nor a CIDR range`, { cause });
  }
}

/** An address in its one spelling, IPv4 out of IPv6; `undefined` if it is none. */
function normalise(address: string | undefined): string | undefined {
  if (address === undefined || !ipaddr.isValid(address)) return undefined;
  return ipaddr.process(address).toString();
}

/** Some proxies add the port: `192.0.2.1:1234`, `[2001:db8::1]:1234`. */
function withoutPort(hop: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(hop);
  if (bracketed?.[1] !== undefined) return bracketed[1];
  return /^\d+\.\d+\.\d+\.\d+:\d+$/.test(hop) ? hop.slice(0, hop.indexOf(':')) : hop;
}
