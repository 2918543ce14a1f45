/** Users in lists, what operators change about them, and what a person has under way. */
import type { InternalUserId } from '../../protocol/identifiers.ts';
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Schema } from '../schema.ts';
import type { UpstreamLinksTable, User } from './users.ts';

/** One page of users by localpart. `after`: the last localpart of the page before. */
export function listUsers(
  db: Kysely<Schema>,
  page: {
    readonly limit: number;
    readonly after?: string | undefined;
    readonly containing?: string | undefined;
  },
): Promise<User[]> {
  let query = db.selectFrom('users').selectAll();
  if (page.after !== undefined) query = query.where('localpart', '>', page.after);
  if (page.containing !== undefined) {
    const pattern = `%${page.containing.replace(/[%_!]/g, '!$&')}%`;
    query = query.where(sql<boolean>`localpart like ${pattern} escape '!'`);
  }
  return query.orderBy('localpart').limit(page.limit).execute();
}

export function listLinks(
  db: Kysely<Schema>,
  userId: InternalUserId,
): Promise<Selectable<UpstreamLinksTable>[]> {
  return db
    .selectFrom('upstream_links')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('created_at')
    .execute();
}

/** Locks or unlocks; false if nothing changed, or the user is deactivated. */
export async function setUserLocked(
  db: Kysely<Schema>,
  user: { id: InternalUserId; at: number | null },
): Promise<boolean> {
  const row = await db
    .updateTable('users')
    .set({ locked_at: user.at })
    .where('id', '=', user.id)
    .where('deactivated_at', 'is', null)
    .where('locked_at', user.at === null ? 'is not' : 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Deactivates; false if it was so before. */
export async function markUserDeactivated(
  db: Kysely<Schema>,
  user: { id: InternalUserId; at: number },
): Promise<boolean> {
  const row = await db
    .updateTable('users')
    .set({ deactivated_at: user.at, is_admin: 0, claimed_scopes: null })
    .where('id', '=', user.id)
    .where('deactivated_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Notes that the data of a deactivated user is erased; false if it was so before, or the user is active. */
export async function markUserErased(
  db: Kysely<Schema>,
  user: { id: InternalUserId; at: number },
): Promise<boolean> {
  const row = await db
    .updateTable('users')
    .set({ erased_at: user.at })
    .where('id', '=', user.id)
    .where('deactivated_at', 'is not', null)
    .where('erased_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Takes a deactivation back; false if there is none, or the user's data is erased. */
export async function markUserReactivated(db: Kysely<Schema>, id: InternalUserId): Promise<boolean> {
  const row = await db
    .updateTable('users')
    .set({ deactivated_at: null })
    .where('id', '=', id)
    .where('deactivated_at', 'is not', null)
    .where('erased_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Notes what the access rules say; true if it changed. */
export async function setUserAdmin(
  db: Kysely<Schema>,
  user: { id: InternalUserId; isAdmin: boolean },
): Promise<boolean> {
  const value = user.isAdmin ? 1 : 0;
  const row = await db
    .updateTable('users')
    .set({ is_admin: value })
    .where('id', '=', user.id)
    .where('is_admin', '!=', value)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Notes which scopes of the operator's own the claims give the person. */
export async function setClaimedScopes(
  db: Kysely<Schema>,
  user: { id: InternalUserId; scopes: string | null },
): Promise<void> {
  await db.updateTable('users').set({ claimed_scopes: user.scopes }).where('id', '=', user.id).execute();
}
