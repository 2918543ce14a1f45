/** Whose access token it is: the one answer that every handler gets, whichever strategy gave it. */
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../protocol/identifiers.ts';
import type { SecretHash } from '../protocol/token-format.ts';
import type { Unavailable } from '../protocol/unavailable.ts';

/** A token that is good. Times are milliseconds since the epoch. */
export interface ActiveAccess {
  readonly sessionId: SessionId;
  readonly userId: InternalUserId | null;
  readonly localpart: string | null;
  readonly clientId: ClientId | null;
  readonly deviceId: DeviceId | null;
  readonly scope: string;
  readonly issuedAt: number;
  /** Null: does not expire. */
  readonly expiresAt: number | null;
}

/** Why a token is not good. */
export type InactiveReason = 'malformed' | 'unknown' | 'expired' | 'ended' | 'deactivated';

/**
 * Locked is a verdict of its own: the session lives on (locked is not logged out). So is unavailable: nobody could be asked, and nothing is known of
 * the token (unavailable is 503).
 */
export type AccessVerdict =
  | { readonly kind: 'active'; readonly access: ActiveAccess }
  | { readonly kind: 'locked'; readonly access: ActiveAccess }
  | {
      readonly kind: 'inactive';
      readonly reason: InactiveReason;
      readonly sessionId?: SessionId;
      /** Under which the token is stored, if it is. */
      readonly hash?: SecretHash;
      /** What exactly was wrong, if there is more to say: for the log alone. */
      readonly detail?: string;
    }
  | { readonly kind: 'unavailable'; readonly error: Unavailable };

/** A verdict that says something about the token. */
export type KnownVerdict = Exclude<AccessVerdict, { kind: 'unavailable' }>;

/** Judges an access token. Does not throw for an outage: that is a verdict. */
export type Verify = (accessToken: string) => Promise<AccessVerdict>;

/** For routes, where an outage is the same answer everywhere: throws it. */
export async function knownVerdict(verify: Verify, accessToken: string): Promise<KnownVerdict> {
  const verdict = await verify(accessToken);
  if (verdict.kind === 'unavailable') throw verdict.error;
  return verdict;
}
