import type { EmitEvent } from '../observability/events.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import { type ClientId, newRecordId } from '../protocol/identifiers.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import type { Database } from '../storage/engine/database.ts';
import { insertSession } from '../storage/records/sessions.ts';
import { insertAccessToken } from '../storage/records/tokens.ts';
import { type IssuedTokens, secondsLeft } from './issued-tokens.ts';
import { accessTokenTtl, type LifetimePolicy } from './policy.ts';

/**
 * Starts a session of a client alone: no user, no device, one access token and no refresh token (RFC 6749 section 4.4.3). It is over when that
 * expires; clean-up removes it.
 */
export async function startClientSession(
  deps: {
    db: Database;
    clock: Clock;
    random: Random;
    policy: LifetimePolicy;
    emit: EmitEvent;
  },
  session: { readonly clientId: ClientId; readonly scope: string },
): Promise<Omit<IssuedTokens, 'refreshToken'>> {
  const now = deps.clock.now();
  const id = newRecordId(now, deps.random);
  const accessToken = issueSecret('accessToken', deps.random);
  const expiresAt = now + accessTokenTtl(deps.policy, session.scope);
  await deps.db.write(async (tx) => {
    await insertSession(tx, {
      id,
      user_id: null,
      client_id: session.clientId,
      device_id: null,
      scope: session.scope,
      origin: 'client_credentials',
      authenticated_at: null,
      created_at: now,
      last_active_at: now,
      ended_at: null,
      end_reason: null,
      expires_at: expiresAt,
    });
    await insertAccessToken(tx, {
      hash: hashSecret(accessToken),
      session_id: id,
      refresh_hash: null,
      scope: null,
      created_at: now,
      expires_at: expiresAt,
      first_used_at: null,
    });
  });
  deps.emit('session_started', { sessionId: id, clientId: session.clientId });
  return { sessionId: id, accessToken, expiresInSeconds: secondsLeft(expiresAt, now), scope: session.scope };
}
