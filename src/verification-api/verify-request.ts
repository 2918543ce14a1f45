import type { operations } from '../generated/verification.ts';
import { type ApiRequest, noStore, type Reply } from '../http/exchange.ts';
import type { OperationHandler } from '../http/operation-handler.ts';
import type { Metrics } from '../observability/metrics.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import type { JudgeToken } from '../verification/any-token.ts';
import { requireScope } from '../verification/require-scope.ts';
import { outcomeOf, type Verdict, type VerifiedToken } from '../verification/verdict.ts';
import { type Anonymous, demandOf, type ForwardAuthRule } from './forward-auth-rules.ts';
import { type IdentityHeaders, sayWho } from './identity-headers.ts';
import { type OriginalRequest, readOriginalRequest } from './original-request.ts';
import { readRequestToken, type TokenSources } from './request-token.ts';

export interface ForwardAuthDeps {
  readonly judge: JudgeToken;
  readonly metrics: Pick<Metrics, 'count'>;
  readonly serverName: string;
  readonly sources: TokenSources;
  readonly realm: string;
  readonly headers: IdentityHeaders;
  readonly anonymous: Anonymous;
  /** Whether preflight requests of browsers pass. */
  readonly preflight: boolean;
  readonly scope: readonly string[];
  readonly rules: readonly ForwardAuthRule[];
}

/**
 * Forward authentication: 200 with whose request it is, 401 and 403 as RFC 6750 section 3 has them, 503 if nobody could be asked. No answer but a good one says
 * anything about a person.
 */
export function verifyRequest(
  deps: ForwardAuthDeps,
  readOriginal: (request: ApiRequest) => OriginalRequest = readOriginalRequest,
): OperationHandler<operations, 'verifyRequest', unknown> {
  return async (request) => {
    const original = readOriginal(request);
    const demand = demandOf(deps.rules, deps, original);
    if (demand.kind === 'unclear') throw new OAuthError('invalid_request', demand.reason);
    if (demand.kind === 'deny') throw denied('this is not allowed', demand.reason);
    if (deps.preflight && isPreflight(request, original)) return pass(deps, undefined);
    const found = readRequestToken(deps.sources, request, original);
    if (found.kind === 'ambiguous') {
      throw challenge(deps, new OAuthError('invalid_request', found.reason));
    }
    if (found.kind === 'missing') {
      if (demand.anonymous !== 'never') return pass(deps, undefined);
      throw challenge(deps, undefined);
    }
    const verdict = requireScope(await deps.judge(found.token), demand.scope);
    deps.metrics.count('verifications', { by: 'forward_auth', outcome: outcomeOf(verdict) });
    if (verdict.kind === 'inactive' && demand.anonymous === 'failure') {
      request.annotate({ reason: `passes without identity: ${verdict.reason}` });
      return pass(deps, undefined);
    }
    return pass(deps, goodToken(deps, verdict, demand.scope));
  };
}

function pass(deps: ForwardAuthDeps, token: VerifiedToken | undefined): Reply {
  if (token === undefined) deps.metrics.count('verifications', { by: 'forward_auth', outcome: 'anonymous' });
  return { status: 200, headers: { ...noStore, ...sayWho(deps.headers, token, deps.serverName) } };
}

/** Throws the refusal in the words of RFC 6750. */
function goodToken(deps: ForwardAuthDeps, verdict: Verdict, scope: readonly string[]): VerifiedToken {
  switch (verdict.kind) {
    case 'active':
      return verdict.token;
    case 'locked':
      throw denied('this account is locked', 'the user is locked');
    case 'unavailable':
      throw verdict.error;
    case 'inactive': {
      const { fault, reason } = verdict;
      if (fault === 'insufficient_scope') {
        const description = 'the access token does not have the scope that this needs';
        throw challenge(deps, new OAuthError(fault, description, { reason }), scope);
      }
      throw challenge(deps, new OAuthError('invalid_token', 'the access token is not valid', { reason }));
    }
  }
}

function denied(description: string, reason: string): OAuthError {
  return new OAuthError('access_denied', description, { status: 403, reason });
}

/** RFC 6750 section 3: without a token the challenge has no error code, so that nothing is said about one. */
function challenge(
  deps: ForwardAuthDeps,
  error: OAuthError | undefined,
  scope?: readonly string[],
): OAuthError {
  const parts = [
    `realm="${deps.realm}"`,
    ...(error === undefined ? [] : [`error="${error.code}"`, `error_description="${error.description}"`]),
    ...(scope === undefined || scope.length === 0 ? [] : [`scope="${scope.join(' ')}"`]),
  ];
  const headers = { 'www-authenticate': `Bearer ${parts.join(', ')}` };
  if (error === undefined) {
    const options = { status: 401, headers, reason: 'there is no access token' };
    return new OAuthError('invalid_token', 'this needs an access token', options);
  }
  return new OAuthError(error.code, error.description, {
    status: error.status,
    headers,
    reason: error.reason,
  });
}

/** Fetch standard, "CORS-preflight fetch": it never carries credentials. */
function isPreflight({ headers }: Pick<ApiRequest, 'headers'>, original: OriginalRequest): boolean {
  return (
    original.method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}
