/** Requests that wait for their person to prove themselves again (client-server API, "User-Interactive Authentication"). */
import type { DeviceId, InternalUserId, SessionId } from '../../protocol/identifiers.ts';
import type { Insertable, Kysely, Selectable } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import type { JsonText, Schema } from '../schema.ts';
import { type TableDuties, sweepPast } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    ui_auth_sessions: UiAuthSessionsTable;
    ui_auth_requests: UiAuthRequestsTable;
  }
}

/** What is about to be done: devices are signed out. */
export interface WhatIsAsked {
  readonly kind: 'sign_out_devices';
  /** The first of them; none if they are gone already. */
  readonly devices: readonly { readonly id: string; readonly name: string | null }[];
  /** How many more there are. */
  readonly more: number;
}

/** A request that waits for its person to prove themselves again (client-server API, "User-Interactive Authentication"). */
export interface UiAuthSessionsTable {
  /** Of the `session` that the client is given. */
  hash: SecretHash;
  /** The session whose access token asked. */
  session_id: SessionId;
  /** Of method, path and body: nothing else can be done with it. */
  request_hash: string;
  /** What is about to be done, for the page that asks the person. */
  summary_json: JsonText<WhatIsAsked>;
  created_at: number;
  expires_at: number;
  /** When the person had signed in again. */
  completed_at: number | null;
  /** When the request was done with it. */
  consumed_at: number | null;
}

/** Which waiting request a sign-in is for: the purpose of a sign-in. */
export interface UiAuthRequestsTable {
  sign_in_id: string;
  ui_auth_hash: SecretHash;
}

/** Useless once the session whose token asked has ended. */
export const uiAuthSessionsDuties: TableDuties = {
  person: { follows: 'sessions' },
  time: [sweepPast('ui_auth_sessions', 'signInSteps', 'expires_at', 'hash')],
};

export const uiAuthRequestsDuties: TableDuties = {
  person: { follows: 'sign_ins' },
  time: { follows: 'sign_ins' },
};

export type UiAuthSession = Selectable<UiAuthSessionsTable>;

/** With the user, and the device, whose session asked. */
export interface WaitingRequest extends UiAuthSession {
  readonly user_id: InternalUserId;
  readonly localpart: string;
  readonly device_id: DeviceId | null;
  readonly device_name: string | null;
}

/** How many requests of one session can wait; the oldest give way. */
const WAITING = 10;

/** Keeps a request. One session cannot fill the table: of those that nobody has completed, the oldest give way. */
export async function insertUiAuthSession(
  tx: Kysely<Schema>,
  waiting: Insertable<UiAuthSessionsTable>,
): Promise<void> {
  const newest = tx
    .selectFrom('ui_auth_sessions')
    .select('hash')
    .where('session_id', '=', waiting.session_id)
    .where('completed_at', 'is', null)
    .orderBy('created_at', 'desc')
    .orderBy('hash')
    .limit(WAITING - 1);
  await tx
    .deleteFrom('ui_auth_sessions')
    .where('session_id', '=', waiting.session_id)
    .where('completed_at', 'is', null)
    .where('hash', 'not in', newest)
    .execute();
  await tx.insertInto('ui_auth_sessions').values(waiting).execute();
}

/** By what the client was given. */
export function findUiAuthSession(db: Kysely<Schema>, hash: SecretHash): Promise<WaitingRequest | undefined> {
  return db
    .selectFrom('ui_auth_sessions')
    .innerJoin('sessions', 'sessions.id', 'ui_auth_sessions.session_id')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .selectAll('ui_auth_sessions')
    .select(['users.id as user_id', 'users.localpart', 'sessions.device_id', 'sessions.device_name'])
    .where('ui_auth_sessions.hash', '=', hash)
    .executeTakeFirst();
}

/** By the sign-in that was begun for it. */
export async function findUiAuthOfSignIn(
  db: Kysely<Schema>,
  signInId: string,
): Promise<WaitingRequest | undefined> {
  const request = await db
    .selectFrom('ui_auth_requests')
    .select('ui_auth_hash')
    .where('sign_in_id', '=', signInId)
    .executeTakeFirst();
  return request && findUiAuthSession(db, request.ui_auth_hash);
}

/** Notes which request a sign-in is for. */
export async function insertUiAuthRequest(
  tx: Kysely<Schema>,
  request: { signInId: string; hash: SecretHash },
): Promise<void> {
  await tx
    .insertInto('ui_auth_requests')
    .values({ sign_in_id: request.signInId, ui_auth_hash: request.hash })
    .execute();
}

/** Whether the one who signed in for this request is somebody else than its user. */
export async function isOfAnother(
  db: Kysely<Schema>,
  waiting: { hash: SecretHash; userId: InternalUserId },
): Promise<boolean> {
  const row = await db
    .selectFrom('ui_auth_requests')
    .innerJoin('sign_ins', 'sign_ins.id', 'ui_auth_requests.sign_in_id')
    .select('sign_ins.id')
    .where('ui_auth_requests.ui_auth_hash', '=', waiting.hash)
    .where('sign_ins.user_id', '!=', waiting.userId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** The person has proved themselves: true if the request was waiting for that and is not too old. */
export async function completeUiAuth(
  tx: Kysely<Schema>,
  done: { hash: SecretHash; at: number },
): Promise<boolean> {
  const row = await tx
    .updateTable('ui_auth_sessions')
    .set({ completed_at: done.at })
    .where('hash', '=', done.hash)
    .where('completed_at', 'is', null)
    .where('expires_at', '>', done.at)
    .returning('hash')
    .executeTakeFirst();
  return row !== undefined;
}

/** Takes what was proved: true for the one request that does what it was proved for. */
export async function consumeUiAuth(
  tx: Kysely<Schema>,
  use: { hash: SecretHash; at: number },
): Promise<boolean> {
  const row = await tx
    .updateTable('ui_auth_sessions')
    .set({ consumed_at: use.at })
    .where('hash', '=', use.hash)
    .where('completed_at', 'is not', null)
    .where('consumed_at', 'is', null)
    .where('expires_at', '>', use.at)
    .returning('hash')
    .executeTakeFirst();
  return row !== undefined;
}
