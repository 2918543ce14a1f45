import { rotateOldSigningKeys } from '../signing-keys/signing-keys.ts';
import { newRecordId } from '../protocol/identifiers.ts';
import { endExpiredSessions, endOverdueSessions } from '../sessions/expiry.ts';
import { deliverOutbox } from '../provisioning/deliver.ts';
import { recheckPeople } from '../sign-in/recheck.ts';
import { isRechecked } from '../sign-in/upstream-grant.ts';
import { cleanUp } from '../storage/cleanup.ts';
import { startPeriodicWork } from '../storage/periodic.ts';
import type { Foundation } from './foundation.ts';
import type { Shared } from './shared.ts';

/** How often the homeserver's outbox is looked through, and how often what is over is removed, in milliseconds. */
const OUTBOX_INTERVAL = 5_000;
const CLEANUP_INTERVAL = 5 * 60_000;
/** How often expired sessions are ended; they are refused in between, too. */
const EXPIRY_INTERVAL = 10 * 60_000;
const HOUR = 60 * 60_000;
/** How often the age of the signing keys is looked at. */
const KEYS_INTERVAL = HOUR;
const DAY = 24 * HOUR;

/** Periodic work, done by one of all processes. Returns what stops it, once the rounds under way are over. */
export function startHousekeeping(
  foundation: Foundation,
  { sessions, signIn }: Pick<Shared, 'sessions' | 'signIn'>,
): () => Promise<void> {
  const { config, db: database, log, clock, random } = foundation;
  const signingKeyDays = config.signing_keys.rotate_after_days;
  const shared = { database, holder: newRecordId(clock.now(), random), log };
  const works = [
    startPeriodicWork({
      ...shared,
      name: 'cleanup',
      everyMs: CLEANUP_INTERVAL,
      work: async (signal) => {
        const keep = { unusedClients: config.registration.unused_hours * HOUR };
        const removed = await cleanUp({ database, now: clock.now(), keep, signal });
        log.debug({ removed }, 'what is over was removed');
      },
    }),
  ];
  if (signingKeyDays > 0) {
    const work = async (): Promise<void> => {
      await rotateOldSigningKeys(foundation, signingKeyDays * DAY);
    };
    works.push(startPeriodicWork({ ...shared, name: 'signing_keys', everyMs: KEYS_INTERVAL, work }));
  }
  const recheckEvery = [...signIn.providerRules.values()].flatMap(({ access }) =>
    isRechecked(access, signIn.operatorScopes) ? [access.recheckEvery] : [],
  );
  if (recheckEvery.length > 0) {
    // Often enough that a loss takes effect within the configured time (sign-in/upstream-grant.ts leaves the rest of it for this).
    const everyMs = Math.min(Math.max(Math.min(...recheckEvery) / 10, 200), 60_000);
    const work = async (signal: AbortSignal): Promise<void> => {
      await recheckPeople(signIn, signal);
    };
    works.push(startPeriodicWork({ ...shared, name: 'access_rules', everyMs, work }));
  }
  if (sessions.homeserver.listens) {
    const work = async (): Promise<void> => {
      await deliverOutbox(sessions);
    };
    works.push(startPeriodicWork({ ...shared, name: 'outbox', everyMs: OUTBOX_INTERVAL, work }));
  }
  const endThoseOver = async (signal: AbortSignal): Promise<void> => {
    await endOverdueSessions(sessions, { signal });
    await endExpiredSessions(sessions, { signal });
  };
  works.push(
    startPeriodicWork({ ...shared, name: 'session expiry', everyMs: EXPIRY_INTERVAL, work: endThoseOver }),
  );
  return async () => {
    await Promise.all(works.map((work) => work.close()));
  };
}
