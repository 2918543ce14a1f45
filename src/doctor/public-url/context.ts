/** What the probes of the public URL share. */
import type { Clock, Random } from '../../protocol/clock.ts';
import type { Outbound } from '../../outbound/outbound.ts';
import { finding, type Facts, type Finding, type FindingCode } from '../finding.ts';
import type { Look } from '../look.ts';
import type { WrongAnswer } from '../wrong-answer.ts';

export interface PublicContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly outbound: Outbound;
  readonly publicUrl: string;
  readonly mode: 'facade' | 'passthrough';
  /** Off: the metadata must be refused explicitly. */
  readonly oauthApi: boolean;
  /** What clients must find as `issuer`: ours, or in passthrough the provider's. */
  readonly issuer: string;
  /** Ids of the providers, for their callbacks. */
  readonly providerIds: readonly string[];
  /** `Cache-Control` of our metadata, `max-age` in seconds. */
  readonly maxAgeSeconds: number;
  /** Whether http is allowed explicitly. */
  readonly allowHttp: boolean;
}

/** An origin that is not ours, as a browser would send it. */
export const ORIGIN = 'https://doctor.gatehouse.invalid';

/** A finding about the public URL. */
export function publicFinding(facts: Omit<Facts, 'subject'>): Finding {
  return finding({ subject: 'public_url', ...facts });
}

/** An answer slower than this is worth saying, in milliseconds. */
const SLOW_MS = 2000;

/** A finding if the answer took long. */
export function slowPublicFinding(answer: Look): Finding[] {
  if ('fault' in answer || answer.tookMs < SLOW_MS) return [];
  return [
    publicFinding({
      code: 'public_url.slow',
      probed: answer.probed,
      expected: `an answer within ${SLOW_MS / 1000} seconds: clients wait for it before anything else`,
      seen: `an answer after ${(answer.tookMs / 1000).toFixed(1)} seconds`,
      remedy:
        'Find out where the time goes: the name, the reverse proxy, or this service (its log tells durations).',
    }),
  ];
}

/** A finding about an answer that did not come from this service as it was sent. */
export function wrongPublicFinding(answer: Look, wrong: WrongAnswer, expected: string): Finding {
  const { code, remedy } = diagnose(wrong, answer.url);
  const seen =
    code === 'public_url.not_proxied' ? `${wrong.seen}, which is not an answer of this service` : wrong.seen;
  return publicFinding({ code, probed: answer.probed, expected, seen, remedy });
}

function diagnose(wrong: WrongAnswer, url: string): { code: FindingCode; remedy: string } {
  const path = URL.parse(url)?.pathname ?? '';
  const passOn = `Pass ${path} on to this service in the reverse proxy, or everything below the public URL.`;
  switch (wrong.kind) {
    case 'unreachable':
      return {
        code: 'public_url.unreachable',
        remedy: 'Let the name resolve to the reverse proxy, and the reverse proxy listen there.',
      };
    case 'address_refused':
      return { code: 'public_url.unreachable', remedy: 'Correct `public_url`.' };
    case 'tls':
      return {
        code: 'public_url.tls',
        remedy: /authority known/.test(wrong.hint ?? '')
          ? `${wrong.hint ?? ''} to every client (for the doctor: NODE_EXTRA_CA_CERTS).`
          : (wrong.hint ?? ''),
      };
    case 'redirect':
      return { code: 'public_url.redirect', remedy: redirectRemedy(wrong, url) };
    case 'html':
      if (wrong.status === 404) return { code: 'public_url.not_proxied', remedy: passOn };
      if (isGatewayError(wrong.status)) return { code: 'public_url.bad_gateway', remedy: BAD_GATEWAY };
      return {
        code: 'public_url.html',
        remedy:
          'Take challenge, sign-in or start page of the reverse proxy (or CDN) away from this path: clients are no browsers.',
      };
    case 'status':
      if (wrong.status === 404) return { code: 'public_url.not_proxied', remedy: passOn };
      if (isGatewayError(wrong.status)) return { code: 'public_url.bad_gateway', remedy: BAD_GATEWAY };
      return {
        code: 'public_url.status',
        remedy:
          wrong.status === 401 || wrong.status === 403
            ? 'Take the access control of the reverse proxy away from this path: clients come without a token.'
            : 'Compare the log of the reverse proxy with that of this service.',
      };
    case 'malformed':
      return {
        code: 'public_url.malformed',
        remedy:
          'Let the reverse proxy pass answers on as they are: no rewriting, no start page for unknown paths.',
      };
  }
}

const BAD_GATEWAY =
  'Start this service, and compare the address in the reverse proxy with `listen` in the configuration.';

function isGatewayError(status: number | undefined): boolean {
  return status === 502 || status === 503 || status === 504;
}

function redirectRemedy({ target }: WrongAnswer, url: string): string {
  const from = URL.parse(url);
  if (target === undefined || from === null) return 'Answer at this URL itself: clients do not follow.';
  if (from.host === target.host && from.pathname === target.pathname && from.protocol !== target.protocol) {
    return target.protocol === 'https:'
      ? 'Write `public_url` with https.'
      : 'Take the redirect to http out of the reverse proxy.';
  }
  if (from.host !== target.host && from.pathname === target.pathname) {
    return `Answer at this host itself, or, before there are users, make ${target.origin} the host of \`public_url\`.`;
  }
  return 'Take the redirect out of the reverse proxy (sign-in page, slash at the end, language): clients do not follow.';
}
