/** The end of many sessions at once: a user's, or a client's. */
import type { ClientId, InternalUserId, SessionId } from '../protocol/identifiers.ts';
import type { SessionEndReason } from '../storage/records/sessions.ts';
import { listSessionRows } from '../storage/records/session-list.ts';
import { concludeEnding, type EndedSession, endSessionIn, type SessionEndingDeps } from './end.ts';

/** Sessions a transaction: others' transactions go in between. */
const BATCH = 50;

/**
 * Ends every live session of a user or of a client, and resolves to how many there were. The homeserver is told of the first ones at once, of
 * the others by the outbox; a session that starts meanwhile may be missed: whoever needs it otherwise bars the way first.
 */
export async function endSessions(
  deps: SessionEndingDeps,
  ending: {
    of: { readonly userId: InternalUserId } | { readonly clientId: ClientId };
    reason: SessionEndReason;
  },
): Promise<number> {
  if (!Object.values(ending.of).some(Boolean)) {
    throw new Error('sessions can be ended of a user or of a client, and neither is named');
  }
  let total = 0;
  for (;;) {
    const ids = (await listSessionRows(deps.db.query, { ...ending.of, limit: BATCH })).map(({ id }) => id);
    if (ids.length === 0) return total;
    const ended = await endTheseSessions(deps, { ids, reason: ending.reason, deliver: total === 0 });
    total += ended.length;
  }
}

/** Ends those of the sessions that are live, and resolves to their ids. */
export async function endTheseSessions(
  deps: SessionEndingDeps,
  ending: { ids: readonly SessionId[]; reason: SessionEndReason; deliver?: boolean },
): Promise<SessionId[]> {
  const ended: SessionId[] = [];
  for (let from = 0; from < ending.ids.length; from += BATCH) {
    const ids = ending.ids.slice(from, from + BATCH);
    ended.push(...(await endBatch(deps, { ...ending, ids })));
  }
  return ended;
}

async function endBatch(
  deps: SessionEndingDeps,
  ending: { ids: readonly SessionId[]; reason: SessionEndReason; deliver?: boolean },
): Promise<SessionId[]> {
  const now = deps.clock.now();
  const ended = await deps.db.write(async (tx) => {
    const sessions: EndedSession[] = [];
    // In one order everywhere, so that two of these never wait for each other.
    for (const sessionId of [...ending.ids].sort()) {
      const session = await endSessionIn(tx, deps, { sessionId, reason: ending.reason, now });
      if (session !== undefined) sessions.push(session);
    }
    return sessions;
  });
  await concludeEnding(deps, ended, { deliver: ending.deliver !== false });
  return ended.map(({ id }) => id);
}
