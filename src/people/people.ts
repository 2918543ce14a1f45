/** What becomes of people: locked for a while, or deactivated. The database is the truth: every process sees it with its next query. */
import type { InternalUserId } from '../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import { deliverOutboxOf } from '../provisioning/deliver.ts';
import { queueTelling } from '../provisioning/outbox.ts';
import type { Schema } from '../storage/schema.ts';
import { removeAfterDeactivation, voidPending } from '../storage/personal-data.ts';
import { markUserDeactivated, setUserLocked } from '../storage/records/people.ts';
import { lockUser } from '../storage/records/users.ts';
import type { SessionEndingDeps } from '../sessions/end.ts';
import { endSessions } from '../sessions/end-many.ts';

/**
 * Locks a user: sessions live on, but nothing can be done with them (locked is not logged out). What could still become a session comes to nothing. False if
 * they were locked, or are deactivated.
 */
export async function lockPerson(deps: SessionEndingDeps, userId: InternalUserId): Promise<boolean> {
  const at = deps.clock.now();
  const changed = await deps.db.write(async (tx) => {
    // The user's row before the pending ones, as everybody who locks both does: otherwise two of them could wait for each other.
    await lockUser(tx, userId);
    const changed = await setUserLocked(tx, { id: userId, at });
    await voidPending(tx, { userId, at });
    return changed && tellLocked(tx, deps, { userId, locked: true });
  });
  return conclude(deps, changed, 'user_locked', userId);
}

/** False if they were not locked, or are deactivated. */
export async function unlockPerson(deps: SessionEndingDeps, userId: InternalUserId): Promise<boolean> {
  const changed = await deps.db.write(
    async (tx) =>
      (await setUserLocked(tx, { id: userId, at: null })) && tellLocked(tx, deps, { userId, locked: false }),
  );
  return conclude(deps, changed, 'user_unlocked', userId);
}

/**
 * Deactivates a user: nobody signs in as them again, and all their sessions end, devices included. May be called again after a
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
    const payload = { erase: false };
    if (changed) await queueTelling(tx, deps, { kind: 'deactivate_user', userId, payload, now: at });
    return changed;
  });
  if (changed) deps.emit('user_deactivated', { userId });
  const ended = await endSessions(deps, { of: { userId }, reason: 'deactivated' });
  await deliverOutboxOf(deps, userId);
  return { changed, ended };
}

/** The homeserver hears of it too: it hides who is locked from its directory. Resolves to true. */
async function tellLocked(
  tx: Kysely<Schema>,
  deps: SessionEndingDeps,
  { userId, locked }: { userId: InternalUserId; locked: boolean },
): Promise<true> {
  await queueTelling(tx, deps, { kind: 'set_locked', userId, payload: { locked }, now: deps.clock.now() });
  return true;
}

async function conclude(
  deps: SessionEndingDeps,
  changed: boolean,
  event: 'user_locked' | 'user_unlocked',
  userId: InternalUserId,
): Promise<boolean> {
  if (!changed) return false;
  deps.emit(event, { userId });
  await deliverOutboxOf(deps, userId);
  return true;
}
