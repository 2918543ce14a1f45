import type { ClientId } from '../protocol/identifiers.ts';
import type { SessionEndingDeps } from '../sessions/end.ts';
import { endSessions } from '../sessions/end-many.ts';
import { deleteClient } from '../storage/records/client-list.ts';

/** Removes a client that is stored here, and ends its sessions. May be called again after a failure half way. */
export async function removeClient(
  deps: SessionEndingDeps,
  id: ClientId,
): Promise<{ readonly removed: boolean; readonly ended: number }> {
  // First the client: from here on no session of it starts.
  const removed = await deps.db.write((tx) => deleteClient(tx, id));
  if (removed) deps.emit('client_removed', { clientId: id });
  return { removed, ended: await endSessions(deps, { of: { clientId: id }, reason: 'ended_by_admin' }) };
}
