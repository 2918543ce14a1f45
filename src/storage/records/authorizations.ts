/** Authorization requests (what a client asked for) and authorization codes. */
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../../protocol/identifiers.ts';
import type { Insertable, Kysely, Selectable, Generated } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import type { Schema } from '../schema.ts';
import type { Sealer } from '../sealed.ts';
import { type TableDuties, sweepPast } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    authorization_requests: AuthorizationRequestsTable;
    authorization_codes: AuthorizationCodesTable;
  }
}

/** What a client asked for at the authorization endpoint: the purpose of a sign-in. `state` and `nonce` are the client's own words, sealed. */
export interface AuthorizationRequestsTable {
  sign_in_id: string;
  client_id: ClientId;
  redirect_uri: string;
  response_mode: 'query' | 'fragment' | 'form_post';
  /** As `words_sealed` has it; in plain text only in rows of earlier versions. */
  state: string | null;
  scope: string;
  code_challenge: string;
  /** As `state`. */
  nonce: string | null;
  words_sealed: Generated<string | null>;
}

export interface AuthorizationCodesTable {
  hash: SecretHash;
  client_id: ClientId;
  redirect_uri: string;
  code_challenge: string;
  scope: string;
  /** As `nonce_sealed` has it; in plain text only in rows of earlier versions. */
  nonce: string | null;
  nonce_sealed: Generated<string | null>;
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

export type AuthorizationRequest = Omit<Selectable<AuthorizationRequestsTable>, 'words_sealed'>;
export type AuthorizationCode = Selectable<AuthorizationCodesTable>;

type Words = Pick<AuthorizationRequest, 'state' | 'nonce'>;

export async function insertAuthorizationRequest(
  db: Kysely<Schema>,
  sealer: Sealer,
  request: AuthorizationRequest,
): Promise<void> {
  const { state, nonce } = request;
  const words: Words = { state, nonce };
  const sealed = sealer.seal(JSON.stringify(words), wordsContext(request.sign_in_id));
  await db
    .insertInto('authorization_requests')
    .values({ ...request, state: null, nonce: null, words_sealed: sealed })
    .execute();
}

export async function findAuthorizationRequest(
  db: Kysely<Schema>,
  sealer: Sealer,
  signInId: string,
): Promise<AuthorizationRequest | undefined> {
  const row = await db
    .selectFrom('authorization_requests')
    .selectAll()
    .where('sign_in_id', '=', signInId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { words_sealed: sealed, ...request } = row;
  if (sealed === null) return request;
  return { ...request, ...(JSON.parse(sealer.open(sealed, wordsContext(signInId))) as Words) };
}

function wordsContext(signInId: string): string {
  return `authorization_requests.words:${signInId}`;
}

export async function insertAuthorizationCode(
  db: Kysely<Schema>,
  sealer: Sealer,
  code: Insertable<AuthorizationCodesTable>,
): Promise<void> {
  const { nonce, hash } = code;
  const sealed = nonce == null ? null : sealer.seal(nonce, nonceContext(hash));
  await db
    .insertInto('authorization_codes')
    .values({ ...code, nonce: null, nonce_sealed: sealed })
    .execute();
}

/** The nonce that the client sent for its ID token. */
export function nonceOf(sealer: Sealer, code: AuthorizationCode): string | null {
  return code.nonce_sealed === null ? code.nonce : sealer.open(code.nonce_sealed, nonceContext(code.hash));
}

function nonceContext(hash: SecretHash): string {
  return `authorization_codes.nonce:${hash}`;
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
