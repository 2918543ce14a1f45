import type { InternalUserId } from '../protocol/identifiers.ts';
import type { OperatorScopes } from '../protocol/operator-scope.ts';
import { openServerSession } from '../sessions/open-server-session.ts';
import { type OpeningDeps, refusalText } from '../sessions/open-session.ts';
import type { SessionPolicy } from '../sessions/policy.ts';
import { startClientSession } from '../sessions/start-client-session.ts';
import { presentAccessToken, type PresentingDeps } from './access-token.ts';
import type { Client } from './clients.ts';

export interface TokenWanted {
  readonly client: Client;
  /** Null: the client's own. */
  readonly userId: InternalUserId | null;
  readonly scope: readonly string[];
  /** Milliseconds until it expires, and its session with it. */
  readonly ttl: number;
}

export type TokenIssue =
  | { readonly ok: true; readonly sessionId: string; readonly accessToken: string }
  | { readonly ok: false; readonly reason: string };

/** An access token by the operator's word, without a sign-in and without a refresh token: the conditions of its scopes are not judged. It is none of Matrix. */
export async function issueToken(
  deps: OpeningDeps & PresentingDeps,
  wanted: TokenWanted,
): Promise<TokenIssue> {
  const { client, userId, ttl } = wanted;
  const scope = wanted.scope.join(' ');
  const policy: SessionPolicy = {
    accessTokenTtl: ttl,
    refreshReuseGrace: 0,
    scopes: withoutConditions(deps.operatorScopes),
    client: { accessTokenTtl: ttl, sessionTtl: ttl },
  };
  const present = async (sessionId: string, accessToken: string): Promise<TokenIssue> => ({
    ok: true,
    sessionId,
    accessToken: await presentAccessToken(deps, client, accessToken),
  });
  if (userId === null) {
    const started = await startClientSession({ ...deps, policy }, { clientId: client.id, scope });
    return present(started.sessionId, started.accessToken);
  }
  const opened = await openServerSession(deps, policy, {
    userId,
    clientId: client.id,
    scope,
    origin: 'operator',
    authenticatedAt: null,
  });
  if (opened.kind === 'refused') return { ok: false, reason: refusalText[opened.reason] };
  return present(opened.started.sessionId, opened.started.accessToken);
}

function withoutConditions(scopes: OperatorScopes): OperatorScopes {
  return new Map([...scopes].map(([name, scope]) => [name, { ...scope, rules: { require: [], deny: [] } }]));
}
