/** What may become of a person after deactivation: everything known of them is erased, or they come back. */
import type { InternalUserId } from '../protocol/identifiers.ts';
import { deliverOutboxOf } from '../provisioning/deliver.ts';
import { queueTelling } from '../provisioning/outbox.ts';
import type { SessionEndingDeps } from '../sessions/end.ts';
import { endSessions } from '../sessions/end-many.ts';
import { erasePerson } from '../storage/personal-data.ts';
import { markUserErased, markUserReactivated } from '../storage/records/people.ts';
import { findUser } from '../storage/records/users.ts';

/**
 * Erases what is known of a deactivated person, for good, here and at the homeserver. The localpart stays, so that nobody else ever gets it. False
 * where that was done before, or they are not deactivated.
 */
export async function eraseDeactivated(deps: SessionEndingDeps, userId: InternalUserId): Promise<boolean> {
  if (!(await finishDeactivation(deps, userId))) return false;
  const now = deps.clock.now();
  const changed = await deps.db.write(async (tx) => {
    if (!(await markUserErased(tx, { id: userId, at: now }))) return false;
    await erasePerson(tx, userId);
    await queueTelling(tx, deps, { kind: 'deactivate_user', userId, payload: { erase: true }, now });
    return true;
  });
  if (changed) deps.emit('user_erased', { userId });
  await deliverOutboxOf(deps, userId);
  return changed;
}

/** A deactivated person may sign in again, without their old sessions and devices. False if they are not deactivated, or erased. */
export async function reactivatePerson(deps: SessionEndingDeps, userId: InternalUserId): Promise<boolean> {
  if (!(await finishDeactivation(deps, userId))) return false;
  const changed = await deps.db.write(async (tx) => {
    if (!(await markUserReactivated(tx, userId))) return false;
    await queueTelling(tx, deps, { kind: 'reactivate_user', userId, payload: {}, now: deps.clock.now() });
    return true;
  });
  if (changed) deps.emit('user_reactivated', { userId });
  await deliverOutboxOf(deps, userId);
  return changed;
}

/** Ends what a deactivation that failed half way has left, so that no old session comes back to life. False if there was no deactivation. */
async function finishDeactivation(deps: SessionEndingDeps, userId: InternalUserId): Promise<boolean> {
  const user = await findUser(deps.db.query, userId);
  if (user === undefined || user.deactivated_at === null) return false;
  await endSessions(deps, { of: { userId }, reason: 'deactivated' });
  return true;
}
