/** From a person who is known to a session: the homeserver first, then everything at once. */
import type { Kysely } from 'kysely';
import { MatrixError } from '../../protocol/matrix-error.ts';
import { findCrowd, fitsLimits } from '../../sessions/limits.ts';
import { queueUnusedDevice } from '../../provisioning/outbox.ts';
import { newSessionId } from '../../sessions/start.ts';
import { type LegacyTokens, startLegacySession } from '../../sessions/start-legacy.ts';
import type { Schema } from '../../storage/schema.ts';
import { findUser, type User } from '../../storage/records/users.ts';
import type { LogInDeps } from './deps.ts';
import type { LogInDevice } from './device.ts';

/** Who proved to be whom. */
export interface Person {
  readonly userId: string;
  readonly authenticatedAt: number | null;
  readonly upstreamSid: string | null;
  /** Redeems what the proof was, in the transaction that starts the session; false where somebody else did meanwhile. */
  readonly redeem?: (tx: Kysely<Schema>, now: number) => Promise<boolean>;
  /** The refusal of that somebody. */
  readonly spent?: () => MatrixError;
}

type Beginning =
  | { readonly kind: 'begun'; readonly tokens: LegacyTokens }
  | { readonly kind: 'refused'; readonly refusal: MatrixError };

/**
 * Begins the person's session on the device; an earlier one there is replaced, whatever kind it is of. Nothing is redeemed where the homeserver cannot
 * be told (Unavailable). Throws 403 M_USER_DEACTIVATED, 401 M_USER_LOCKED, and 403 M_FORBIDDEN where the person has as many sessions as they may
 * have: nobody can choose here which to end.
 */
export async function beginSession(
  deps: Pick<LogInDeps, 'db' | 'clock' | 'random' | 'homeserver' | 'policy' | 'sessionLimits'>,
  person: Person,
  device: LogInDevice,
): Promise<{ readonly user: User; readonly tokens: LegacyTokens }> {
  const { userId, authenticatedAt, upstreamSid } = person;
  const user = requireUsable(await findUser(deps.db.query, userId));
  const wanted = { userId, clientId: null, deviceId: device.id };
  if ((await findCrowd(deps.db.query, deps.sessionLimits, wanted)) !== undefined) throw crowded();
  await announce(deps, user, device);
  const beginning = await deps.db.write(async (tx): Promise<Beginning> => {
    const now = deps.clock.now();
    const refuse = async (refusal: MatrixError): Promise<Beginning> => {
      await queueUnusedDevice(tx, deps, { userId, deviceId: device.id, now });
      return { kind: 'refused', refusal };
    };
    if (!(await fitsLimits(tx, deps.sessionLimits, wanted))) return refuse(crowded());
    if ((await person.redeem?.(tx, now)) === false) return refuse(person.spent?.() ?? crowded());
    const tokens = await startLegacySession(
      tx,
      { ...deps, now },
      {
        id: newSessionId(now, deps.random),
        userId,
        deviceId: device.id,
        deviceName: device.name,
        refreshable: device.refreshable,
        authenticatedAt,
        upstreamSid,
      },
    );
    return tokens === undefined ? refuse(deactivated()) : { kind: 'begun', tokens };
  });
  if (beginning.kind === 'refused') throw beginning.refusal;
  return { user, tokens: beginning.tokens };
}

/** Throws for whom the operator keeps out. Locked is not logged out: the client keeps what it has (client-server API, "Account locking"). */
function requireUsable(user: User | undefined): User {
  if (user === undefined || user.deactivated_at !== null) throw deactivated();
  if (user.locked_at === null) return user;
  throw new MatrixError(401, 'M_USER_LOCKED', 'This account has been locked', {
    members: { soft_logout: true },
  });
}

/** Rule 6: user and device before any token. Both verbs can be repeated. */
async function announce(
  { homeserver }: Pick<LogInDeps, 'homeserver'>,
  user: User,
  device: LogInDevice,
): Promise<void> {
  const { localpart, displayname } = user;
  await homeserver.provisionUser({ localpart, ...(displayname === null ? {} : { displayname }) });
  await homeserver.upsertDevice({
    localpart,
    deviceId: device.id,
    ...(device.name === null ? {} : { displayname: device.name }),
  });
}

/** 403 M_USER_DEACTIVATED: for whom the password or token has already told that they are the person. */
export function deactivated(): MatrixError {
  return new MatrixError(403, 'M_USER_DEACTIVATED', 'This account has been deactivated');
}

function crowded(): MatrixError {
  return new MatrixError(
    403,
    'M_FORBIDDEN',
    'You have as many sessions as you may have. Sign out one of them, on the account page or in another app, and log in again',
    { reason: 'sessions.limits.per_user' },
  );
}
