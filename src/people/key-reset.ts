import type { SessionEndingDeps } from '../sessions/end.ts';
import type { User } from '../storage/records/users.ts';

/**
 * Lets a person replace their cross-signing keys for ten minutes, by an app that is signed in. The person must have proved a moment ago who they are. Throws
 * `Unavailable` if the homeserver cannot be told: nothing is queued, as the person is waiting and the window is short.
 */
export async function allowKeyReset(
  deps: Pick<SessionEndingDeps, 'homeserver' | 'emit'>,
  { id, localpart }: Pick<User, 'id' | 'localpart'>,
): Promise<void> {
  // The homeserver may not have the user yet: somebody who has only been on the account page.
  await deps.homeserver.provisionUser({ localpart });
  await deps.homeserver.allowCrossSigningReset({ localpart });
  deps.emit('key_reset_allowed', { userId: id });
}
