import type { operations } from '../generated/verification.ts';
import { readAuthorization } from '../http/bearer.ts';
import type { AddressLimit } from '../http/address-limit.ts';
import { type ApiRequest, noStore } from '../http/exchange.ts';
import type { OperationHandler } from '../http/operation-handler.ts';
import type { SecretGuesses } from '../http/secret-guesses.ts';
import { type RateLimiter, reserveAll } from '../http/rate-limit.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../protocol/clock.ts';
import { userId } from '../protocol/identifiers.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { isSameSecret } from '../protocol/same-secret.ts';
import { splitScope } from '../protocol/scope.ts';
import type { SaslMechanism } from '../verification/sasl/initial-response.ts';
import {
  type SaslRules,
  type SaslVerdict,
  verifySasl as judgeSasl,
} from '../verification/sasl/verify-sasl.ts';
import type { Verdict } from '../verification/verdict.ts';

type Answer = operations['verifySasl']['responses'][200]['content']['application/json'];

export interface SaslDeps {
  readonly rules: SaslRules;
  readonly mechanisms: readonly SaslMechanism[];
  /** What the asking server proves itself with. */
  readonly secret: Buffer;
  readonly secretGuesses: SecretGuesses;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'count'>;
  readonly passwords: PasswordJudge | undefined;
}

/** Passwords with PLAIN, and how often a wrong one may come. */
export interface PasswordJudge {
  readonly judge: (name: string, password: string) => Promise<Verdict>;
  /** Under what failures are counted, whichever way somebody is named. */
  readonly accountOf: (name: string) => string;
  readonly failures: { readonly perAccount: RateLimiter; readonly perAddress: AddressLimit };
}

/** Whose initial response it is, for a server that has proved itself. A refusal says nothing about a person, in any member. */
export function verifySasl(deps: SaslDeps): OperationHandler<operations, 'verifySasl', Answer> {
  return async (request) => {
    requireServer(request, deps);
    const mechanism = deps.mechanisms.find((name) => name === request.form.get('mechanism')?.toUpperCase());
    const initialResponse = request.form.get('initial_response') ?? '';
    const scope = splitScope(request.form.get('scope') ?? '');
    if (mechanism === undefined) {
      throw new OAuthError('invalid_request', `mechanism must be one of ${deps.mechanisms.join(', ')}`);
    }
    if (scope === undefined)
      throw new OAuthError('invalid_request', 'scope has a character that it may not have');
    const rules = {
      ...deps.rules,
      scope: [...new Set([...deps.rules.scope, ...scope])],
      judgePassword: limited(deps.passwords, request),
    };
    const verdict = await judgeSasl(rules, { mechanism, initialResponse });
    deps.metrics.count('verifications', { by: 'sasl', outcome: outcomeOf(verdict) });
    if (verdict.kind === 'unavailable') throw verdict.error;
    if (verdict.kind === 'refused') request.annotate({ reason: verdict.reason });
    return { status: 200, headers: noStore, body: describe(deps, verdict) };
  };
}

function outcomeOf(verdict: SaslVerdict): 'active' | 'inactive' | 'insufficient_scope' | 'unavailable' {
  switch (verdict.kind) {
    case 'accepted':
      return 'active';
    case 'refused':
      return verdict.status === 'insufficient_scope' ? verdict.status : 'inactive';
    case 'unavailable':
      return verdict.kind;
  }
}

function requireServer(
  request: ApiRequest,
  { secret, secretGuesses }: Pick<SaslDeps, 'secret' | 'secretGuesses'>,
): void {
  const authorization = readAuthorization(request.headers);
  if (authorization.kind === 'bearer') {
    if (isSameSecret(authorization.token, secret)) return;
    const { clientAddress } = request;
    secretGuesses.wrong({ owner: { server: 'mail server' }, clientAddress, never4xx: false }, 'wrong secret');
  }
  throw new OAuthError('invalid_client', 'this needs sasl.secret as a bearer token', {
    headers: { 'www-authenticate': 'Bearer realm="gatehouse"' },
    reason: authorization.kind === 'bearer' ? 'wrong secret' : 'no bearer secret',
  });
}

/** Counted before the provider is asked, and given back unless the password was wrong, as at legacy login. */
function limited(passwords: PasswordJudge | undefined, request: ApiRequest): SaslRules['judgePassword'] {
  if (passwords === undefined) return undefined;
  const { judge, accountOf, failures } = passwords;
  const address = request.form.get('address') ?? request.clientAddress;
  return async (name, password) => {
    const attempt = reserveAll([
      [failures.perAddress, address],
      [failures.perAccount, accountOf(name)],
    ]);
    try {
      const verdict = await judge(name, password);
      if (verdict.kind === 'inactive') attempt.keep();
      else attempt.giveBack();
      return verdict;
    } catch (error) {
      attempt.giveBack();
      throw error;
    }
  };
}

function describe(deps: SaslDeps, verdict: Exclude<SaslVerdict, { kind: 'unavailable' }>): Answer {
  if (verdict.kind === 'refused') {
    const { status, challenge } = verdict;
    return { ok: false, status, ...(challenge === undefined ? {} : { challenge }) };
  }
  const { username, token } = verdict;
  const { localpart = '', subject, deviceId, clientId, scope, expiresAt } = token;
  return {
    ok: true,
    username,
    localpart,
    subject,
    user_id: userId(localpart, deps.rules.serverName),
    scope: scope.join(' '),
    ...(deviceId === undefined ? {} : { device_id: deviceId }),
    ...(clientId === undefined ? {} : { client_id: clientId }),
    ...(expiresAt === undefined
      ? {}
      : { expires_in: Math.max(0, Math.floor((expiresAt - deps.clock.now()) / 1000)) }),
  };
}
