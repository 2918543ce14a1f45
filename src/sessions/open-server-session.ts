import { type Opened, openSession, type OpeningDeps } from './open-session.ts';
import type { IssuedTokens } from './issued-tokens.ts';
import type { SessionPolicy } from './policy.ts';
import { type NewSession, type Started, startSession } from './start.ts';

/**
 * Opens a session that is none of Matrix, for other servers: it has no device, and nothing is redeemed for it. `policy` is that of the session, its
 * lifetimes included. Throws as {@link openSession}.
 */
export function openServerSession(
  deps: OpeningDeps,
  policy: SessionPolicy,
  session: Omit<NewSession, 'id' | 'clientId' | 'deviceId' | 'deviceName'> & {
    readonly clientId: NonNullable<NewSession['clientId']>;
  },
): Promise<Opened<Started<IssuedTokens>>> {
  const { userId, clientId } = session;
  return openSession(deps, {
    userId,
    clientId,
    device: null,
    start: (tx, { now, sessionId }) =>
      startSession(tx, { policy, random: deps.random, now }, { ...session, id: sessionId, deviceId: null }),
  });
}
