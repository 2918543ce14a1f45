/** Sessions: rows only; the rules stand in `sessions/`. */
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../../protocol/identifiers.ts';
import type { Insertable, Kysely, Selectable, Generated } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import { hotRow } from '../engine/hot-query.ts';
import type { Schema } from '../schema.ts';
import { type SweepStep, type TableDuties, progressOf } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    sessions: SessionsTable;
  }
}

/** What a grant created. At most one live session per (user, device). */
export interface SessionsTable {
  id: SessionId;
  /** Null for client credentials. */
  user_id: InternalUserId | null;
  /** Null for legacy login. */
  client_id: ClientId | null;
  device_id: DeviceId | null;
  /** Space-separated, in the client's spelling. */
  scope: string;
  /** How it began. */
  origin: SessionOrigin;
  /** When the person last proved who they are at the IdP, if it said so. */
  authenticated_at: number | null;
  /** The IdP's id of its own session, if it said so: for back-channel logout. */
  upstream_sid: string | null;
  created_at: number;
  last_active_at: number;
  ended_at: number | null;
  end_reason: SessionEndReason | null;
  /** What the device is called, if a client or its person said so: at most 100 characters. */
  device_name: Generated<string | null>;
  /** When it ends however it is used, by the lifetime of its client or its scopes. Default null: at no time that is fixed. */
  expires_at: Generated<number | null>;
}

/** They have one access token each and no refresh token. */
const removeOfClients: SweepStep = async (tx, before, limit) => {
  const due = tx
    .selectFrom('sessions')
    .select('id')
    .where('user_id', 'is', null)
    .where('created_at', '<', before)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '<', before)]))
    .limit(limit);
  const { numDeletedRows } = await tx.deleteFrom('sessions').where('id', 'in', due).executeTakeFirst();
  return progressOf(Number(numDeletedRows), limit);
};

/** First the refresh tokens, as a session may have thousands: the cascade takes only few. */
const removeEnded: SweepStep = async (tx, before, limit) => {
  const ended = tx
    .selectFrom('sessions')
    .select('id')
    .where('ended_at', '<', before)
    .orderBy('ended_at')
    .limit(limit);
  const tokens = tx.selectFrom('refresh_tokens').select('hash').where('session_id', 'in', ended).limit(limit);
  const removed = await tx.deleteFrom('refresh_tokens').where('hash', 'in', tokens).executeTakeFirst();
  if (Number(removed.numDeletedRows) >= limit) return { removed: 0, more: true };
  const { numDeletedRows } = await tx.deleteFrom('sessions').where('id', 'in', ended).executeTakeFirst();
  return progressOf(Number(numDeletedRows), limit);
};

/** Sessions are ended one by one (sessions/end.ts), as each end is told to the homeserver. */
export const sessionsDuties: TableDuties = {
  person: { column: 'user_id', pending: 'none', deactivation: 'kept', erasure: { cleared: ['device_name'] } },
  time: [
    { keep: 'clientSessions', step: removeOfClients },
    { keep: 'endedSessions', step: removeEnded },
  ],
};

/** `service`: one of the service's own, for a piece of work at the homeserver. */
export type SessionOrigin =
  | 'authorization_code'
  | 'device_code'
  | 'client_credentials'
  | 'password'
  | 'operator'
  | 'legacy_login'
  | 'provider_token'
  | 'service';

/** Why a session ended. */
export type SessionEndReason =
  | 'revoked'
  | 'logged_out'
  | 'replaced'
  | 'code_replayed'
  | 'refresh_replayed'
  | 'ended_by_user'
  | 'ended_by_admin'
  | 'upstream_logout'
  | 'access_rules'
  | 'deactivated'
  | 'expired';

export type Session = Selectable<SessionsTable>;

export async function insertSession(db: Kysely<Schema>, session: Insertable<SessionsTable>): Promise<void> {
  await db.insertInto('sessions').values(session).execute();
}

/** The live session on a device of a user, if there is one. */
export function findLiveSession(
  db: Kysely<Schema>,
  device: { userId: InternalUserId; deviceId: DeviceId },
): Promise<Session | undefined> {
  return db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', device.userId)
    .where('device_id', '=', device.deviceId)
    .where('ended_at', 'is', null)
    .executeTakeFirst();
}

/** Notes activity and returns the row. In PostgreSQL this also takes the row's lock, under which all that follows in the transaction is serial. */
export function touchSession(
  db: Kysely<Schema>,
  session: { id: SessionId; at: number },
): Promise<Session | undefined> {
  return updateActivity(db, session.id, session.at);
}

const SESSION_COLUMNS = [
  'id',
  'user_id',
  'client_id',
  'device_id',
  'scope',
  'origin',
  'authenticated_at',
  'upstream_sid',
  'created_at',
  'last_active_at',
  'ended_at',
  'end_reason',
  'device_name',
  'expires_at',
] as const satisfies (keyof Session)[];

const updateActivity = hotRow(
  (db, id: SessionId, at: number) =>
    db.updateTable('sessions').set({ last_active_at: at }).where('id', '=', id).returning(SESSION_COLUMNS),
  (v) => ({
    id: v[0],
    user_id: v[1],
    client_id: v[2],
    device_id: v[3],
    scope: v[4],
    origin: v[5],
    authenticated_at: v[6],
    upstream_sid: v[7],
    created_at: v[8],
    last_active_at: v[9],
    ended_at: v[10],
    end_reason: v[11],
    device_name: v[12],
    expires_at: v[13],
  }),
);

/** What a refresh needs of its session. */
export type RefreshedSession = Pick<Session, (typeof REFRESHED_COLUMNS)[number]>;

const REFRESHED_COLUMNS = ['id', 'user_id', 'client_id', 'scope', 'ended_at', 'expires_at'] as const;

/** As `touchSession`, for the session of a refresh token; `undefined` if nobody knows the token. */
export function touchSessionOf(
  db: Kysely<Schema>,
  token: { hash: SecretHash; at: number },
): Promise<RefreshedSession | undefined> {
  return updateActivityOf(db, token.hash, token.at);
}

const updateActivityOf = hotRow(
  (db, hash: SecretHash, at: number) =>
    db
      .updateTable('sessions')
      .set({ last_active_at: at })
      .where('id', '=', (eb) => eb.selectFrom('refresh_tokens').select('session_id').where('hash', '=', hash))
      .returning(REFRESHED_COLUMNS),
  (v) => ({ id: v[0], user_id: v[1], client_id: v[2], scope: v[3], ended_at: v[4], expires_at: v[5] }),
);

/** The session of a refresh token. */
export function findSessionOf(db: Kysely<Schema>, hash: SecretHash): Promise<Session | undefined> {
  return db
    .selectFrom('refresh_tokens')
    .innerJoin('sessions', 'sessions.id', 'refresh_tokens.session_id')
    .selectAll('sessions')
    .where('refresh_tokens.hash', '=', hash)
    .executeTakeFirst();
}

/** Ends a live session; `undefined` if it had ended before (or never was). */
export function markSessionEnded(
  db: Kysely<Schema>,
  session: { id: SessionId; at: number; reason: SessionEndReason },
): Promise<Session | undefined> {
  return db
    .updateTable('sessions')
    .set({ ended_at: session.at, end_reason: session.reason })
    .where('id', '=', session.id)
    .where('ended_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
}
