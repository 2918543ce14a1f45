/**
 * Which addresses we connect to. A document of the IdP names further URLs, so without this an attacker who controls it (or its DNS)
 * could make us talk to our own network: loopback, private ranges, the cloud's metadata service.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface AddressPolicy {
  /** Whether a connection to this IP address (textual, v4 or v6) is allowed. */
  allows(address: string): boolean;
}

/** The well-known prefix of NAT64 (RFC 6052 §2.1): the last 32 bits are an IPv4 address. */
const NAT64 = ipaddr.IPv6.parse('64:ff9b::');

/** Addresses with public numbers that nonetheless reach a cloud's inside. */
const CLOUD_INSIDE = new Set(['168.63.129.16']);

/**
 * Public addresses are allowed, others only as said.
 * `allowed`: single addresses or CIDR ranges. Throws a RangeError on one that is neither.
 */
export function createAddressPolicy(options: {
  loopback: boolean;
  allowed: readonly string[];
}): AddressPolicy {
  const ranges = options.allowed.map(parseRange);
  return {
    allows: (address) => {
      const parsed = parseAddress(address);
      if (parsed === undefined) return false;
      if (ranges.some(([base, bits]) => base.kind() === parsed.kind() && parsed.match(base, bits)))
        return true;
      const range = parsed.range();
      if (range === 'loopback') return options.loopback;
      return range === 'unicast' && !CLOUD_INSIDE.has(parsed.toString());
    },
  };
}

/** Whether a URL's host is this machine by its very name: `localhost`, 127.0.0.0/8 or [::1]. */
export function isLoopbackHost(url: URL): boolean {
  const host = bareHost(url);
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}

/** Host of a URL, without the brackets of IPv6. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function parseRange(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    if (isIP(text) === 0) throw new RangeError();
    const address = ipaddr.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch {
    throw new RangeError(`"${text}" is neither an IP address nor a CIDR range`);
  }
}

/** IPv4 inside IPv6 (mapped, NAT64) is judged as the IPv4 address that it is. */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (!ipaddr.isValid(text)) return undefined;
  const address = ipaddr.process(text);
  if (address instanceof ipaddr.IPv6 && address.match(NAT64, 96)) {
    return ipaddr.fromByteArray(address.toByteArray().slice(12));
  }
  return address;
}
