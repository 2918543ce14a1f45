/** Scopes of the operator's own, in the terms of the parts. */
import type { Config } from '../config/schema.ts';
import type { OperatorScope, OperatorScopes } from '../protocol/operator-scope.ts';

/** By name. */
export function operatorScopes({ scopes }: Pick<Config, 'scopes'>): OperatorScopes {
  return new Map(scopes.map((entry) => [entry.scope, toScope(entry)]));
}

function toScope(entry: Config['scopes'][number]): OperatorScope {
  const { access_token_ttl_seconds: tokenTtl, session_ttl_seconds: sessionTtl } = entry;
  return {
    description: entry.description,
    anyClient: entry.any_client,
    rules: { require: entry.require, deny: entry.deny },
    claims: entry.claims,
    audience: entry.audience,
    ...(tokenTtl === undefined ? {} : { accessTokenTtl: tokenTtl * 1000 }),
    ...(sessionTtl === undefined ? {} : { sessionTtl: sessionTtl * 1000 }),
  };
}
