import type { InternalUserId } from '../protocol/identifiers.ts';
import type { SecretHash } from '../protocol/token-format.ts';
import { endSessions } from '../sessions/end-many.ts';
import type { SessionEndingDeps } from '../sessions/end.ts';
import { voidPending } from '../storage/personal-data.ts';
import type { SessionEndReason } from '../storage/records/sessions.ts';

/**
 * Signs a person out everywhere: every session ends, with its device, and whatever could still become one comes to nothing, the account page
 * included (except for `except`, the cookie session that asks). What could become a session goes first, so that nothing starts from it while the
 * sessions end. May be called again after a failure half way. Resolves to how many sessions ended.
 */
export async function signOutEverywhere(
  deps: SessionEndingDeps,
  signOut: {
    readonly userId: InternalUserId;
    readonly reason: SessionEndReason;
    readonly except?: SecretHash;
  },
): Promise<number> {
  const { userId, reason, except } = signOut;
  await deps.db.write((tx) => voidPending(tx, { userId, at: deps.clock.now(), except }));
  return endSessions(deps, { of: { userId }, reason });
}
