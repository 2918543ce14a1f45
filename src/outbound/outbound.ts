/**
 * The one way out to the IdP. Every request has a total time, a byte cap, no redirects, https (except for what is explicitly
 * words), and a connection only to addresses that the policy allows, judged on what the name resolved to for this very connection.
 */
import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import type { Clock } from '../protocol/clock.ts';
import { bareHost, isLoopbackHost, type AddressPolicy } from '../protocol/addresses.ts';
import { readBody } from './body.ts';
import { createGate } from './gate.ts';
import { faultOf, OutboundFault, plainUrl } from './outbound-fault.ts';
import { createTunnel, type ForwardProxy } from './proxy.ts';
import { createTrust } from './trust.ts';

const USER_AGENT = 'Gatehouse/1 (Matrix sign-in; matrix-gatehouse)';

/** What a request to an identity provider is for. */
export type OutboundPurpose = 'metadata' | 'jwks' | 'token' | 'userinfo' | 'introspection' | 'tokeninfo';

/** What became of a request: `ok` for 2xx, `not_modified` for 304, `refused` for 4xx, `failed` for any other status and where no answer came. */
export interface OutboundOutcome {
  readonly purpose: OutboundPurpose;
  readonly outcome: 'ok' | 'not_modified' | 'refused' | 'failed';
  readonly seconds: number;
}

export interface OutboundOptions {
  readonly clock: Clock;
  readonly addresses: AddressPolicy;
  /** http: to other hosts than this machine. Default false. */
  readonly allowHttp?: boolean | undefined;
  /** Total time of a request, from the queue to the last byte, in milliseconds. Default 5000. */
  readonly timeoutMs?: number | undefined;
  /** Requests under way at once, and as many again that wait. Default 64. */
  readonly concurrency?: number | undefined;
  /** PEM certificates trusted besides Node's and the system's, of the IdP and of an https proxy. */
  readonly ca?: string | undefined;
  /** Forward proxy; none by default, whatever the environment says. The proxy then resolves names: addresses are judged only if the URL has one. */
  readonly proxy?: ForwardProxy | undefined;
  /** Told of every request that has a purpose. */
  readonly onOutcome?: ((outcome: OutboundOutcome) => void) | undefined;
  /** Name resolution; Node's own by default. */
  readonly lookup?: LookupFunction | undefined;
}

export interface OutboundRequest {
  readonly purpose?: OutboundPurpose | undefined;
  readonly url: string;
  readonly method?: 'GET' | 'POST' | 'OPTIONS' | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** Cap on the body, counted after decompression. */
  readonly maxBytes: number;
  /** `answer`: a redirect is an answer like any other, without its body; it is never followed either way. Default `refuse`. */
  readonly redirects?: 'refuse' | 'answer' | undefined;
}

export interface OutboundResponse {
  readonly status: number;
  /** Lower-case names; several fields of a name are joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** Strict UTF-8; empty for 204 and 304. */
  readonly text: string;
  /** Monotonic time at which the request began: the cautious start of the answer's age (RFC 9111 §4.2.3). */
  readonly requestedAt: number;
}

export interface Outbound {
  /** Throws {@link OutboundFault} if there was no response; any status is an answer, a redirect only if the request says so. */
  send(request: OutboundRequest): Promise<OutboundResponse>;
  close(): Promise<void>;
}

/** One per provider: what one IdP is allowed, another is not, and a slow one does not hold up the others. */
export function createOutbound(options: OutboundOptions): Outbound {
  const timeoutMs = options.timeoutMs ?? 5000;
  const concurrency = options.concurrency ?? 64;
  const gate = createGate(concurrency, concurrency);
  const dispatcher = createDispatcher(options, timeoutMs, concurrency);
  let closed = false;

  return {
    async send(request) {
      const url = judgeUrl(request.url, options);
      const requestedAt = options.clock.monotonic();
      const { signal, reached, clear } = deadline(timeoutMs);
      let outcome: OutboundOutcome['outcome'] = 'failed';
      try {
        const release = await gate.enter(signal);
        // A connection that is still being made lets go of its request late: the caller does not wait for that, the gate does.
        const answer = exchange(dispatcher, url, request, signal).finally(release);
        const response = await Promise.race([answer, reached]);
        outcome = outcomeOf(response.status);
        return { ...response, requestedAt };
      } catch (error) {
        if (closed) throw new OutboundFault('closed', 'the service is stopping');
        throw faultOf(error, url, timeoutMs, signal.aborted);
      } finally {
        clear();
        const { purpose } = request;
        const seconds = (options.clock.monotonic() - requestedAt) / 1000;
        if (purpose !== undefined) options.onOutcome?.({ purpose, outcome, seconds });
      }
    },
    close: () => {
      closed = true;
      return dispatcher.destroy();
    },
  };
}

function outcomeOf(status: number): OutboundOutcome['outcome'] {
  if (status === 304) return 'not_modified';
  if (status >= 200 && status < 300) return 'ok';
  return status >= 400 && status < 500 ? 'refused' : 'failed';
}

/** Unlike `AbortSignal.timeout` it keeps the process alive meanwhile: a command must not end in the middle of its question. */
function deadline(timeoutMs: number): { signal: AbortSignal; reached: Promise<never>; clear: () => void } {
  const controller = new AbortController();
  const { promise: reached, reject } = Promise.withResolvers<never>();
  reached.catch(() => undefined);
  const timer = setTimeout(() => {
    controller.abort();
    reject(controller.signal.reason as Error);
  }, timeoutMs);
  return {
    signal: controller.signal,
    reached,
    clear: () => {
      clearTimeout(timer);
    },
  };
}

/** Each request has a connection of its own: they are rare, and a kept connection that the IdP closes at the wrong moment would cost a login. */
function createDispatcher(options: OutboundOptions, timeoutMs: number, concurrency: number): Dispatcher {
  const limits = {
    pipelining: 0,
    connections: concurrency,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  };
  const trust = createTrust(options.ca);
  if (options.proxy !== undefined) {
    return new Agent({ ...limits, connect: createTunnel(options.proxy, trust, timeoutMs) });
  }
  const lookup = guardedLookup(options.lookup ?? systemLookup, options.addresses);
  let made: buildConnector.connector | undefined;
  const connect: buildConnector.connector = (target, callback) => {
    made ??= buildConnector({
      rejectUnauthorized: true,
      secureContext: trust(),
      timeout: timeoutMs,
      allowH2: false,
      lookup,
    });
    made(target, callback);
  };
  return new Agent({
    ...limits,
    connect: (target, callback) => {
      connect(target, (...result) => {
        const [error, socket] = result;
        if (error !== null) callback(error, null);
        else if (options.addresses.allows(socket.remoteAddress ?? '')) callback(null, socket);
        else {
          socket.destroy();
          callback(forbidden(target.hostname, socket.remoteAddress ?? 'an unknown address'), null);
        }
      });
    },
  });
}

/** Resolves like `lookup`, leaving out what the policy forbids. The connection goes to exactly these addresses: nothing resolves twice. */
function guardedLookup(lookup: LookupFunction, addresses: AddressPolicy): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, [], 0);
        return;
      }
      const all = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }];
      const good = all.filter((candidate) => addresses.allows(candidate.address));
      const [first] = good;
      if (first === undefined)
        callback(forbidden(hostname, all.map((each) => each.address).join(', ')), [], 0);
      else if (options.all === true) callback(null, good);
      else callback(null, first.address, first.family);
    });
  };
}

function forbidden(hostname: string, address: string): OutboundFault {
  return new OutboundFault(
    'address',
    `${hostname} is at ${address}, which is no public address: if that is right, name it in allow_addresses`,
  );
}

function judgeUrl(text: string, options: OutboundOptions): URL {
  const url = URL.parse(text);
  if (url === null) throw new OutboundFault('url', 'the URL cannot be parsed');
  if (url.username !== '' || url.password !== '') {
    throw new OutboundFault('url', `${plainUrl(url)}: credentials in a URL are refused`);
  }
  const secure = url.protocol === 'https:';
  if (!secure && (url.protocol !== 'http:' || !(options.allowHttp === true || isLoopbackHost(url)))) {
    throw new OutboundFault('url', `${plainUrl(url)}: only https is allowed`);
  }
  const host = bareHost(url);
  if (isIP(host) !== 0 && !options.addresses.allows(host)) throw forbidden(host, host);
  return url;
}

async function exchange(
  dispatcher: Dispatcher,
  url: URL,
  request: OutboundRequest,
  signal: AbortSignal,
): Promise<Omit<OutboundResponse, 'requestedAt'>> {
  const response = await dispatcher.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: request.method ?? 'GET',
    headers: { 'user-agent': USER_AGENT, 'accept-encoding': 'gzip, br', ...request.headers },
    body: request.body ?? null,
    signal,
  });
  const status = response.statusCode;
  const headers = joinHeaders(response.headers);
  // Destroying is how a body that nobody wants is let go; its error has no reader.
  const discard = (): void => {
    response.body.on('error', () => undefined).destroy();
  };
  if (status >= 300 && status < 400 && status !== 304) {
    discard();
    if (request.redirects === 'answer') return { status, headers, text: '' };
    const target = URL.parse(headers['location'] ?? '', url.href);
    throw new OutboundFault(
      'redirect',
      `${plainUrl(url)} answered ${status}, a redirect${target === null ? '' : ` to ${plainUrl(target)}`}; redirects are not followed`,
      { status },
    );
  }
  if (status === 204 || status === 304) {
    discard();
    return { status, headers, text: '' };
  }
  try {
    const text = await readBody(response.body, {
      encoding: headers['content-encoding'],
      announcedBytes: headers['content-length'],
      maxBytes: request.maxBytes,
      where: plainUrl(url),
    });
    return { status, headers, text };
  } catch (error) {
    discard();
    throw error;
  }
}

function joinHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return joined;
}
