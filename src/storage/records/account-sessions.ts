/** The account page: who is signed in to it, and where a sign-in for it leads. */
import type { InternalUserId } from '../../protocol/identifiers.ts';
import type { Insertable, Kysely, Selectable } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import type { Schema } from '../schema.ts';
import { type TableDuties, sweepPast } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    account_requests: AccountRequestsTable;
    account_sessions: AccountSessionsTable;
  }
}

/** Where on the account page somebody wanted to go: the purpose of a sign-in. */
export interface AccountRequestsTable {
  sign_in_id: string;
  /** Path below the account page, and query; made by us, never taken from a request. */
  place: string;
}

/** Somebody signed in to the account page: the one cookie session there is. */
export interface AccountSessionsTable {
  /** Of the cookie. */
  hash: SecretHash;
  user_id: InternalUserId;
  authenticated_at: number | null;
  upstream_sid: string | null;
  created_at: number;
  expires_at: number;
}

export const accountRequestsDuties: TableDuties = {
  person: { follows: 'sign_ins' },
  time: { follows: 'sign_ins' },
};

export const accountSessionsDuties: TableDuties = {
  person: {
    column: 'user_id',
    pending: { void: 'delete' },
    deactivation: 'kept',
    erasure: 'deleted',
  },
  time: [sweepPast('account_sessions', 'clientSteps', 'expires_at', 'hash')],
};

export type AccountSession = Selectable<AccountSessionsTable>;

export async function insertAccountRequest(
  tx: Kysely<Schema>,
  request: Insertable<AccountRequestsTable>,
): Promise<void> {
  await tx.insertInto('account_requests').values(request).execute();
}

/** Where somebody wanted to go. */
export async function findAccountPlace(db: Kysely<Schema>, signInId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('account_requests')
    .select('place')
    .where('sign_in_id', '=', signInId)
    .executeTakeFirst();
  return row?.place;
}

export async function insertAccountSession(
  tx: Kysely<Schema>,
  session: Insertable<AccountSessionsTable>,
): Promise<void> {
  await tx.insertInto('account_sessions').values(session).execute();
}

export function findAccountSession(
  db: Kysely<Schema>,
  hash: SecretHash,
): Promise<AccountSession | undefined> {
  return db.selectFrom('account_sessions').selectAll().where('hash', '=', hash).executeTakeFirst();
}

export async function deleteAccountSession(tx: Kysely<Schema>, hash: SecretHash): Promise<void> {
  await tx.deleteFrom('account_sessions').where('hash', '=', hash).execute();
}
