/** What becomes of people: locked for a while, deactivated for good. The database is the truth: every process sees it with its next query. */
import type { InternalUserId } from '../protocol/identifiers.ts';
import { removeAfterDeactivation, voidPending } from '../storage/personal-data.ts';
import { markUserDeactivated, setUserLocked } from '../storage/records/people.ts';
import type { SessionEndingDeps } from '../sessions/end.ts';
import { endSessions } from '../sessions/end-many.ts';

/**
 * Locks a user: sessions live on, but nothing can be done with them (locked is not logged out). What could still become a session comes to nothing. False if
 * they were locked, or are deactivated.
 */
export async function lockPerson(
  deps: Pick<SessionEndingDeps, 'db' | 'clock' | 'emit'>,
  userId: InternalUserId,
): Promise<boolean> {
  const at = deps.clock.now();
  const changed = await deps.db.write(async (tx) => {
    await voidPending(tx, { userId, at });
    return setUserLocked(tx, { id: userId, at });
  });
  if (changed) deps.emit('user_locked', { userId });
  return changed;
}

/** False where they were not locked, or are deactivated. */
export async function unlockPerson(
  deps: Pick<SessionEndingDeps, 'db' | 'emit'>,
  userId: InternalUserId,
): Promise<boolean> {
  const changed = await deps.db.write((tx) => setUserLocked(tx, { id: userId, at: null }));
  if (changed) deps.emit('user_unlocked', { userId });
  return changed;
}

/**
 * Deactivates a user for good: nobody signs in as them again, and all their sessions end, devices included. May be called again after a
 * failure half way. Resolves to how many sessions were ended, and whether the user was active before.
 */
export async function deactivatePerson(
  deps: SessionEndingDeps,
  userId: InternalUserId,
): Promise<{ changed: boolean; ended: number }> {
  const at = deps.clock.now();
  // First the user: from here on no session starts (sessions/start.ts locks the same row).
  const changed = await deps.db.write(async (tx) => {
    const changed = await markUserDeactivated(tx, { id: userId, at });
    await voidPending(tx, { userId, at });
    await removeAfterDeactivation(tx, userId);
    return changed;
  });
  if (changed) deps.emit('user_deactivated', { userId });
  const ended = await endSessions(deps, { of: { userId }, reason: 'deactivated' });
  return { changed, ended };
}
