/** One request of the doctor and what came of it: an answer, or the reason why there is none. */
import { OutboundFault } from '../outbound/outbound-fault.ts';
import type { Outbound, OutboundRequest, OutboundResponse } from '../outbound/outbound.ts';
import type { Clock } from '../protocol/clock.ts';

export type Look = Answered | Unanswered;

interface Asked {
  readonly url: string;
  /** What was probed, for a finding: method and URL without its query. */
  readonly probed: string;
  /** From the request to the last byte, in milliseconds. */
  readonly tookMs: number;
}

export interface Answered extends Asked {
  readonly answer: OutboundResponse;
}

export interface Unanswered extends Asked {
  readonly fault: OutboundFault;
}

/** The largest body that is read. */
const MAX_BYTES = 1024 * 1024;

/** What asking takes. */
export interface LookContext {
  readonly outbound: Outbound;
  readonly clock: Clock;
}

/** Asks once. A redirect is an answer. Throws only what is a bug. */
export async function look(
  { outbound, clock }: LookContext,
  request: Omit<OutboundRequest, 'maxBytes' | 'redirects'> & { maxBytes?: number },
): Promise<Look> {
  const begun = clock.monotonic();
  const { url, method = 'GET' } = request;
  const asked = (): Asked => ({
    url,
    probed: `${method} ${url.replace(/[?#].*$/s, '')}`,
    tookMs: Math.round(clock.monotonic() - begun),
  });
  try {
    const answer = await outbound.send({ maxBytes: MAX_BYTES, ...request, redirects: 'answer' });
    return { ...asked(), answer };
  } catch (error) {
    if (error instanceof OutboundFault) return { ...asked(), fault: error };
    throw error;
  }
}

/** Where an answer redirects to, absolute; `undefined` if it does not, or to what is no URL. */
export function redirectTarget({ url, answer }: Answered): URL | undefined {
  if (answer.status < 300 || answer.status > 399 || answer.status === 304) return undefined;
  return URL.parse(answer.headers['location'] ?? '', url) ?? undefined;
}
