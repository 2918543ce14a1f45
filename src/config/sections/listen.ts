/** Where we listen: for everybody, and for the operator's own tools. */
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
    description: 'TCP port; `0` takes any free one.',
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
      "Addresses or ranges of the reverse proxies whose `X-Forwarded-For` is believed. Only the client's address is ever taken from it.",
    example: '[127.0.0.1, "::1"]',
  }),
});

export const operationsSection = z.strictObject({
  host: described(host().default('127.0.0.1'), {
    description:
      'Address of the listener for `/health/live`, `/health/ready` and `/metrics`. Has no access control: never make it public.',
  }),
  port: described(port().default(9090), { description: 'TCP port; `0` takes any free one.' }),
  hosts: described(z.array(host()).default([]), {
    description:
      'Names by which tools may ask for this listener (`Host`), beside `host` and those of loopback. If `host` is not a loopback address, every IP address is answered too. Other names get 421, so that no website can read this listener through the browser of somebody in your network (DNS rebinding).',
    example: '[gatehouse.internal]',
  }),
});
