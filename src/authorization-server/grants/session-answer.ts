import type { ClientId, InternalUserId } from '../../protocol/identifiers.ts';
import { OPENID_SCOPE } from '../../protocol/scope.ts';
import type { IssuedTokens } from '../../sessions/issued-tokens.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { signIdToken } from '../id-token.ts';
import type { TokenAnswer } from './grant.ts';

/** The token answer of a session that has just started: with an ID token where `openid` was granted. */
export async function answerWithSession(
  deps: Pick<AuthorizationServerDeps, 'signingKeys' | 'issuer' | 'clock'>,
  session: {
    tokens: IssuedTokens;
    scope: string;
    userId: InternalUserId;
    clientId: ClientId;
    nonce: string | null;
    authenticatedAt: number | null;
  },
): Promise<TokenAnswer> {
  const { tokens } = session;
  const answer = {
    access_token: tokens.accessToken,
    token_type: 'Bearer' as const,
    expires_in: tokens.expiresInSeconds,
    refresh_token: tokens.refreshToken,
    scope: tokens.scope,
  };
  if (!session.scope.split(' ').includes(OPENID_SCOPE)) return answer;
  const idToken = await signIdToken(deps.signingKeys, {
    issuer: deps.issuer,
    userId: session.userId,
    clientId: session.clientId,
    accessToken: tokens.accessToken,
    nonce: session.nonce,
    authenticatedAt: session.authenticatedAt,
    now: deps.clock.now(),
  });
  return { ...answer, id_token: idToken };
}
