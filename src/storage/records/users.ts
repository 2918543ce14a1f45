/** Users and their upstream links. */
import type { InternalUserId } from '../../protocol/identifiers.ts';
import type { Insertable, Kysely, Selectable, Generated } from 'kysely';
import { hotRow } from '../engine/hot-query.ts';
import type { Schema } from '../schema.ts';
import type { TableDuties } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    users: UsersTable;
    upstream_links: UpstreamLinksTable;
  }
}

/** A Matrix user of this server. For good: a localpart is never given to another person. */
export interface UsersTable {
  id: InternalUserId;
  localpart: string;
  displayname: string | null;
  created_at: number;
  locked_at: number | null;
  deactivated_at: number | null;
  /** When their data was erased, after deactivation. Default null. */
  erased_at: Generated<number | null>;
  /** Scopes of the operator's own that the claims gave the person when they were last seen, space-separated. Default null: none. */
  claimed_scopes: Generated<string | null>;
  /** 1 while the access rules make the person an administrator, by the claims that were last seen. Default 0. */
  is_admin: Generated<number>;
}

/** (issuer, subject) → user: the only thing that identifies a person. */
export interface UpstreamLinksTable {
  issuer: string;
  subject: string;
  provider_id: string;
  user_id: InternalUserId;
  created_at: number;
  last_login_at: number;
}

export const usersDuties: TableDuties = {
  person: {
    column: 'id',
    pending: 'none',
    deactivation: 'kept',
    erasure: { cleared: ['displayname', 'claimed_scopes'] },
  },
  time: 'kept',
};

export const upstreamLinksDuties: TableDuties = {
  person: { column: 'user_id', pending: 'none', deactivation: 'kept', erasure: 'deleted' },
  time: 'kept',
};

export type User = Selectable<UsersTable>;

const USER_COLUMNS = [
  'id',
  'localpart',
  'displayname',
  'created_at',
  'locked_at',
  'deactivated_at',
  'is_admin',
  'erased_at',
  'claimed_scopes',
] as const satisfies (keyof User)[];

export const findUser = hotRow(
  (db, id: InternalUserId) => db.selectFrom('users').select(USER_COLUMNS).where('id', '=', id),
  (v) => ({
    id: v[0],
    localpart: v[1],
    displayname: v[2],
    created_at: v[3],
    locked_at: v[4],
    deactivated_at: v[5],
    is_admin: v[6],
    erased_at: v[7],
    claimed_scopes: v[8],
  }),
);

/**
 * The user, with its row locked until the transaction ends (PostgreSQL; SQLite has one writer anyway), so that two sessions of one user
 * never start at the same moment.
 */
export function lockUser(tx: Kysely<Schema>, id: InternalUserId): Promise<User | undefined> {
  return tx
    .updateTable('users')
    .set((expression) => ({ id: expression.ref('id') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
}

export function findUserByLocalpart(db: Kysely<Schema>, localpart: string): Promise<User | undefined> {
  return db.selectFrom('users').selectAll().where('localpart', '=', localpart).executeTakeFirst();
}

/** The user that (issuer, subject) is linked to: the only way in which a person is recognised. */
export function findLinkedUser(
  db: Kysely<Schema>,
  link: { issuer: string; subject: string },
): Promise<User | undefined> {
  return db
    .selectFrom('upstream_links')
    .innerJoin('users', 'users.id', 'upstream_links.user_id')
    .selectAll('users')
    .where('upstream_links.issuer', '=', link.issuer)
    .where('upstream_links.subject', '=', link.subject)
    .executeTakeFirst();
}

/** Inserts a user unless the localpart is taken; tells whether it did. */
export async function insertUser(db: Kysely<Schema>, user: Insertable<UsersTable>): Promise<boolean> {
  const row = await db
    .insertInto('users')
    .values(user)
    .onConflict((conflict) => conflict.column('localpart').doNothing())
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Inserts a link unless the subject has one; tells whether it did. */
export async function insertLink(db: Kysely<Schema>, link: Selectable<UpstreamLinksTable>): Promise<boolean> {
  const row = await db
    .insertInto('upstream_links')
    .values(link)
    .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doNothing())
    .returning('user_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Notes a login: when, and the display name that the IdP gave. */
export async function recordLogin(
  db: Kysely<Schema>,
  login: { issuer: string; subject: string; userId: InternalUserId; displayname: string | null; at: number },
): Promise<void> {
  await db
    .updateTable('upstream_links')
    .set({ last_login_at: login.at })
    .where('issuer', '=', login.issuer)
    .where('subject', '=', login.subject)
    .execute();
  if (login.displayname !== null) {
    await db
      .updateTable('users')
      .set({ displayname: login.displayname })
      .where('id', '=', login.userId)
      .execute();
  }
}
