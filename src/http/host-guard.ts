/**
 * Which `Host` a listener without access control answers. A website in a browser of this network can have its own name lead to our address (DNS
 * rebinding), and could then read what stands here as if it were its own; but the browser still says that name.
 */
import type { RequestListener } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { respond } from './respond.ts';

export interface HostRules {
  /** Where the listener listens. */
  readonly host: string;
  /** Names and addresses that count beside it and those of loopback. */
  readonly hosts: readonly string[];
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Answers 421 (RFC 9110 section 15.5.20) if the request is for another host. A request without one is of no browser. */
export function guardHost(listener: RequestListener, rules: HostRules): RequestListener {
  const isKnown = hostJudge(rules);
  return (request, response) => {
    const { host } = request.headers;
    if (host === undefined || isKnown(host)) {
      listener(request, response);
      return;
    }
    const message =
      'this listener does not answer for the host that was asked for: add it to operations.hosts if it is yours';
    respond(response, request.method, { status: 421, body: { message } }, { sharing: 'none' });
  };
}

/**
 * Whether the value of a `Host` header is one of our own names. If we listen beyond loopback, as for a container's probes, every IP address is: a browser
 * that shows an address in its URL was led by no name.
 */
function hostJudge({ host, hosts }: HostRules): (header: string) => boolean {
  const known = new Set([host, ...hosts].map(plain));
  const isPublic = !isLoopback(plain(host));
  return (header) => {
    const name = nameOf(header);
    if (name === undefined) return false;
    return known.has(name) || isLoopback(name) || (isPublic && isIP(name) !== 0);
  };
}

/** Host and port apart; undefined for what is neither. */
function nameOf(header: string): string | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(header);
  const name = match?.[1] ?? match?.[2];
  return name === undefined ? undefined : plain(name);
}

/** One spelling for each name: in lower case, without the dot of the root. */
function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function isLoopback(name: string): boolean {
  const family = isIP(name);
  if (family === 0) return name === 'localhost' || name.endsWith('.localhost');
  return LOOPBACK.check(name, family === 4 ? 'ipv4' : 'ipv6');
}
