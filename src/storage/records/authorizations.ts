/** Authorization requests (what a client asked for) and authorization codes. */
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../../protocol/identifiers.ts';
import type { Insertable, Kysely, Selectable, Generated } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import type { Schema } from '../schema.ts';
import { type TableDuties, sweepPast } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    authorization_requests: AuthorizationRequestsTable;
    authorization_codes: AuthorizationCodesTable;
  }
}

/** What a client asked for at the authorization endpoint: the purpose of a sign-in. */
export interface AuthorizationRequestsTable {
  sign_in_id: string;
  client_id: ClientId;
  redirect_uri: string;
  response_mode: 'query' | 'fragment' | 'form_post';
  state: string | null;
  scope: string;
  code_challenge: string;
  nonce: string | null;
}

export interface AuthorizationCodesTable {
  hash: SecretHash;
  client_id: ClientId;
  redirect_uri: string;
  code_challenge: string;
  scope: string;
  nonce: string | null;
  user_id: InternalUserId;
  /** Null: the session will have none, as it is none of Matrix. */
  device_id: DeviceId | null;
  authenticated_at: number | null;
  upstream_sid: string | null;
  created_at: number;
  expires_at: number;
  consumed_at: number | null;
  /** What it was redeemed for. */
  session_id: SessionId | null;
  /** Wrong verifiers so far; five burn the code. */
  misses: Generated<number>;
}

export const authorizationRequestsDuties: TableDuties = {
  person: { follows: 'sign_ins' },
  time: { follows: 'sign_ins' },
};

export const authorizationCodesDuties: TableDuties = {
  person: {
    column: 'user_id',
    pending: { void: 'delete', open: 'consumed_at' },
    deactivation: 'kept',
    erasure: 'deleted',
  },
  time: [sweepPast('authorization_codes', 'signInSteps', 'expires_at', 'hash')],
};

export type AuthorizationRequest = Selectable<AuthorizationRequestsTable>;
export type AuthorizationCode = Selectable<AuthorizationCodesTable>;

export async function insertAuthorizationRequest(
  db: Kysely<Schema>,
  request: AuthorizationRequest,
): Promise<void> {
  await db.insertInto('authorization_requests').values(request).execute();
}

export function findAuthorizationRequest(
  db: Kysely<Schema>,
  signInId: string,
): Promise<AuthorizationRequest | undefined> {
  return db
    .selectFrom('authorization_requests')
    .selectAll()
    .where('sign_in_id', '=', signInId)
    .executeTakeFirst();
}

export async function insertAuthorizationCode(
  db: Kysely<Schema>,
  code: Insertable<AuthorizationCodesTable>,
): Promise<void> {
  await db.insertInto('authorization_codes').values(code).execute();
}

export function findAuthorizationCode(
  db: Kysely<Schema>,
  hash: SecretHash,
): Promise<AuthorizationCode | undefined> {
  return db.selectFrom('authorization_codes').selectAll().where('hash', '=', hash).executeTakeFirst();
}

/** Redeems a code for a session: true for the one caller that did. */
export async function consumeAuthorizationCode(
  db: Kysely<Schema>,
  code: { hash: SecretHash; at: number; sessionId: SessionId },
): Promise<boolean> {
  const row = await db
    .updateTable('authorization_codes')
    .set({ consumed_at: code.at, session_id: code.sessionId })
    .where('hash', '=', code.hash)
    .where('consumed_at', 'is', null)
    .returning('hash')
    .executeTakeFirst();
  return row !== undefined;
}

/** Counts a wrong verifier; the code burns at `limit` of them. */
export async function countVerifierMiss(
  db: Kysely<Schema>,
  code: { hash: SecretHash; at: number; limit: number },
): Promise<void> {
  const row = await db
    .updateTable('authorization_codes')
    .set((expression) => ({ misses: expression('misses', '+', 1) }))
    .where('hash', '=', code.hash)
    .where('consumed_at', 'is', null)
    .returning('misses')
    .executeTakeFirst();
  if (row === undefined || row.misses < code.limit) return;
  await db
    .updateTable('authorization_codes')
    .set({ consumed_at: code.at })
    .where('hash', '=', code.hash)
    .execute();
}
