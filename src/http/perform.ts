/** One request from its arrival to its answer, log line and count: the same for the hot look-up and for Express. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../observability/log.ts';
import { inOrigin } from '../observability/origin.ts';
import type { WriteRequestLine } from '../observability/request-log.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../protocol/clock.ts';
import type { Admission } from './admission.ts';
import { readBody } from './body.ts';
import type { BodyBounds } from './body.ts';
import { refuse } from './errors.ts';
import type { Refusal } from './errors.ts';
import { type Sharing, sharingHeaders } from './cors.ts';
import { type Reply, speaksMatrix } from './exchange.ts';
import { ClientGone, RequestFault } from './fault.ts';
import { parseForm } from './form-body.ts';
import { parseJson } from './json-body.ts';
import { namesHtml } from './media-type.ts';
import type { Operation, OperationChecks } from './openapi.ts';
import { Exchange, checkMessage, checkParams } from './request.ts';
import { respond, wireForm } from './respond.ts';

/** What every request needs. */
export interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
  readonly logRequest: WriteRequestLine;
  readonly metrics: Metrics;
  readonly bounds: BodyBounds;
  readonly admission: Admission;
  readonly addressOf: (message: IncomingMessage) => string;
  readonly nextRequestId: () => string;
  /** The public URL. */
  readonly home: string;
  /** Headers of every answer, as names and values. */
  readonly everywhere: readonly string[];
}

const noParams: Readonly<Record<string, string>> = {};

/**
 * Performs an operation on a request. Never throws and never rejects: whatever happens is an answer, or the end of a connection that nobody
 * listens on. `fault` is what is already known to be wrong with the request.
 */
export function perform(
  operation: Operation,
  message: IncomingMessage,
  response: ServerResponse,
  surroundings: Surroundings,
  params: Readonly<Record<string, string>> = noParams,
  fault?: Error,
): void {
  const { clock, nextRequestId, addressOf, admission } = surroundings;
  if (!admission.enter(message.socket, operation.shedLast)) {
    shed(operation, response, surroundings);
    return;
  }
  const exchange = new Exchange(operation, message, params, nextRequestId(), clock.monotonic(), addressOf);
  try {
    checkMessage(message);
    if (fault !== undefined) throw fault;
    operation.before?.(exchange);
    if (params !== noParams) checkParams(params);
    const answer =
      operation.body === 'none' && operation.checks === undefined
        ? inOrigin(exchange, operation.handler, exchange)
        : answerChecked(exchange, surroundings.bounds);
    if (answer instanceof Promise) {
      answer.then(
        (reply) => conclude(exchange, response, reply, surroundings),
        (error: unknown) => concludeRefused(exchange, response, error, surroundings),
      );
    } else {
      conclude(exchange, response, answer, surroundings);
    }
  } catch (error) {
    concludeRefused(exchange, response, error, surroundings);
  }
}

async function answerChecked(exchange: Exchange, bounds: BodyBounds): Promise<Reply> {
  const { operation, message, params } = exchange;
  const { headers } = message;
  if (operation.body === 'form') {
    const body = await readBody(message, bounds);
    if (body.length > 0 || operation.bodyRequired || headers['content-type'] !== undefined) {
      exchange.form = parseForm(headers['content-type'], body);
    }
  } else if (operation.body === 'json') {
    const body = await readBody(message, bounds);
    exchange.body = parseJson(headers['content-type'], body, operation.dialect === 'matrix');
    if (exchange.body === undefined && operation.bodyRequired) {
      throw new RequestFault('body', 400, 'M_NOT_JSON', 'the body must be a JSON object, and there is none');
    }
  }
  if (operation.checks?.request !== undefined) {
    const body = operation.body === 'form' ? Object.fromEntries(exchange.form) : exchange.body;
    await operation.checks.request({ params, query: exchange.query, headers, body });
  }
  const reply = await inOrigin(exchange, operation.handler, exchange);
  await operation.checks?.response?.({
    status: reply.status,
    headers: reply.headers ?? {},
    ...wireForm(reply),
  });
  return reply;
}

function conclude(
  exchange: Exchange,
  response: ServerResponse,
  reply: Reply,
  surroundings: Surroundings,
): void {
  try {
    send(exchange, response, reply, surroundings);
    record(exchange, reply.status, surroundings);
  } catch (error) {
    concludeRefused(exchange, response, error, surroundings);
  }
}

function concludeRefused(
  exchange: Exchange,
  response: ServerResponse,
  error: unknown,
  surroundings: Surroundings,
): void {
  try {
    if (error instanceof ClientGone) {
      record(exchange, undefined, surroundings, error.message);
      response.destroy();
      return;
    }
    const { operation, requestId, message } = exchange;
    const refusal = refuse(error, {
      dialect: operation.dialect,
      contentError: operation.contentError,
      bareFailures: operation.bareFailures,
      html: namesHtml(message.headers.accept),
      language: exchange.language,
      home: surroundings.home,
      requestId,
    });
    const check = operation.checks?.response;
    if (check !== undefined && refusal.reply.status < 500) {
      void checkRefusal(exchange, response, refusal, surroundings, check);
      return;
    }
    finishRefused(exchange, response, refusal, surroundings, error);
  } catch (failure) {
    surroundings.log.error({ err: failure }, 'an answer could not be sent');
    surroundings.admission.leave(exchange.message.socket);
    response.destroy();
  }
}

/** In tests a refusal must fit the document like any answer. */
async function checkRefusal(
  exchange: Exchange,
  response: ServerResponse,
  refusal: Refusal,
  surroundings: Surroundings,
  check: NonNullable<OperationChecks['response']>,
): Promise<void> {
  const { reply } = refusal;
  try {
    await check({ status: reply.status, headers: reply.headers ?? {}, ...wireForm(reply) });
    finishRefused(exchange, response, refusal, surroundings, undefined);
  } catch (error) {
    concludeRefused(exchange, response, error, surroundings);
  }
}

function finishRefused(
  exchange: Exchange,
  response: ServerResponse,
  refusal: Refusal,
  surroundings: Surroundings,
  error: unknown,
): void {
  const { reply, reason, severity } = refusal;
  const details = { request_id: exchange.requestId, operation: exchange.operationId, err: error };
  if (severity === 'bug') surroundings.log.error(details, 'unexpected error');
  else if (severity === 'unavailable') surroundings.log.warn(details, 'unavailable');
  if (response.headersSent) response.destroy();
  else send(exchange, response, reply, surroundings);
  record(exchange, reply.status, surroundings, reason);
}

function send(
  exchange: Exchange,
  response: ServerResponse,
  reply: Reply,
  { everywhere }: Pick<Surroundings, 'everywhere'>,
): void {
  if (response.destroyed || response.writableEnded) return;
  respond(response, exchange.message.method, reply, { sharing: sharingOf(exchange.operation), everywhere });
}

function sharingOf(operation: Pick<Operation, 'dialect' | 'cors' | 'method'>): Sharing {
  if (!operation.cors) return 'none';
  if (operation.method === 'OPTIONS') return 'preflight';
  return speaksMatrix(operation.dialect) ? 'matrix' : 'oauth';
}

const statusClasses = ['gone', '1xx', '2xx', '3xx', '4xx', '5xx'];

/** Refuses before anything is looked at. No log line, as there may be thousands a second; they are counted. */
export function shed(
  operation: Pick<Operation, 'dialect' | 'bareFailures' | 'cors' | 'method'>,
  response: ServerResponse,
  { metrics, everywhere }: Pick<Surroundings, 'metrics' | 'everywhere'>,
): void {
  metrics.count('requestsShed', {});
  if (response.req.socket.destroyed) return;
  const { body, type } = busy(operation);
  response.writeHead(503, [
    ...['content-type', type, 'content-length', String(body.length)],
    ...['cache-control', 'no-store', 'retry-after', '1'],
    ...everywhere,
    ...sharingHeaders[sharingOf(operation)],
  ]);
  response.end(body);
}

const BUSY = 'too much to do at the moment, try again later';

/** In the words of the mount; what ends a session at the client must not look like an error of its protocol. */
function busy({ dialect, bareFailures }: Pick<Operation, 'dialect' | 'bareFailures'>): {
  body: string;
  type: string;
} {
  const json = (body: object) => ({ body: JSON.stringify(body), type: 'application/json' });
  if (dialect === 'matrix' && !bareFailures) return json({ errcode: 'M_UNKNOWN', error: BUSY });
  if (dialect === 'oauth' && bareFailures) return json({ message: BUSY });
  if (dialect === 'oauth') return json({ error: 'temporarily_unavailable', error_description: BUSY });
  return { body: BUSY, type: 'text/plain; charset=utf-8' };
}

/** One log line and one count. `status` is `undefined` if the client left before the answer. */
function record(
  exchange: Exchange,
  status: number | undefined,
  surroundings: Surroundings,
  reason?: string,
): void {
  const { operation, annotations } = exchange;
  surroundings.admission.leave(exchange.message.socket);
  const milliseconds = surroundings.clock.monotonic() - exchange.startedAt;
  const statusClass = statusClasses[Math.floor((status ?? 0) / 100)] ?? '5xx';
  surroundings.metrics.count('httpRequests', { operation: operation.operationId, status: statusClass });
  surroundings.metrics.observe('httpDuration', { operation: operation.operationId }, milliseconds / 1000);
  // Probes and scrapes come every few seconds: nobody wants to read them.
  const level = operation.dialect === 'operations' && statusClass === '2xx' ? 'debug' : 'info';
  surroundings.logRequest(level, surroundings.clock.now(), {
    requestId: exchange.requestId,
    operation: operation.operationId,
    method: exchange.method,
    status,
    durationMs: milliseconds,
    clientAddress: exchange.clientAddress,
    clientId: annotations?.clientId,
    sessionId: annotations?.sessionId,
    userId: annotations?.userId,
    reason: annotations?.reason ?? reason,
  });
}
