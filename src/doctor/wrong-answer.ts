/** Why an answer is not the JSON that was asked for, in kinds that every part tells apart. */
import { describeAnswer, isJsonAnswer, isMarkup } from '../outbound/answers.ts';
import { plainUrl, type OutboundFault } from '../outbound/outbound-fault.ts';
import { quoteForLog } from '../upstream/login/refusal.ts';
import { JsonFault, parseJsonObject } from '../protocol/strict-json.ts';
import { redirectTarget, type Answered, type Look, type Unanswered } from './look.ts';

export type WrongKind =
  'unreachable' | 'address_refused' | 'tls' | 'redirect' | 'html' | 'status' | 'malformed';

export interface WrongAnswer {
  readonly kind: WrongKind;
  readonly seen: string;
  /** What usually is the matter, if that can be told from the answer alone. */
  readonly hint?: string;
  /** Of a redirect. */
  readonly target?: URL;
  readonly status?: number;
}

/** What is wrong with an answer that should be JSON; `undefined` if nothing is. Any status counts that `statuses` has. */
export function wrongAnswer(
  answer: Look,
  statuses: (status: number) => boolean = (status) => status === 200,
): WrongAnswer | undefined {
  if ('fault' in answer) return wrongFault(answer.fault);
  const { status } = answer.answer;
  const target = redirectTarget(answer);
  if (status >= 300 && status < 400 && status !== 304) {
    const where = target === undefined ? '' : ` to ${quoteForLog(plainUrl(target), 300)}`;
    return {
      kind: 'redirect',
      status,
      seen: `${status}, a redirect${where}`,
      ...(target === undefined ? {} : { target }),
    };
  }
  if (isMarkup(answer.answer)) {
    return {
      kind: 'html',
      status,
      seen: withoutUrl(describeAnswer(answer.answer, answer.url).message, answer),
    };
  }
  if (!statuses(status)) return { kind: 'status', status, seen: `status ${status}` };
  if (!isJsonAnswer(answer.answer)) {
    const seen = withoutUrl(describeAnswer({ ...answer.answer, status: 200 }, answer.url).message, answer);
    return { kind: 'malformed', status, seen, hint: JSON_TYPE };
  }
  return undefined;
}

const JSON_TYPE =
  'Let what answers there, or whatever changes its answers on the way, send `Content-Type: application/json`.';

/** The object in an answer that {@link wrongAnswer} finds nothing wrong with, or why it is none. */
export function readObject(answer: Answered): { object: Record<string, unknown> } | { wrong: WrongAnswer } {
  try {
    return { object: parseJsonObject(answer.answer.text) };
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    return {
      wrong: { kind: 'malformed', status: answer.answer.status, seen: `malformed JSON: ${error.message}` },
    };
  }
}

/** Both at once: the object of an answer with status 200, or what is wrong with it. */
export function jsonObjectOf(
  answer: Look,
  statuses?: (status: number) => boolean,
): { object: Record<string, unknown>; answered: Answered } | { wrong: WrongAnswer } {
  const wrong = wrongAnswer(answer, statuses);
  if (wrong !== undefined) return { wrong };
  const answered = answer as Answered;
  const read = readObject(answered);
  return 'wrong' in read ? read : { object: read.object, answered };
}

const PROXY =
  'The provider was not reached: correct `proxy.url`, `proxy.username` or `proxy.password_file`, or let the proxy connect there.';

function wrongFault(fault: OutboundFault): WrongAnswer {
  const seen = fault.message;
  switch (fault.kind) {
    case 'address':
    case 'url':
      return { kind: 'address_refused', seen };
    case 'tls': {
      const explained = explainTls(seen);
      return { kind: 'tls', seen: explained.seen, hint: explained.hint };
    }
    case 'proxy':
      return { kind: 'unreachable', seen, hint: PROXY };
    case 'too_large':
    case 'encoding':
    case 'content_type':
      return { kind: 'malformed', seen };
    case 'redirect':
    case 'status':
    case 'timeout':
    case 'dns':
    case 'connect':
    case 'broken':
    case 'overload':
    case 'closed':
      return { kind: 'unreachable', seen };
  }
}

const tlsCauses: readonly (readonly [RegExp, string, string])[] = [
  [/CERT_HAS_EXPIRED/, 'the certificate has expired', 'Renew the certificate and reload the server.'],
  [
    /CERT_NOT_YET_VALID/,
    'the certificate is not valid yet',
    'Compare the clocks of both machines, then the certificate.',
  ],
  [
    /ALTNAME/,
    'the certificate is for another host name',
    'Get a certificate that names this host, or use the host that it names.',
  ],
  [
    /SELF_SIGNED/,
    'the certificate is signed by itself or by a private authority',
    'Use a certificate that is trusted everywhere, or make its authority known',
  ],
  [
    /UNABLE_TO_VERIFY_LEAF|UNABLE_TO_GET_ISSUER/,
    'the chain of the certificate is not complete, or a private authority signed it',
    'Let the server send the whole chain (fullchain.pem), or make the private authority known',
  ],
  [/WRONG_VERSION|EPROTO|PACKET_LENGTH/, 'what answers there does not speak TLS', 'Correct scheme and port.'],
];

function explainTls(message: string): { seen: string; hint: string } {
  const cause = tlsCauses.find(([code]) => code.test(message));
  return {
    seen: cause === undefined ? message : `${message}: ${cause[1]}`,
    hint: cause?.[2] ?? 'Look at it with: openssl s_client -connect HOST:443 -servername HOST',
  };
}

/** `probed` says where it was. */
function withoutUrl(message: string, { url }: Answered | Unanswered): string {
  const parsed = URL.parse(url);
  return parsed === null ? message : message.replace(`${plainUrl(parsed)} `, '');
}
