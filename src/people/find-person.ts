import type { Database } from '../storage/engine/database.ts';
import { findUser, findUserByLocalpart, type User } from '../storage/records/users.ts';

/** Whom a name means: a user, nobody, or somebody on another server. */
export type FoundPerson =
  | { readonly kind: 'found'; readonly user: User }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'other_server' };

/** The user that a localpart, a user ID of this server, or an internal id names. */
export async function findPerson(
  { db, serverName }: { readonly db: Database; readonly serverName: string },
  name: string,
): Promise<FoundPerson> {
  const [, localpart, server] = /^@([^:]+):(.+)$/.exec(name) ?? [];
  if (server !== undefined && server !== serverName) return { kind: 'other_server' };
  const user =
    (await findUserByLocalpart(db.query, localpart ?? name)) ??
    (localpart === undefined ? await findUser(db.query, name) : undefined);
  return user === undefined ? { kind: 'unknown' } : { kind: 'found', user };
}
