/** From a person who is known to a session, in the words of the Matrix specification. */
import type { InternalUserId } from '../../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import { MatrixError } from '../../protocol/matrix-error.ts';
import { type OpeningDeps, type OpeningRefusal, openSession } from '../../sessions/open-session.ts';
import type { SessionPolicy } from '../../sessions/policy.ts';
import { type LegacyTokens, startLegacySession } from '../../sessions/start-legacy.ts';
import type { Schema } from '../../storage/schema.ts';
import type { User } from '../../storage/records/users.ts';
import type { LogInDevice } from './device.ts';

/** Who proved to be whom. */
export interface Person {
  readonly userId: InternalUserId;
  readonly authenticatedAt: number | null;
  readonly upstreamSid: string | null;
  /** Redeems what the proof was, in the transaction that starts the session; false if somebody else did meanwhile. */
  readonly redeem?: (tx: Kysely<Schema>, now: number) => Promise<boolean>;
  /** The refusal of that somebody. */
  readonly spent?: () => MatrixError;
}

/**
 * Begins the person's session on the device. Nothing is redeemed if the homeserver cannot be told (Unavailable). Throws 403 M_USER_DEACTIVATED, 401
 * M_USER_LOCKED, and 403 M_FORBIDDEN if the person has as many sessions as they may have: nobody can choose here which to end.
 */
export async function beginSession(
  deps: OpeningDeps & { readonly policy: SessionPolicy },
  person: Person,
  device: LogInDevice,
): Promise<{ readonly user: User; readonly tokens: LegacyTokens }> {
  const { userId, authenticatedAt, upstreamSid, redeem } = person;
  const opened = await openSession(deps, {
    userId,
    clientId: null,
    device: { id: device.id, displayname: device.name },
    ...(redeem === undefined ? {} : { redeem: (tx, { now }) => redeem(tx, now) }),
    start: (tx, { now, sessionId }) =>
      startLegacySession(
        tx,
        { policy: deps.policy, random: deps.random, now },
        {
          id: sessionId,
          userId,
          deviceId: device.id,
          deviceName: device.name,
          refreshable: device.refreshable,
          authenticatedAt,
          upstreamSid,
        },
      ),
  });
  if (opened.kind === 'opened') return { user: opened.user, tokens: opened.started };
  throw refusal(opened.reason, person);
}

function refusal(reason: OpeningRefusal, person: Person): MatrixError {
  switch (reason) {
    case 'deactivated':
      return deactivated();
    case 'locked':
      // Locked is not logged out: the client keeps what it has (client-server API, "Account locking").
      return new MatrixError(401, 'M_USER_LOCKED', 'This account has been locked', {
        members: { soft_logout: true },
      });
    case 'crowded':
      return crowded();
    case 'spent':
      return person.spent?.() ?? crowded();
  }
}

/** 403 M_USER_DEACTIVATED: for whom the password or token has already told that they are the person. */
export function deactivated(): MatrixError {
  return new MatrixError(403, 'M_USER_DEACTIVATED', 'This account has been deactivated');
}

function crowded(): MatrixError {
  return new MatrixError(
    403,
    'M_FORBIDDEN',
    'You have as many sessions as you may have. Sign out one of them, on the account page or in another app, and log in again',
    { reason: 'sessions.limits.per_user' },
  );
}
