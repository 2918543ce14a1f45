/** What the grants that start a session have in common: the homeserver before, the answer after. */
import { OPENID_SCOPE } from '../../protocol/scope.ts';
import type { IssuedTokens } from '../../sessions/issued-tokens.ts';
import { findUser } from '../../storage/records/users.ts';
import { type Client, clientName } from '../../clients/clients.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { signIdToken } from '../id-token.ts';
import type { TokenAnswer } from './grant.ts';

/**
 * Tells the homeserver of user and device (homeserver first); false where the user is gone or deactivated. Throws `Unavailable` where it cannot be told: nothing
 * is consumed by then, and the client may try again.
 */
export async function announceDevice(
  deps: Pick<AuthorizationServerDeps, 'db' | 'homeserver'>,
  session: { userId: string; deviceId: string; client: Client },
): Promise<boolean> {
  const user = await findUser(deps.db.query, session.userId);
  if (user === undefined || user.deactivated_at !== null) return false;
  const { localpart, displayname } = user;
  await deps.homeserver.provisionUser({ localpart, ...(displayname === null ? {} : { displayname }) });
  await deps.homeserver.upsertDevice({
    localpart,
    deviceId: session.deviceId,
    displayname: clientName(session.client),
  });
  return true;
}

/** The token answer of a session that has just started: with an ID token where `openid` was granted. */
export async function answerWithSession(
  deps: Pick<AuthorizationServerDeps, 'signingKeys' | 'issuer' | 'clock'>,
  session: {
    tokens: IssuedTokens;
    scope: string;
    userId: string;
    clientId: string;
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
