/**
 * How a session begins, whichever grant or login it is for: may the person have one, is there a place for it, does the homeserver know the device, and then
 * everything at once. Nothing is redeemed before all of that is true, so that a client that is refused, or finds the homeserver down, can come again with the
 * same code or token.
 */
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../protocol/identifiers.ts';
import type { Kysely, Transaction } from 'kysely';
import { announceDevice } from '../provisioning/announce.ts';
import { drain } from '../provisioning/deliver.ts';
import { keepDevice, queueDeviceDeletion } from '../provisioning/outbox.ts';
import { inTurn } from '../provisioning/turns.ts';
import { findLiveSession } from '../storage/records/sessions.ts';
import { findUser, lockUser, type User } from '../storage/records/users.ts';
import type { Schema } from '../storage/schema.ts';
import type { SessionEndingDeps } from './end.ts';
import { findCrowd, type SessionLimits, type WantedSession } from './limits.ts';
import { newSessionId } from './start.ts';

export interface OpeningDeps extends SessionEndingDeps {
  readonly sessionLimits: SessionLimits;
}

/** A session that somebody has asked for. */
export interface Opening<Started> {
  readonly userId: InternalUserId;
  /** Null for legacy login. */
  readonly clientId: ClientId | null;
  /** Null for a session that is none of Matrix: the homeserver hears nothing of it. */
  readonly device: NewDevice | null;
  /** Redeems the proof, in the transaction that starts the session: false if somebody else did meanwhile. Left out if there is nothing to redeem. */
  readonly redeem?: (tx: Transaction<Schema>, at: OpeningTime) => Promise<boolean>;
  /** Starts the session and issues its tokens; `undefined` if the user is deactivated. */
  readonly start: (tx: Transaction<Schema>, at: OpeningTime) => Promise<Started | undefined>;
}

interface NewDevice {
  readonly id: DeviceId;
  /** What the homeserver calls the device if it does not know it; null: nothing. */
  readonly displayname: string | null;
}

export interface OpeningTime {
  readonly now: number;
  /** Of the session that is about to start. */
  readonly sessionId: SessionId;
}

/** Why there is no session, with nothing redeemed: `spent` means that somebody else redeemed the proof first. */
export type OpeningRefusal = 'deactivated' | 'locked' | 'crowded' | 'spent';

export type Opened<Started> =
  | { readonly kind: 'opened'; readonly user: User; readonly started: Started }
  | { readonly kind: 'refused'; readonly reason: OpeningRefusal };

/** Each refusal in words for the log. */
export const refusalText: Readonly<Record<OpeningRefusal, string>> = {
  deactivated: 'the user is deactivated',
  locked: 'the user is locked',
  crowded: 'the user has as many sessions as sessions.limits allows',
  spent: 'it was used before',
};

/**
 * Opens the session; an earlier one on the same device is replaced, whatever kind it is of. A device that was announced for a session that then did
 * not start is taken back. Throws `Unavailable` if the homeserver cannot be told.
 */
export async function openSession<Started extends { readonly replaced?: SessionId }>(
  deps: OpeningDeps,
  opening: Opening<Started>,
): Promise<Opened<Started>> {
  const { userId, clientId, device } = opening;
  const wanted = { userId, clientId, deviceId: device?.id ?? null };
  const first = await judgePerson(deps.db.query, deps.sessionLimits, wanted, findUser);
  if (typeof first === 'string') return { kind: 'refused', reason: first };
  const started =
    device === null
      ? await startInTransaction(deps, opening, null)
      : await inTurn(deps.homeserver, userId, () =>
          announceAndStart(deps, opening, { person: first, device }),
        );
  if (typeof started === 'string') return { kind: 'refused', reason: started };
  // A legacy client's device id is any text that it sent, and nothing that was sent goes to the log: the session's id tells it.
  const whose = {
    userId,
    ...(clientId === null ? {} : { clientId }),
    ...(clientId === null || device === null ? {} : { deviceId: device.id }),
  };
  if (started.replaced !== undefined) {
    deps.emit('session_replaced', { ...whose, sessionId: started.replaced });
  }
  deps.emit('session_started', { ...whose, sessionId: started.sessionId });
  return { kind: 'opened', user: first, started };
}

/** Everything that is told of the user meanwhile waits for it, or is told before: an earlier session's end must not delete the device of this one. */
async function announceAndStart<Started extends object>(
  deps: OpeningDeps,
  opening: Opening<Started>,
  { person, device }: { person: User; device: NewDevice },
): Promise<Begun<Started> | OpeningRefusal> {
  const { userId } = opening;
  await drain(deps, userId);
  // A device that somebody uses has its name, which may be the person's own.
  const isKnown = (await findLiveSession(deps.db.query, { userId, deviceId: device.id })) !== undefined;
  await announceDevice(deps.homeserver, person, isKnown ? { ...device, displayname: null } : device);
  return startInTransaction(deps, opening, device);
}

type Begun<Started> = Started & { readonly sessionId: string };

async function startInTransaction<Started extends object>(
  deps: OpeningDeps,
  opening: Opening<Started>,
  device: NewDevice | null,
): Promise<Begun<Started> | OpeningRefusal> {
  const { userId, clientId } = opening;
  const wanted = { userId, clientId, deviceId: device?.id ?? null };
  const sessionId = newSessionId(deps.clock.now(), deps.random);
  return deps.db.write(async (tx): Promise<Begun<Started> | OpeningRefusal> => {
    const now = deps.clock.now();
    const refuse = async (refusal: OpeningRefusal): Promise<OpeningRefusal> => {
      if (device !== null) await queueDeviceDeletion(tx, deps, { userId, deviceId: device.id, now });
      return refusal;
    };
    // What was true a moment ago counts only under the lock of the user's row: two cannot take the last place.
    const user = await judgePerson(tx, deps.sessionLimits, wanted, lockUser);
    if (typeof user === 'string') return refuse(user);
    const at = { now, sessionId };
    if ((await opening.redeem?.(tx, at)) === false) return refuse('spent');
    const started = await opening.start(tx, at);
    if (started === undefined) return refuse('deactivated');
    if (device !== null) {
      await keepDevice(tx, deps, { userId, deviceId: device.id, displayname: device.displayname, now });
    }
    return { ...started, sessionId };
  });
}

/** The rule about people, in the order in which they are told: deactivated is for good, locked for a while, crowded until one session ends. */
async function judgePerson(
  db: Kysely<Schema>,
  limits: SessionLimits,
  wanted: WantedSession,
  read: (db: Kysely<Schema>, id: InternalUserId) => Promise<User | undefined>,
): Promise<User | OpeningRefusal> {
  const user = await read(db, wanted.userId);
  if (user === undefined || user.deactivated_at !== null) return 'deactivated';
  if (user.locked_at !== null) return 'locked';
  return (await findCrowd(db, limits, wanted)) === undefined ? user : 'crowded';
}
