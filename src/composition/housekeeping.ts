import type { AuthorizationServerDeps } from '../authorization-server/deps.ts';
import { newRecordId } from '../protocol/identifiers.ts';
import { deliverOutbox } from '../sessions/outbox.ts';
import { cleanUp } from '../storage/cleanup.ts';
import { startPeriodicWork } from '../storage/periodic.ts';

/** How often the homeserver's outbox is looked through, and how often what is over is removed, in milliseconds. */
const OUTBOX_INTERVAL = 5_000;
const CLEANUP_INTERVAL = 5 * 60_000;

/** Periodic work, done by one of all processes. Returns what stops it, once the rounds under way are over. */
export function startHousekeeping(deps: AuthorizationServerDeps): () => Promise<void> {
  const { db: database, log, clock } = deps;
  const shared = { database, holder: newRecordId(clock.now(), deps.random), log };
  const works = [
    startPeriodicWork({
      ...shared,
      name: 'cleanup',
      everyMs: CLEANUP_INTERVAL,
      work: async (signal) => {
        const removed = await cleanUp({ database, now: clock.now(), signal });
        log.debug({ removed }, 'what is over was removed');
      },
    }),
  ];
  if (deps.homeserver.listens) {
    const work = async (): Promise<void> => {
      await deliverOutbox(deps);
    };
    works.push(startPeriodicWork({ ...shared, name: 'outbox', everyMs: OUTBOX_INTERVAL, work }));
  }
  return async () => {
    await Promise.all(works.map((work) => work.close()));
  };
}
