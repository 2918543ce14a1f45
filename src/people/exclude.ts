import type { InternalUserId } from '../protocol/identifiers.ts';
import type { SessionEndingDeps } from '../sessions/end.ts';
import { endSessions } from '../sessions/end-many.ts';
import { voidPending } from '../storage/personal-data.ts';
import { setUserAdmin } from '../storage/records/people.ts';
import { deleteUpstreamGrants } from '../storage/records/upstream-grants.ts';
import { lockUser } from '../storage/records/users.ts';

/**
 * The IdP's claims say that a person is not let in any more: all their sessions end, what they have under way comes to nothing, and their
 * claims are not asked for again. They are not deactivated: once the claims fit again, they can sign in. `access_lost` is told where
 * somebody lost a session by it: a person who is refused again and again is told of as `login_refused`. Resolves to how many sessions ended.
 */
export async function excludePerson(
  deps: SessionEndingDeps,
  { userId, ...why }: { userId: InternalUserId; provider: string; reason: string },
): Promise<number> {
  // Sessions first: after a crash in between, the upstream token is still there, and the next check ends the rest.
  await deps.db.write(async (tx) => {
    // The user's row before the pending ones, as everybody who locks both does: otherwise two of them could wait for each other.
    await lockUser(tx, userId);
    await setUserAdmin(tx, { id: userId, isAdmin: false });
    await voidPending(tx, { userId, at: deps.clock.now() });
  });
  const ended = await endSessions(deps, { of: { userId }, reason: 'access_rules' });
  await deps.db.write((tx) => deleteUpstreamGrants(tx, userId));
  if (ended > 0) deps.emit('access_lost', { userId, ...why });
  return ended;
}
