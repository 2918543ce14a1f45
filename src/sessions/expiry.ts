/** Sessions that end by themselves, if the operator wants it: unused for long, or old. Off by default. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { listExpiredSessions, listOverdueSessions } from '../storage/records/session-expiry.ts';
import type { SessionEndingDeps } from './end.ts';
import { endTheseSessions } from './end-many.ts';
import type { SessionPolicy } from './policy.ts';

/** Sessions a step. */
const OVERDUE_STEP = 500;

export type ExpiryPolicy = Pick<SessionPolicy, 'idleExpiry' | 'absoluteExpiry'>;

/** Whether a session is over. What ends it for good, its device included, is its next refresh or the periodic work. */
export function isExpired(
  { idleExpiry = 0, absoluteExpiry = 0 }: ExpiryPolicy,
  session: { readonly created_at: number; readonly last_active_at: number },
  now: number,
): boolean {
  return (
    (idleExpiry > 0 && now >= session.last_active_at + idleExpiry) ||
    (absoluteExpiry > 0 && now >= session.created_at + absoluteExpiry)
  );
}

/** Whether sessions expire at all. */
export function hasExpiry({ idleExpiry = 0, absoluteExpiry = 0 }: ExpiryPolicy): boolean {
  return idleExpiry > 0 || absoluteExpiry > 0;
}

/** Ends every session whose time is over, by the lifetime of its client or its scopes, and resolves to how many. */
export async function endOverdueSessions(
  deps: SessionEndingDeps,
  { signal }: { signal?: AbortSignal } = {},
): Promise<number> {
  let total = 0;
  while (signal?.aborted !== true) {
    const ids = await listOverdueSessions(deps.db.query, { at: deps.clock.now(), limit: OVERDUE_STEP });
    const ended = await endTheseSessions(deps, { ids, reason: 'expired', deliver: false });
    total += ended.length;
    if (ids.length < OVERDUE_STEP) break;
    await nextTurn();
  }
  return total;
}

/**
 * Ends every session of a person that has expired, devices included, and resolves to how many. Sessions of clients alone
 * have no refresh, and are swept with their tokens.
 */
export async function endExpiredSessions(
  deps: SessionEndingDeps & { readonly policy: ExpiryPolicy },
  { signal }: { signal?: AbortSignal } = {},
): Promise<number> {
  const { idleExpiry = 0, absoluteExpiry = 0 } = deps.policy;
  if (!hasExpiry(deps.policy)) return 0;
  let total = 0;
  for (let after: string | undefined = ''; after !== undefined && signal?.aborted !== true;) {
    const now = deps.clock.now();
    const { ids, next } = await listExpiredSessions(deps.db.query, {
      after,
      activeBefore: idleExpiry > 0 ? now - idleExpiry : undefined,
      createdBefore: absoluteExpiry > 0 ? now - absoluteExpiry : undefined,
    });
    // The homeserver hears of them from the outbox: there may be many.
    total += (await endTheseSessions(deps, { ids, reason: 'expired', deliver: false })).length;
    after = next;
    // Others' requests go first.
    await nextTurn();
  }
  return total;
}
