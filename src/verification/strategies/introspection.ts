/** Asking the provider whose token it is (RFC 7662), in the ways that Dovecot knows as `post`, `get` and `auth`. */
import type { OutboundResponse } from '../../outbound/outbound.ts';
import { describeAnswer } from '../../outbound/answers.ts';
import type { Claims } from '../../protocol/claim-path.ts';
import { clientOf } from '../../upstream/login/login.ts';
import { inactive, unavailableVerdict } from '../verdict.ts';
import {
  ask,
  type AskingDeps,
  endpointOf,
  isSigned,
  outage,
  readAnswer,
  readSignedAnswer,
  withToken,
} from './ask.ts';
import type { Finding, Strategy } from './strategy.ts';

const SIGNED_TYPE = 'application/token-introspection+jwt';

/** Asks at every question; an answer that is not one is an outage. */
export function introspection(deps: AskingDeps): Strategy {
  const { force = false } = deps.tokens.introspection ?? {};
  return {
    name: 'introspection',
    always: force,
    async inspect(token): Promise<Finding> {
      try {
        return await introspect(deps, token);
      } catch (error) {
        return unavailableVerdict(error);
      }
    },
  };
}

async function introspect(deps: AskingDeps, token: string): Promise<Finding> {
  const { introspection: rules = {} } = deps.tokens;
  const url = await endpointOf(deps, rules.url, 'introspection_endpoint');
  const answer = await send(deps, url, token);
  if (rules.mode === 'auth' && answer.status === 401) {
    return inactive('unknown', 'the identity provider refuses the token as a bearer token');
  }
  if (answer.status === 401 || answer.status === 403) throw refusedUs(deps, answer, url);
  const claims = await read(deps, answer, url);
  return judgeActive(deps, claims) ?? { kind: 'claims', claims };
}

async function send(deps: AskingDeps, url: string, token: string): Promise<OutboundResponse> {
  const { mode = 'post', signed = false } = deps.tokens.introspection ?? {};
  const accept = signed ? SIGNED_TYPE : 'application/json';
  if (mode === 'auth') return ask(deps, { url, headers: { accept, authorization: `Bearer ${token}` } });
  const { server } = await deps.provider.metadata();
  const form = new URLSearchParams(mode === 'post' ? { token, token_type_hint: 'access_token' } : {});
  const headers = new Headers({ accept });
  const authenticate = await deps.clientAuthentication.for(server);
  await authenticate(server, clientOf(deps.settings, deps.clock), form, headers);
  if (mode === 'get') {
    const credentials = form.size === 0 ? '' : `&${form.toString()}`;
    return ask(deps, { url: withToken(url, token) + credentials, headers: Object.fromEntries(headers) });
  }
  headers.set('content-type', 'application/x-www-form-urlencoded');
  return ask(deps, { url, method: 'POST', headers: Object.fromEntries(headers), body: form.toString() });
}

/** That we are refused says nothing about the token: everybody would be logged out by a wrong secret. */
function refusedUs({ log, settings }: AskingDeps, answer: OutboundResponse, url: string): Error {
  const fault = describeAnswer(answer, url);
  log.error(
    { provider: settings.id, status: answer.status },
    'the identity provider refuses us at introspection: check client_id and client_secret',
  );
  return outage(fault);
}

async function read(deps: AskingDeps, answer: OutboundResponse, url: string): Promise<Claims> {
  const { signed = false } = deps.tokens.introspection ?? {};
  if (!signed) return readAnswer(answer, url);
  if (!isSigned(answer))
    throw outage(new Error('its introspection answer is not signed (introspection.signed)'));
  const { token_introspection: claims } = await readSignedAnswer(deps, answer, 'token-introspection+jwt');
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
    throw outage(new Error('its signed answer has no token_introspection'));
  }
  return claims as Claims;
}

/**
 * RFC 7662 section 2.2: `active` is a boolean; an answer in which it is anything else is a fault of the provider, and says nothing. If the operator names
 * attribute and value, they are compared as texts, as Dovecot does, and a missing one is a no. Mode `auth` asks what is often userinfo, which has none.
 */
function judgeActive({ tokens }: AskingDeps, claims: Claims): Finding | undefined {
  const { mode, active_attribute: named, active_value: value = true } = tokens.introspection ?? {};
  const attribute = named ?? (mode === 'auth' ? undefined : 'active');
  if (attribute === undefined) {
    return claims['active'] === false ? inactive('unknown', 'active is false') : undefined;
  }
  const stated = Object.hasOwn(claims, attribute) ? claims[attribute] : undefined;
  if (named === undefined && typeof stated !== 'boolean') {
    throw outage(new Error('its introspection answer has no boolean "active"'));
  }
  const isText = typeof stated === 'string' || typeof stated === 'boolean' || typeof stated === 'number';
  if (isText && String(stated) === String(value)) return undefined;
  return inactive('unknown', `${attribute} is not ${String(value)}`);
}
