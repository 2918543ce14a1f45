/**
 * Delivers the outbox: strictly in order per user, each entry until the homeserver has acknowledged it, with a growing and jittered delay after a failure. What
 * is delivered twice does no harm, as every verb of the connector can be repeated.
 */
import { type Homeserver, UnknownUser } from '../homeserver/connector.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import type { DeviceId, InternalUserId } from '../protocol/identifiers.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import type { Database } from '../storage/engine/database.ts';
import {
  deleteOutboxEntry,
  findFirstOutboxEntry,
  listDueOutboxUsers,
  type OutboxEntry,
  type OutboxKind,
  type OutboxPayloads,
  postponeOutboxEntry,
} from '../storage/records/outbox.ts';
import { findLiveSession } from '../storage/records/sessions.ts';
import { findUser, type User } from '../storage/records/users.ts';
import { inTurn } from './turns.ts';

/** The part of pino that this folder uses. */
export interface OutboxLog {
  warn(members: object, message: string): void;
}

export interface OutboxDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly homeserver: Homeserver;
  readonly log: OutboxLog;
}

/** First delay after a failed attempt, and the longest, in milliseconds; up to half as long again at random. */
const FIRST_DELAY = 5_000;
const LONGEST_DELAY = 10 * 60_000;
/** How many users one round takes. */
const ROUND = 50;

type Deliver<Kind extends OutboxKind> = (
  deps: OutboxDeps,
  about: { readonly user: User; readonly deviceId: DeviceId; readonly payload: OutboxPayloads[Kind] },
) => Promise<void>;

/** One a kind. */
const deliverers: { readonly [Kind in OutboxKind]: Deliver<Kind> } = {
  upsert_device: async ({ homeserver }, { user, deviceId, payload }) => {
    const { localpart } = user;
    await homeserver.provisionUser({ localpart });
    await homeserver.upsertDevice({ localpart, deviceId, ...payload });
  },
  delete_device: deleteUnlessLive,
  rename_device: ({ homeserver }, { user, deviceId, payload }) =>
    homeserver.renameDevice({ localpart: user.localpart, deviceId, ...payload }),
  set_profile: ({ homeserver }, { user, payload }) =>
    homeserver.provisionUser({ localpart: user.localpart, ...payload }),
  set_locked: ({ homeserver }, { user, payload }) =>
    homeserver.provisionUser({ localpart: user.localpart, ...payload }),
  deactivate_user: ({ homeserver }, { user, payload }) =>
    homeserver.deactivateUser({ localpart: user.localpart, ...payload }),
  reactivate_user: ({ homeserver }, { user }) => homeserver.reactivateUser({ localpart: user.localpart }),
};

/** A device that a live session holds is kept; one that got a live session while it was being deleted is made again. */
async function deleteUnlessLive(
  { db, homeserver }: OutboxDeps,
  { user, deviceId }: { user: User; deviceId: DeviceId },
): Promise<void> {
  const device = { userId: user.id, deviceId };
  if ((await findLiveSession(db.query, device)) !== undefined) return;
  const names = { localpart: user.localpart, deviceId };
  await homeserver.deleteDevice(names);
  if ((await findLiveSession(db.query, device)) !== undefined) await homeserver.upsertDevice(names);
}

/** Tells of everybody whose next entry is due. Resolves to how many entries the homeserver acknowledged. */
export async function deliverOutbox(deps: OutboxDeps): Promise<number> {
  let delivered = 0;
  const due = await listDueOutboxUsers(deps.db.query, { at: deps.clock.now(), limit: ROUND });
  for (const userId of due) delivered += await deliverOutboxOf(deps, userId);
  return delivered;
}

/** Tells what is due of one user, oldest first, until nothing is left or the homeserver cannot be told. Never throws for the latter. */
export function deliverOutboxOf(deps: OutboxDeps, userId: InternalUserId): Promise<number> {
  return inTurn(deps.homeserver, userId, () => drain(deps, userId));
}

/** As {@link deliverOutboxOf}, for who has the user's turn already. */
export async function drain(deps: OutboxDeps, userId: InternalUserId): Promise<number> {
  for (let delivered = 0; ; delivered++) {
    const entry = await findFirstOutboxEntry(deps.db.query, userId);
    if (entry === undefined || entry.next_attempt_at > deps.clock.now()) return delivered;
    if (!(await deliver(deps, entry))) return delivered;
  }
}

/** False if the homeserver could not be told: the entry is postponed. */
async function deliver(deps: OutboxDeps, entry: OutboxEntry): Promise<boolean> {
  try {
    await tell(deps, entry);
  } catch (error) {
    if (error instanceof Unavailable) {
      await postpone(deps, entry, error);
      return false;
    }
    // Nobody is there to be told about: an operator removed the user by hand.
    if (!(error instanceof UnknownUser)) throw error;
    deps.log.warn({ err: error, kind: entry.kind }, 'the homeserver was not told: it has no such user');
  }
  await deps.db.write((tx) => deleteOutboxEntry(tx, entry.id));
  return true;
}

async function tell(deps: OutboxDeps, entry: OutboxEntry): Promise<void> {
  const user = await findUser(deps.db.query, entry.user_id);
  if (user === undefined) return;
  const about = { user, deviceId: entry.device_id ?? '', payload: JSON.parse(entry.payload_json) as never };
  await deliverers[entry.kind](deps, about);
}

async function postpone(deps: OutboxDeps, entry: OutboxEntry, error: Unavailable): Promise<void> {
  const { kind, user_id, device_id, attempts } = entry;
  deps.log.warn(
    { err: error, kind, user_id, device: device_id ?? undefined, attempts: attempts + 1 },
    'the homeserver could not be told; it will be tried again',
  );
  const delay = Math.min(FIRST_DELAY * 2 ** attempts, LONGEST_DELAY);
  const jitter = ((deps.random(1)[0] ?? 0) / 255) * (delay / 2);
  await deps.db.write((tx) =>
    postponeOutboxEntry(tx, { id: entry.id, nextAttemptAt: deps.clock.now() + Math.round(delay + jitter) }),
  );
}
