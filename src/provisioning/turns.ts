/** What is told of one user is told one thing after the other: two at once could arrive in the wrong order. */
import type { Homeserver } from '../homeserver/connector.ts';

const waiting = new WeakMap<Homeserver, Map<string, Promise<unknown>>>();

/** Runs `work` once everything that was begun for the user before is over. Within this process: others are brought together by the outbox. */
export async function inTurn<T>(homeserver: Homeserver, userId: string, work: () => Promise<T>): Promise<T> {
  if (!homeserver.listens) return work();
  const users = waiting.get(homeserver) ?? new Map<string, Promise<unknown>>();
  waiting.set(homeserver, users);
  const before = users.get(userId) ?? Promise.resolve();
  const turn = before.then(work, work);
  users.set(userId, turn);
  try {
    return await turn;
  } finally {
    if (users.get(userId) === turn) users.delete(userId);
  }
}
