/**
 * A tunnel through a forward proxy (RFC 9110 section 9.3.6), for http and https alike: what the proxy itself answers is never taken for
 * an answer of the IdP, and its credentials never go further than to it.
 */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import { bareHost } from '../protocol/addresses.ts';
import { faultOf, OutboundFault, plainUrl } from './outbound-fault.ts';

export interface ForwardProxy {
  /** http or https. */
  readonly url: string;
  /** For Basic authentication (RFC 7617). */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** The part of the total time that the proxy has: less than all of it, so that a proxy that hangs is named. */
const SHARE = 0.8;

/** Connects to the targets of an undici agent by way of the proxy. Throws what it finds wrong with the proxy as a fault of kind `proxy`. */
export function createTunnel(
  proxy: ForwardProxy,
  trust: () => SecureContext,
  timeoutMs: number,
): buildConnector.connector {
  const url = new URL(proxy.url);
  let endpoint: buildConnector.connector | undefined;
  return (target, callback) => {
    openTunnel(proxy, url, authorityOf(target), trust, timeoutMs * SHARE).then(
      (socket) => {
        if (target.protocol !== 'https:') {
          callback(null, socket);
          return;
        }
        endpoint ??= buildConnector({
          rejectUnauthorized: true,
          secureContext: trust(),
          timeout: timeoutMs,
          allowH2: false,
        });
        endpoint({ ...target, httpSocket: socket }, callback);
      },
      (error: unknown) => {
        callback(error as Error, null);
      },
    );
  };
}

function authorityOf({ hostname, port, protocol }: buildConnector.Options): string {
  return `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`;
}

function openTunnel(
  proxy: ForwardProxy,
  url: URL,
  authority: string,
  trust: () => SecureContext,
  timeoutMs: number,
): Promise<Socket> {
  const host = bareHost(url);
  const common = {
    method: 'CONNECT',
    host,
    path: authority,
    headers: { host: authority, ...credentialsOf(proxy, url) },
    agent: false,
  };
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const tls = (): object => ({ secureContext: trust(), ...(isIP(host) === 0 ? { servername: host } : {}) });
  const request =
    url.protocol === 'https:'
      ? requestHttps({
          ...common,
          port: url.port === '' ? 443 : url.port,
          rejectUnauthorized: true,
          ...tls(),
        })
      : requestHttp({ ...common, port: url.port === '' ? 80 : url.port });
  const timer = setTimeout(() => {
    request.destroy(new OutboundFault('proxy', `the proxy ${plainUrl(url)} did not answer in time`));
  }, timeoutMs);
  request
    .once('connect', ({ statusCode = 0 }, socket: Socket, head) => {
      clearTimeout(timer);
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.on('error', () => undefined).destroy();
      reject(refusalOf(url, authority, statusCode));
    })
    .once('response', (response) => {
      clearTimeout(timer);
      response.resume();
      request.destroy();
      reject(refusalOf(url, authority, response.statusCode ?? 0));
    })
    .on('error', (error) => {
      clearTimeout(timer);
      reject(unreachable(error, url, timeoutMs));
    })
    .end();
  return promise;
}

function credentialsOf(proxy: ForwardProxy, url: URL): Record<string, string> {
  const username = proxy.username ?? decodeURIComponent(url.username);
  const password = proxy.password ?? decodeURIComponent(url.password);
  if (username === '' && password === '') return {};
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  return { 'proxy-authorization': `Basic ${basic}` };
}

/** What the proxy's own answer says. It is no status of the IdP, so the fault has none. */
function refusalOf(url: URL, authority: string, status: number): OutboundFault {
  const why =
    status === 407
      ? 'it wants a user name and a password, or other ones: proxy.username and proxy.password_file'
      : status === 403
        ? `it does not allow a connection to ${authority}`
        : `it could not connect to ${authority}`;
  return new OutboundFault('proxy', `the proxy ${plainUrl(url)} answered ${status}: ${why}`, {
    isLasting: status === 407 || status === 403,
  });
}

function unreachable(error: unknown, url: URL, timeoutMs: number): OutboundFault {
  if (error instanceof OutboundFault) return error;
  return new OutboundFault('proxy', `the proxy fails: ${faultOf(error, url, timeoutMs, false).message}`);
}
