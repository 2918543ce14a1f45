/** The addresses to listen on: the public one, and the one for the operator's tools. */
import { z } from 'zod';
import ipaddr from 'ipaddr.js';
import { addressRangeFault, described, line, textRule } from '../fields.ts';

function hostFault(text: string): string | undefined {
  if (ipaddr.isValid(text) || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text)) return undefined;
  return 'must be an IP address or a host name, without scheme, port or brackets';
}

const host = (): z.ZodString => textRule(hostFault);
const port = (): z.ZodInt => z.int().min(0).max(65535);

export const listenSection = z.strictObject({
  host: described(host().optional(), {
    description: 'Address to listen on.',
    fallback: '`127.0.0.1`',
    example: '127.0.0.1',
  }),
  port: described(port().optional(), {
    description: 'TCP port; `0` chooses a free one.',
    fallback: '`8090`',
    example: '8090',
  }),
  socket: described(line().optional(), {
    description: 'Unix socket to listen on, instead of `host` and `port`.',
    example: '/run/gatehouse/gatehouse.sock',
    path: true,
  }),
  trusted_proxies: described(z.array(textRule(addressRangeFault)).default([]), {
    description:
      "Addresses or ranges of the reverse proxies that may set `X-Forwarded-For`. Only the client's address is read from it.",
    example: '[127.0.0.1, "::1"]',
  }),
});

export const operationsSection = z.strictObject({
  host: described(host().default('127.0.0.1'), {
    description:
      'Address of the listener for `/health/live`, `/health/ready` and `/metrics`. It has no access control: never make it public.',
  }),
  port: described(port().default(9090), { description: 'TCP port; `0` chooses a free one.' }),
  hosts: described(z.array(host()).default([]), {
    description:
      'Additional host names under which tools may reach this listener (`Host`). `host`, loopback names and, if `host` is not a loopback address, every IP address are always accepted. Other names get 421, so that no website can read this listener through the browser of somebody in your network (DNS rebinding).',
    example: '[gatehouse.internal]',
  }),
});
