/** Questions to a provider about a token. An answer that cannot be understood is an outage, and never "inactive". */
import { describeAnswer, isJsonAnswer, mediaType } from '../../outbound/answers.ts';
import type { PartLog } from '../../observability/part-log.ts';
import { type Outbound, type OutboundResponse } from '../../outbound/outbound.ts';
import { OutboundFault } from '../../outbound/outbound-fault.ts';
import type { Claims } from '../../protocol/claim-path.ts';
import type { Clock } from '../../protocol/clock.ts';
import { JsonFault, parseJsonObject } from '../../protocol/strict-json.ts';
import { Unavailable } from '../../protocol/unavailable.ts';
import type { ClientAuthentication } from '../../upstream/login/client-authentication.ts';
import {
  introspectionAlgorithms,
  SYMMETRIC_ALGORITHMS,
  userinfoAlgorithms,
} from '../../upstream/login/signature-algorithms.ts';
import type { Provider } from '../../upstream/provider.ts';
import type { ResolvedSettings } from '../../upstream/resolved-settings.ts';
import { readJwt } from '../jwt/read-jwt.ts';
import type { TokenSettings } from '../settings.ts';

/** What the strategies that ask the provider have in common. */
export interface AskingDeps {
  readonly provider: Pick<Provider, 'metadata' | 'signatures'>;
  readonly settings: ResolvedSettings;
  readonly tokens: TokenSettings;
  /** Its own, so that a slow answer about tokens holds up no login. */
  readonly outbound: Pick<Outbound, 'send'>;
  readonly clientAuthentication: ClientAuthentication;
  readonly clock: Clock;
  readonly log: PartLog;
}

const ANSWER_BYTES = 64 * 1024;
/** How far the clock of a signed answer may be from ours, in seconds. */
const SIGNED_SKEW = 60;

/** Sends a question. Throws Unavailable if no answer came. */
export async function ask(
  { outbound }: Pick<AskingDeps, 'outbound'>,
  request: Omit<Parameters<Outbound['send']>[0], 'maxBytes'>,
): Promise<OutboundResponse> {
  try {
    return await outbound.send({ ...request, maxBytes: ANSWER_BYTES });
  } catch (error) {
    if (!(error instanceof OutboundFault)) throw error;
    throw outage(error, error.retryAfterSeconds);
  }
}

/** The JSON object of a 200. Throws Unavailable for everything else. */
export function readAnswer(answer: OutboundResponse, url: string): Claims {
  if (answer.status !== 200 || !isJsonAnswer(answer)) {
    const fault = describeAnswer(answer, url);
    throw outage(fault, fault.retryAfterSeconds);
  }
  try {
    const claims = parseJsonObject(answer.text);
    return withoutNulls(claims);
  } catch (error) {
    if (error instanceof JsonFault) throw outage(new Error(`its answer is malformed: ${error.message}`));
    throw error;
  }
}

/** Null is absent in whatever a provider says. */
function withoutNulls(claims: Claims): Claims {
  if (!Object.values(claims).includes(null)) return claims;
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
}

/**
 * The claims of an answer that is a JWT of this type (RFC 9701 section 5; OpenID Connect Core section 5.3.2 for userinfo, whose JWTs have no type of
 * their own). Throws Unavailable if the provider did not sign it for us just now.
 */
export async function readSignedAnswer(
  deps: AskingDeps,
  answer: OutboundResponse,
  type: 'token-introspection+jwt' | 'jwt',
): Promise<Claims> {
  const { provider, settings, clock } = deps;
  const reading = readJwt(answer.text.trim());
  if (reading.kind !== 'jwt') throw outage(new Error(`its signed answer is malformed: ${reading.reason}`));
  const { claims } = reading.jwt;
  const { server } = await provider.metadata();
  const allowed = type === 'jwt' ? userinfoAlgorithms(server, settings) : introspectionAlgorithms(server);
  const algorithms = allowed.filter((each) => !SYMMETRIC_ALGORITHMS.includes(each));
  const result = await provider.signatures.verify(answer.text.trim(), algorithms);
  if (!result.ok) throw outage(new Error(`the signature of its answer: ${result.fault.reason}`));
  const { iss, aud, iat } = claims;
  const wrong =
    (reading.jwt.type ?? 'jwt') !== type
      ? 'typ'
      : iss !== settings.issuer
        ? 'iss'
        : !(Array.isArray(aud) ? aud : [aud]).includes(settings.clientId)
          ? 'aud'
          : type !== 'jwt' && !(typeof iat === 'number' && isNear(iat, clock))
            ? 'iat'
            : undefined;
  if (wrong !== undefined) throw outage(new Error(`its signed answer has another ${wrong} than is due`));
  return claims;
}

function isNear(seconds: number, clock: Clock): boolean {
  return Math.abs(seconds - clock.now() / 1000) <= SIGNED_SKEW;
}

/** Whether an answer is a JWT. */
export function isSigned(answer: OutboundResponse): boolean {
  return answer.status === 200 && /^application\/([\w.-]+\+)?jwt$/.test(mediaType(answer));
}

/** Unavailable, with the cause for the log. */
export function outage(cause: Error, retryAfterSeconds?: number): Unavailable {
  return new Unavailable('the identity provider', {
    cause,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** An endpoint of the configuration, else of the metadata. Throws Unavailable if there is none: the next metadata may have it. */
export async function endpointOf(
  { provider }: Pick<AskingDeps, 'provider'>,
  configured: string | undefined,
  member: 'introspection_endpoint' | 'userinfo_endpoint',
): Promise<string> {
  const url = configured ?? (await provider.metadata()).server[member];
  if (url === undefined) throw outage(new Error(`its metadata has no ${member}, and none is configured`));
  return url;
}

/** A URL with the token at its end; it must end in the query, because paths are logged. */
export function withToken(url: string, token: string): string {
  if (!/\?.*=$/.test(url)) {
    throw new RangeError(
      `${url} must end with the name of a parameter, as in ?token=, to which the token is added`,
    );
  }
  return url + encodeURIComponent(token);
}
