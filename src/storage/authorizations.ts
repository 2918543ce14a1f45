/** Authorization requests (a browser on its way) and authorization codes. */
import type { Kysely, Selectable } from 'kysely';
import type { SecretHash } from '../protocol/token-format.ts';
import type { AuthorizationCodesTable, AuthorizationRequestsTable, Schema } from './schema.ts';

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
  id: string,
): Promise<AuthorizationRequest | undefined> {
  return db.selectFrom('authorization_requests').selectAll().where('id', '=', id).executeTakeFirst();
}

export function findAuthorizationRequestByState(
  db: Kysely<Schema>,
  stateHash: SecretHash,
): Promise<AuthorizationRequest | undefined> {
  return db
    .selectFrom('authorization_requests')
    .selectAll()
    .where('upstream_state_hash', '=', stateHash)
    .executeTakeFirst();
}

/** Notes that the browser is on its way to the IdP; an earlier way of the same request is closed by it. */
export async function beginUpstreamLogin(
  db: Kysely<Schema>,
  login: { id: string; providerId: string; stateHash: SecretHash; sealed: string },
): Promise<void> {
  await db
    .updateTable('authorization_requests')
    .set({ provider_id: login.providerId, upstream_state_hash: login.stateHash, upstream_sealed: login.sealed })
    .where('id', '=', login.id)
    .execute();
}

/** Takes the IdP's state: true for the one callback that did; a replayed callback finds nothing. */
export async function takeUpstreamState(db: Kysely<Schema>, stateHash: SecretHash): Promise<boolean> {
  const row = await db
    .updateTable('authorization_requests')
    .set({ upstream_state_hash: null, upstream_sealed: null })
    .where('upstream_state_hash', '=', stateHash)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Notes who signed in, and binds the request to a fresh secret of the browser. */
export async function identifyAuthorizationRequest(
  db: Kysely<Schema>,
  request: { id: string; userId: string; authenticatedAt: number | null; browserHash: SecretHash },
): Promise<void> {
  await db
    .updateTable('authorization_requests')
    .set({
      user_id: request.userId,
      authenticated_at: request.authenticatedAt,
      browser_hash: request.browserHash,
    })
    .where('id', '=', request.id)
    .execute();
}

/** Finishes a request: true for the one decision that did. */
export async function finishAuthorizationRequest(
  db: Kysely<Schema>,
  request: { id: string; at: number },
): Promise<boolean> {
  const row = await db
    .updateTable('authorization_requests')
    .set({ finished_at: request.at })
    .where('id', '=', request.id)
    .where('finished_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

export async function insertAuthorizationCode(db: Kysely<Schema>, code: AuthorizationCode): Promise<void> {
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
  code: { hash: SecretHash; at: number; sessionId: string },
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
