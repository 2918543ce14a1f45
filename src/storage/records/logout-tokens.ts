/** Sign-outs at the IdP: which were obeyed, and whom they concern. */
import type { InternalUserId } from '../../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import type { Schema } from '../schema.ts';
import { type TableDuties, sweepPast } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    logout_tokens: LogoutTokensTable;
  }
}

/** Logout tokens (OpenID Connect Back-Channel Logout) that were obeyed: none counts twice. */
export interface LogoutTokensTable {
  /** Of provider and `jti`. */
  hash: SecretHash;
  expires_at: number;
}

export const logoutTokensDuties: TableDuties = {
  person: 'nobody',
  time: [sweepPast('logout_tokens', 'clientSteps', 'expires_at', 'hash')],
};

/** Takes note of a logout token: false if it came before. */
export async function recordLogoutToken(
  tx: Kysely<Schema>,
  token: { hash: SecretHash; expiresAt: number },
): Promise<boolean> {
  const row = await tx
    .insertInto('logout_tokens')
    .values({ hash: token.hash, expires_at: token.expiresAt })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .returning('hash')
    .executeTakeFirst();
  return row !== undefined;
}

/** What a sign-out concerns. At least one of `subject` and `sid` is there. */
export interface UpstreamSignOut {
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly sid: string | undefined;
}

/**
 * The users that it concerns: the one who is linked to the subject, or those who signed in within that session of the issuer. `onTheirWay`: whoever did
 * so and has no session here yet.
 */
export async function findSignedOutUsers(
  tx: Kysely<Schema>,
  signOut: UpstreamSignOut,
  onTheirWay: readonly string[],
): Promise<string[]> {
  const { issuer, subject, sid } = signOut;
  const linked = tx.selectFrom('upstream_links').select('user_id').distinct().where('issuer', '=', issuer);
  const signedIn = tx
    .selectFrom('sessions')
    .select('user_id')
    .where('upstream_sid', '=', sid ?? null);
  const concerned =
    subject === undefined
      ? linked.where((eb) =>
          eb.or([
            eb('user_id', 'in', signedIn),
            ...(onTheirWay.length === 0 ? [] : [eb('user_id', 'in', onTheirWay)]),
          ]),
        )
      : linked.where('subject', '=', subject);
  return (await concerned.execute()).map(({ user_id }) => user_id);
}

/**
 * Their live sessions: all of them for a sign-out of a subject, else those of that session at the IdP. If the subject is named too, also those
 * of which the IdP did not tell in which session of its own they began.
 */
export async function listSignedOutSessions(
  tx: Kysely<Schema>,
  of: { userId: InternalUserId; subject: string | undefined; sid: string | undefined },
): Promise<string[]> {
  const { userId, subject, sid } = of;
  let query = tx
    .selectFrom('sessions')
    .select('id')
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .orderBy('id');
  if (sid !== undefined) {
    query =
      subject === undefined
        ? query.where('upstream_sid', '=', sid)
        : query.where((eb) => eb.or([eb('upstream_sid', '=', sid), eb('upstream_sid', 'is', null)]));
  }
  return (await query.execute()).map(({ id }) => id);
}
