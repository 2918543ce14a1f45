import type { Kysely } from 'kysely';
import type { Clock } from '../protocol/clock.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import type { Schema } from '../storage/schema.ts';
import { hasClients, removeUnusedClients } from '../storage/records/clients.ts';
import type { RegistrationPolicy } from './registration-policy.ts';

/** How long a client that has just registered has to begin a sign-in before it may have to make room, in milliseconds. */
const GRACE = 10 * 60_000;
/** How long it is not looked again for clients that can make room, once there were none, in milliseconds. */
const PAUSE = 60_000;

/**
 * Makes room for one more client: if there are as many as may be, the oldest that nobody has signed in with go. If none of them can go, addresses that
 * register much are refused, `Unavailable`; the others never are, so nobody can fill the table for everybody.
 */
export function createRoom(deps: {
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly registration: Pick<RegistrationPolicy, 'clientsCap' | 'limit'>;
}): (tx: Kysely<Schema>, address: string) => Promise<void> {
  const { clientsCap, limit } = deps.registration;
  // Many at once, as finding them takes longer than removing them.
  const step = Math.min(1000, Math.ceil(clientsCap / 100));
  let nextLook = 0;
  return async (tx, address) => {
    if (!(await hasClients(tx, clientsCap))) return;
    if (deps.clock.monotonic() >= nextLook) {
      const { removed } = await removeUnusedClients(tx, deps.clock.now() - GRACE, step);
      if (removed > 0) return;
      nextLook = deps.clock.monotonic() + PAUSE;
    }
    if (limit.isQuiet(address)) return;
    throw new Unavailable('client registration', {
      retryAfterSeconds: 300,
      cause: new Error('there are registration.clients_cap clients, and none that nobody has signed in with'),
    });
  };
}
