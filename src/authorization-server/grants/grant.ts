import type { components } from '../../generated/authorization-server.ts';
import type { ApiRequest } from '../../http/exchange.ts';
import type { SessionPolicy } from '../../sessions/policy.ts';
import type { Client } from '../../clients/clients.ts';
import { LONGEST_JWT } from '../../signing-keys/key-schedule.ts';

/** A successful answer of the token endpoint (RFC 6749 section 5.1). */
export type TokenAnswer = components['schemas']['TokenResponse'];

/** One grant type: gets the authenticated client and the form, answers with tokens or throws the refusal. */
export type Grant = (request: ApiRequest, client: Client) => Promise<TokenAnswer>;

/** The policy for the sessions of a client: the operator may give them lifetimes of their own. */
export function policyFor(policy: SessionPolicy, client: Client): SessionPolicy {
  const { operator } = client;
  if (operator === undefined) return policy;
  const longest = operator.jwtAlgorithm === undefined ? {} : { longestAccessToken: LONGEST_JWT };
  return { ...policy, ...longest, client: operator };
}
