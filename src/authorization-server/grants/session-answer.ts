import type { Client } from '../../clients/clients.ts';
import type { InternalUserId } from '../../protocol/identifiers.ts';
import { claimsOfScope } from '../../protocol/operator-scope.ts';
import { OPENID_SCOPE } from '../../protocol/scope.ts';
import { findUser } from '../../storage/records/users.ts';
import type { IssuedTokens } from '../../sessions/issued-tokens.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { presentAccessToken, type PresentingDeps } from '../../clients/access-token.ts';
import { signIdToken } from '../id-token.ts';
import type { TokenAnswer } from './grant.ts';

/** The token answer of a session that has just started: with an ID token if `openid` was granted. */
export async function answerWithSession(
  deps: PresentingDeps & Pick<AuthorizationServerDeps, 'clock'>,
  session: {
    tokens: IssuedTokens;
    scope: string;
    userId: InternalUserId;
    client: Client;
    nonce: string | null;
    authenticatedAt: number | null;
  },
): Promise<TokenAnswer> {
  const { tokens, client } = session;
  const accessToken = await presentAccessToken(deps, client, tokens.accessToken);
  const answer = {
    ...(await claimsForClient(deps, session)),
    access_token: accessToken,
    token_type: 'Bearer' as const,
    expires_in: tokens.expiresInSeconds,
    refresh_token: tokens.refreshToken,
    scope: tokens.scope,
  };
  if (!session.scope.split(' ').includes(OPENID_SCOPE)) return answer;
  const idToken = await signIdToken(deps.signingKeys, {
    issuer: deps.issuer,
    userId: session.userId,
    clientId: client.id,
    accessToken,
    nonce: session.nonce,
    authenticatedAt: session.authenticatedAt,
    now: deps.clock.now(),
  });
  return { ...answer, id_token: idToken };
}

/** What the operator lets the client be told at once: Dovecot looks for `active` and the name of the person before it introspects. */
async function claimsForClient(
  deps: PresentingDeps,
  session: { client: Client; tokens: IssuedTokens; userId: InternalUserId },
): Promise<Record<string, unknown>> {
  if (session.client.operator?.tellsClaims !== true) return {};
  const user = await findUser(deps.db.query, session.userId);
  if (user === undefined) return {};
  const { localpart } = user;
  const { serverName, operatorScopes } = deps;
  const claims = claimsOfScope(operatorScopes, session.tokens.scope, { localpart, serverName });
  return { username: localpart, ...claims, active: true };
}
