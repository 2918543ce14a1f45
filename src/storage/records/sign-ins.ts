/** Sign-ins: browsers on their way through the IdP. */
import type { InternalUserId } from '../../protocol/identifiers.ts';
import type { Insertable, Kysely, Selectable } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import type { Schema } from '../schema.ts';
import { type TableDuties, sweepPast } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    sign_ins: SignInsTable;
  }
}

/** A browser on its way through the IdP, whatever it wants afterwards. */
export interface SignInsTable {
  id: string;
  purpose: SignInPurposeName;
  /** Binds it to the browser that began. */
  browser_hash: SecretHash;
  prompt: string | null;
  /** Seconds. */
  max_age: number | null;
  login_hint: string | null;
  acr_values: string | null;
  provider_id: string | null;
  /** Set while the browser is at the IdP; cleared by the one callback that takes it. */
  upstream_state_hash: SecretHash | null;
  /** PKCE verifier and nonce towards the IdP. */
  upstream_sealed: string | null;
  /** Who it turned out to be; null until the IdP has told. */
  user_id: InternalUserId | null;
  authenticated_at: number | null;
  upstream_sid: string | null;
  created_at: number;
  expires_at: number;
  /** When what it was for was granted or refused. */
  finished_at: number | null;
  /** The URL that gives the answer to an app (`sign-in/hand-over.ts`), while it can be sent again. */
  answer_sealed: string | null;
}

export const signInsDuties: TableDuties = {
  person: {
    column: 'user_id',
    pending: { void: 'finish', open: 'finished_at' },
    deactivation: 'kept',
    erasure: 'deleted',
  },
  time: [sweepPast('sign_ins', 'signInSteps', 'expires_at', 'id')],
};

/** What a sign-in is for. */
export type SignInPurposeName =
  'authorization' | 'device_grant' | 'account' | 'legacy_login' | 'user_interactive';

export type SignIn = Selectable<SignInsTable>;

export async function insertSignIn(db: Kysely<Schema>, signIn: Insertable<SignInsTable>): Promise<void> {
  await db.insertInto('sign_ins').values(signIn).execute();
}

export function findSignIn(db: Kysely<Schema>, id: string): Promise<SignIn | undefined> {
  return db.selectFrom('sign_ins').selectAll().where('id', '=', id).executeTakeFirst();
}

export function findSignInByState(db: Kysely<Schema>, stateHash: SecretHash): Promise<SignIn | undefined> {
  return db
    .selectFrom('sign_ins')
    .selectAll()
    .where('upstream_state_hash', '=', stateHash)
    .executeTakeFirst();
}

/** Notes that the browser is on its way to the IdP; an earlier way of the same sign-in is closed by it. */
export async function sendToIdp(
  db: Kysely<Schema>,
  way: { id: string; providerId: string; stateHash: SecretHash; sealed: string },
): Promise<void> {
  await db
    .updateTable('sign_ins')
    .set({ provider_id: way.providerId, upstream_state_hash: way.stateHash, upstream_sealed: way.sealed })
    .where('id', '=', way.id)
    .execute();
}

/** Takes the IdP's state: true for the one callback that did; a replayed callback finds nothing. */
export async function takeUpstreamState(db: Kysely<Schema>, stateHash: SecretHash): Promise<boolean> {
  const row = await db
    .updateTable('sign_ins')
    .set({ upstream_state_hash: null, upstream_sealed: null })
    .where('upstream_state_hash', '=', stateHash)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Notes who it is, and binds the sign-in to a fresh secret of the browser. */
export async function identifySignIn(
  db: Kysely<Schema>,
  signIn: {
    id: string;
    userId: InternalUserId;
    authenticatedAt: number | null;
    upstreamSid: string | null;
    browserHash: SecretHash;
  },
): Promise<void> {
  await db
    .updateTable('sign_ins')
    .set({
      user_id: signIn.userId,
      authenticated_at: signIn.authenticatedAt,
      upstream_sid: signIn.upstreamSid,
      browser_hash: signIn.browserHash,
    })
    .where('id', '=', signIn.id)
    .execute();
}

/** Finishes a sign-in: true for the one decision that did. */
export async function finishSignIn(db: Kysely<Schema>, signIn: { id: string; at: number }): Promise<boolean> {
  const row = await db
    .updateTable('sign_ins')
    .set({ finished_at: signIn.at })
    .where('id', '=', signIn.id)
    .where('finished_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Keeps the answer that a finished sign-in has for its app. */
export async function keepAnswer(db: Kysely<Schema>, answer: { id: string; sealed: string }): Promise<void> {
  await db
    .updateTable('sign_ins')
    .set({ answer_sealed: answer.sealed })
    .where('id', '=', answer.id)
    .execute();
}
