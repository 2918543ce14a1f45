/** One call to the homeserver: sent again if its answer was lost, judged by status and errcode, and `Unavailable` for all that is not an answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outbound, OutboundResponse } from '../outbound/outbound.ts';
import { OutboundFault } from '../outbound/outbound-fault.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { parseJsonObject } from '../protocol/strict-json.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { createCircuit } from './circuit.ts';

export interface CallDeps {
  readonly outbound: Outbound;
  readonly clock: Clock;
  readonly random: Random;
  /** Base URL of the homeserver. */
  readonly url: string;
  readonly secret: string;
}

export interface Call {
  /** Below the base URL. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON by POST; without it the call is a GET. */
  readonly body?: object;
  /** An access token, in place of the shared secret. */
  readonly accessToken?: string;
}

/** What the homeserver said. */
export type Said =
  | { readonly kind: 'done'; readonly body: Readonly<Record<string, unknown>> }
  /** 404 `M_NOT_FOUND`: the user or the device is not there. */
  | { readonly kind: 'not_found' }
  /** 400 with this errcode. */
  | { readonly kind: 'refused'; readonly errcode: string };

/** Why a call brought nothing, for the log: exact, without secrets. */
export class HomeserverFault extends Error {
  override readonly name = 'HomeserverFault';
}

const WHAT = 'the homeserver';
const MAX_ANSWER = 1024 * 1024;
/** How often a call is made before it is given up, and the longest wait between two, in milliseconds. */
const ATTEMPTS = 3;
const LONGEST_PAUSE = 400;

/** Calls one homeserver. Every call is idempotent, so that one whose answer was lost is made again. Throws `Unavailable`. */
export function createCaller(deps: CallDeps): (call: Call) => Promise<Said> {
  const circuit = createCircuit(deps.clock);
  return async (call) => {
    for (let attempt = 1; ; attempt++) {
      const rest = circuit.rest();
      if (rest > 0) {
        throw new Unavailable(WHAT, {
          cause: new HomeserverFault('it has failed several times in a row and is left alone for a moment'),
          retryAfterSeconds: rest / 1000,
        });
      }
      const { said, fault, again, retryAfterSeconds, isLasting = false } = await attemptCall(deps, call);
      if (said !== undefined) {
        circuit.succeeded();
        return said;
      }
      circuit.failed();
      if (!again || attempt === ATTEMPTS) {
        throw new Unavailable(WHAT, {
          cause: fault,
          ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
          isLasting,
        });
      }
      await sleep(((deps.random(1)[0] ?? 0) / 255) * LONGEST_PAUSE);
    }
  };
}

interface Attempt {
  readonly said?: Said;
  readonly fault?: HomeserverFault;
  /** Whether the next attempt may fare better. */
  readonly again?: boolean;
  readonly retryAfterSeconds?: number | undefined;
  /** Only a correction of the set-up cures it. */
  readonly isLasting?: boolean;
}

async function attemptCall({ outbound, url, secret }: CallDeps, call: Call): Promise<Attempt> {
  const { path, query, body, accessToken } = call;
  const target = endpointUrl(url, path);
  try {
    const answer = await outbound.send({
      url: query === undefined ? target : `${target}?${new URLSearchParams(query).toString()}`,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${accessToken ?? secret}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      maxBytes: MAX_ANSWER,
    });
    return judge(answer, call);
  } catch (error) {
    if (!(error instanceof OutboundFault)) throw error;
    const { kind, message: text, isLasting } = error;
    return {
      fault: new HomeserverFault(text),
      isLasting,
      again: kind !== 'overload' && kind !== 'url' && kind !== 'closed',
    };
  }
}

function judge(answer: OutboundResponse, { path, accessToken }: Call): Attempt {
  const { status } = answer;
  if (status >= 200 && status < 300) {
    const body = status === 204 ? {} : readBody(answer);
    if (body !== undefined) return { said: { kind: 'done', body } };
    return { fault: new HomeserverFault(`${path} answered ${status} without a JSON object`) };
  }
  const errcode = errcodeOf(answer);
  if (status === 404 && errcode === 'M_NOT_FOUND') return { said: { kind: 'not_found' } };
  if (status === 400 && errcode !== undefined) return { said: { kind: 'refused', errcode } };
  if ((status === 401 || status === 403) && accessToken !== undefined) {
    return {
      fault: new HomeserverFault(
        `${path} answered ${status} to an access token of this service: gatehouse doctor finds out why`,
      ),
    };
  }
  if (status === 401 || status === 403) {
    return {
      fault: new HomeserverFault(
        `${path} answered ${status}: the homeserver has another secret; \`homeserver.secret\` and the \`secret\` of its matrix_authentication_service must be equal`,
      ),
      isLasting: true,
    };
  }
  if (status === 404) {
    return {
      fault: new HomeserverFault(
        `${path} is not there: enable matrix_authentication_service in Synapse (1.136 or later), and let \`homeserver.url\` lead to Synapse itself`,
      ),
      isLasting: true,
    };
  }
  const seconds = Number(answer.headers['retry-after'] ?? Number.NaN);
  const retryAfterSeconds = Number.isFinite(seconds) ? Math.min(Math.max(seconds, 1), 60) : undefined;
  return {
    fault: new HomeserverFault(`${path} answered ${status}${errcode === undefined ? '' : ` (${errcode})`}`),
    // A server that says when to come again is not asked before.
    again: status >= 500 && retryAfterSeconds === undefined,
    retryAfterSeconds,
  };
}

function readBody({ text }: OutboundResponse): Record<string, unknown> | undefined {
  try {
    return parseJsonObject(text);
  } catch {
    return undefined;
  }
}

function errcodeOf(answer: OutboundResponse): string | undefined {
  const errcode = readBody(answer)?.['errcode'];
  return typeof errcode === 'string' && /^[A-Z0-9_.]{1,64}$/.test(errcode) ? errcode : undefined;
}
