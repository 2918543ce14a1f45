/** Sign-outs that a provider told of. */
import type { Kysely } from 'kysely';
import { hotQuery, hotRow } from '../engine/hot-query.ts';
import type { Schema } from '../schema.ts';
import { sweepPast, type TableDuties } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    sign_outs: SignOutsTable;
  }
}

/** A person's sign-out, or that of one session of theirs. At least one of `subject` and `sid` is there. */
export interface SignOutsTable {
  id: string;
  issuer: string;
  subject: string | null;
  /** The provider's session; null: all of the subject's. */
  sid: string | null;
  at: number;
}

/** By the provider's names for people, by which no user is found once their links are gone. */
export const signOutsDuties: TableDuties = {
  person: 'nobody',
  time: [sweepPast('sign_outs', 'endedSessions', 'at', 'id')],
};

export async function insertSignOut(tx: Kysely<Schema>, signOut: SignOutsTable): Promise<void> {
  await tx.insertInto('sign_outs').values(signOut).execute();
}

/** Of whom, and since when. */
export interface TokenOwner {
  readonly issuer: string;
  readonly subject: string;
  /** The provider's session that the token belongs to, if it says so. */
  readonly sid: string | null;
  readonly since: number;
}

/**
 * Whether the owner of a token was signed out since it was issued: the whole person, or the session that the token belongs to. A sign-out of one session
 * concerns a token too that does not say to which one it belongs.
 */
export async function wasSignedOut(db: Kysely<Schema>, of: TokenOwner): Promise<boolean> {
  const { issuer, subject, sid, since } = of;
  const ofSubject = await listOfSubject(db, issuer, subject, since);
  if (ofSubject.some((signOut) => signOut.sid === null || sid === null || signOut.sid === sid)) return true;
  return sid !== null && (await findOfSession(db, issuer, sid, since)) !== undefined;
}

const listOfSubject = hotQuery((db, issuer: string, subject: string, since: number) =>
  db
    .selectFrom('sign_outs')
    .select('sid')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .where('at', '>=', since),
);

const findOfSession = hotRow(
  (db, issuer: string, sid: string, since: number) =>
    db
      .selectFrom('sign_outs')
      .select('id')
      .where('issuer', '=', issuer)
      .where('sid', '=', sid)
      .where('subject', 'is', null)
      .where('at', '>=', since),
  (v) => ({ id: v[0] }),
);
