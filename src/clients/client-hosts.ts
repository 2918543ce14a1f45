import { parse } from 'tldts';

/** Whether `host` is `base` or lies below it. Both as WHATWG URL gives them: lower case, punycode. */
export function isHostOrSubdomain(host: string, base: string): boolean {
  return host === base || host.endsWith(`.${base}`);
}

/** Whether a host can stand for one party: a name below a public suffix. `co.uk`, `localhost` and IP addresses cannot. */
export function isRegistrableHost(host: string): boolean {
  const { domain, isIp } = parse(host, { allowPrivateDomains: true });
  return isIp !== true && domain !== null;
}
