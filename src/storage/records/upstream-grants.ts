/** The IdP's refresh tokens: one for each upstream link, the newest. Each is used by one process at a time. */
import type { InternalUserId } from '../../protocol/identifiers.ts';
import type { Insertable, Kysely, Selectable } from 'kysely';
import type { Schema } from '../schema.ts';
import { type TableDuties, sweepPast } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    upstream_grants: UpstreamGrantsTable;
  }
}

/** The IdP's refresh token of a person, with which their claims are fetched again while sessions live. One a link: the newest wins. */
export interface UpstreamGrantsTable {
  issuer: string;
  subject: string;
  provider_id: string;
  user_id: InternalUserId;
  /** Names this very token: what replaces it has another. */
  token_id: string;
  refresh_token_sealed: string;
  /** When the login was that it came from. */
  granted_at: number;
  next_check_at: number;
  /** While a process uses it. */
  leased_until: number;
}

export const upstreamGrantsDuties: TableDuties = {
  person: { column: 'user_id', pending: 'none', deactivation: 'deleted', erasure: 'deleted' },
  // Left behind if the claims are not asked for again any more.
  time: [sweepPast('upstream_grants', 'endedSessions', 'next_check_at', 'token_id')],
};

export type UpstreamGrant = Selectable<UpstreamGrantsTable>;

/** Keeps the token of a login in place of any earlier one. */
export async function saveUpstreamGrant(
  db: Kysely<Schema>,
  grant: Insertable<UpstreamGrantsTable>,
): Promise<void> {
  await db
    .insertInto('upstream_grants')
    .values(grant)
    .onConflict((conflict) =>
      conflict.columns(['issuer', 'subject']).doUpdateSet((row) => ({
        provider_id: row.ref('excluded.provider_id'),
        user_id: row.ref('excluded.user_id'),
        token_id: row.ref('excluded.token_id'),
        refresh_token_sealed: row.ref('excluded.refresh_token_sealed'),
        granted_at: row.ref('excluded.granted_at'),
        next_check_at: row.ref('excluded.next_check_at'),
        leased_until: row.ref('excluded.leased_until'),
      })),
    )
    .execute();
}

/** What is due at `at` and not being processed, longest due first. */
export function listDueUpstreamGrants(
  db: Kysely<Schema>,
  due: { at: number; limit: number },
): Promise<UpstreamGrant[]> {
  return db
    .selectFrom('upstream_grants')
    .selectAll()
    .where('next_check_at', '<=', due.at)
    .where('leased_until', '<=', due.at)
    .orderBy('next_check_at')
    .limit(due.limit)
    .execute();
}

/** Takes a due token for use: true for the one caller that did. */
export async function leaseUpstreamGrant(
  db: Kysely<Schema>,
  lease: { tokenId: string; at: number; until: number },
): Promise<boolean> {
  const row = await db
    .updateTable('upstream_grants')
    .set({ leased_until: lease.until })
    .where('token_id', '=', lease.tokenId)
    .where('next_check_at', '<=', lease.at)
    .where('leased_until', '<=', lease.at)
    .returning('token_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Replaces a token by the one that the IdP gave for it; false if a login has brought a newer one meanwhile. */
export async function replaceUpstreamToken(
  db: Kysely<Schema>,
  token: { tokenId: string; newTokenId: string; sealed: string },
): Promise<boolean> {
  const row = await db
    .updateTable('upstream_grants')
    .set({ token_id: token.newTokenId, refresh_token_sealed: token.sealed })
    .where('token_id', '=', token.tokenId)
    .returning('token_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Gives a token back until its next check. */
export async function postponeUpstreamGrant(
  db: Kysely<Schema>,
  check: { tokenId: string; nextCheckAt: number },
): Promise<void> {
  await db
    .updateTable('upstream_grants')
    .set({ next_check_at: check.nextCheckAt, leased_until: 0 })
    .where('token_id', '=', check.tokenId)
    .execute();
}

/** Forgets a token that is of no use any more. */
export async function deleteUpstreamGrant(db: Kysely<Schema>, tokenId: string): Promise<void> {
  await db.deleteFrom('upstream_grants').where('token_id', '=', tokenId).execute();
}

/** Forgets all tokens of a user. */
export async function deleteUpstreamGrants(db: Kysely<Schema>, userId: InternalUserId): Promise<void> {
  await db.deleteFrom('upstream_grants').where('user_id', '=', userId).execute();
}
