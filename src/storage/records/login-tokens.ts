/** Login tokens of legacy clients, and where they want them sent. */
import type { InternalUserId } from '../../protocol/identifiers.ts';
import type { Generated, Insertable, Kysely, Selectable } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import type { Schema } from '../schema.ts';
import type { Sealer } from '../sealed.ts';
import { type TableDuties, sweepPast } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    login_requests: LoginRequestsTable;
    login_tokens: LoginTokensTable;
  }
}

/** Where a legacy client wants its login token sent: the purpose of a sign-in. */
export interface LoginRequestsTable {
  sign_in_id: string;
  /** As the client wrote it, checked; empty if it is sealed, and in plain text only in rows of earlier versions. */
  redirect_url: string;
  redirect_url_sealed: Generated<string | null>;
}

/** Login tokens: whoever redeems one is signed in as its user, once. */
export interface LoginTokensTable {
  hash: SecretHash;
  user_id: InternalUserId;
  authenticated_at: number | null;
  upstream_sid: string | null;
  created_at: number;
  expires_at: number;
  consumed_at: number | null;
}

export const loginRequestsDuties: TableDuties = {
  person: { follows: 'sign_ins' },
  time: { follows: 'sign_ins' },
};

export const loginTokensDuties: TableDuties = {
  person: {
    column: 'user_id',
    pending: { void: 'delete', open: 'consumed_at' },
    deactivation: 'kept',
    erasure: 'deleted',
  },
  time: [sweepPast('login_tokens', 'signInSteps', 'expires_at', 'hash')],
};

export type LoginToken = Selectable<LoginTokensTable>;

export async function insertLoginToken(
  tx: Kysely<Schema>,
  token: Insertable<LoginTokensTable>,
): Promise<void> {
  await tx.insertInto('login_tokens').values(token).execute();
}

/** A login token that is still good at `at`. */
export function findLoginToken(
  db: Kysely<Schema>,
  token: { hash: SecretHash; at: number },
): Promise<LoginToken | undefined> {
  return db
    .selectFrom('login_tokens')
    .selectAll()
    .where('hash', '=', token.hash)
    .where('consumed_at', 'is', null)
    .where('expires_at', '>', token.at)
    .executeTakeFirst();
}

/** Redeems a login token that is still good at `at`: the one caller that did gets it, everybody else `undefined`. */
export function consumeLoginToken(
  tx: Kysely<Schema>,
  token: { hash: SecretHash; at: number },
): Promise<LoginToken | undefined> {
  return tx
    .updateTable('login_tokens')
    .set({ consumed_at: token.at })
    .where('hash', '=', token.hash)
    .where('consumed_at', 'is', null)
    .where('expires_at', '>', token.at)
    .returningAll()
    .executeTakeFirst();
}

export async function insertLoginRequest(
  tx: Kysely<Schema>,
  sealer: Sealer,
  request: { readonly signInId: string; readonly redirectUrl: string },
): Promise<void> {
  const { signInId, redirectUrl } = request;
  const sealed = sealer.seal(redirectUrl, redirectContext(signInId));
  await tx
    .insertInto('login_requests')
    .values({ sign_in_id: signInId, redirect_url: '', redirect_url_sealed: sealed })
    .execute();
}

/** Where the client of a sign-in wants its login token sent. */
export async function findLoginRedirect(
  db: Kysely<Schema>,
  sealer: Sealer,
  signInId: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('login_requests')
    .selectAll()
    .where('sign_in_id', '=', signInId)
    .executeTakeFirst();
  const sealed = row?.redirect_url_sealed ?? null;
  return sealed === null ? row?.redirect_url : sealer.open(sealed, redirectContext(signInId));
}

function redirectContext(signInId: string): string {
  return `login_requests.redirect_url:${signInId}`;
}
