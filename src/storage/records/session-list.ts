/** Sessions in lists: for people, operators, and whatever ends many at once. */
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import type { Session } from './sessions.ts';

/** Which sessions; what is left out does not matter. */
export interface SessionFilter {
  readonly userId?: InternalUserId;
  readonly clientId?: ClientId;
  readonly deviceId?: DeviceId;
  /** Those of Matrix alone, or those that are none of Matrix. */
  readonly kind?: 'matrix' | 'other';
  /** Default: live ones alone. */
  readonly ended?: 'included';
}

/** One page of sessions, newest first. `before`: the id of the last one of the page before. */
export function listSessionRows(
  db: Kysely<Schema>,
  page: SessionFilter & { readonly limit: number; readonly before?: string | undefined },
): Promise<(Session & { localpart: string | null })[]> {
  let query = db
    .selectFrom('sessions')
    .leftJoin('users', 'users.id', 'sessions.user_id')
    .selectAll('sessions')
    .select('users.localpart');
  if (page.userId !== undefined) query = query.where('sessions.user_id', '=', page.userId);
  if (page.clientId !== undefined) query = query.where('sessions.client_id', '=', page.clientId);
  if (page.deviceId !== undefined) query = query.where('sessions.device_id', '=', page.deviceId);
  if (page.kind !== undefined)
    query = query.where('sessions.device_id', page.kind === 'matrix' ? 'is not' : 'is', null);
  if (page.ended === undefined) query = query.where('sessions.ended_at', 'is', null);
  if (page.before !== undefined) query = query.where('sessions.id', '<', page.before);
  return query.orderBy('sessions.id', 'desc').limit(page.limit).execute();
}

export function findSession(db: Kysely<Schema>, id: SessionId): Promise<Session | undefined> {
  return db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst();
}

/** The devices on which a user is signed in, with what they are called. */
export async function listLiveDevices(
  db: Kysely<Schema>,
  userId: InternalUserId,
): Promise<{ readonly deviceId: DeviceId; readonly name: string | null }[]> {
  const rows = await db
    .selectFrom('sessions')
    .select(['device_id', 'device_name'])
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .orderBy('id')
    .execute();
  return rows.flatMap(({ device_id: deviceId, device_name: name }) =>
    deviceId === null ? [] : [{ deviceId, name }],
  );
}

/** A person's sessions: a filter that is left empty by mistake does not compile. */
type Owner = Required<Pick<SessionFilter, 'userId'>> | Required<Pick<SessionFilter, 'clientId'>>;

/** How many live sessions somebody has. */
export async function countLiveSessions(db: Kysely<Schema>, of: Owner): Promise<number> {
  const live = db.selectFrom('sessions').where('ended_at', 'is', null);
  const query =
    'userId' in of ? live.where('user_id', '=', of.userId) : live.where('client_id', '=', of.clientId);
  const row = await query.select(({ fn }) => fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
  return row.count;
}

/** The live sessions of a user with their scopes, in one order everywhere, so that two who end some never wait for each other. */
export function listScopesOfUser(
  tx: Kysely<Schema>,
  userId: InternalUserId,
): Promise<Pick<Session, 'id' | 'scope'>[]> {
  return tx
    .selectFrom('sessions')
    .select(['id', 'scope'])
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .orderBy('id')
    .execute();
}

/** Takes a scope token from every live session of a user, and from their narrowed access tokens: they hold it no longer from here on. */
export async function dropScopeToken(
  tx: Kysely<Schema>,
  from: { userId: InternalUserId; token: string },
): Promise<void> {
  const without = (scope: string): string =>
    scope
      .split(' ')
      .filter((each) => each !== from.token)
      .join(' ');
  for (const { id, scope } of await listScopesOfUser(tx, from.userId)) {
    if (!scope.split(' ').includes(from.token)) continue;
    await tx
      .updateTable('sessions')
      .set({ scope: without(scope) })
      .where('id', '=', id)
      .execute();
    const narrowed = await tx
      .selectFrom('access_tokens')
      .select(['hash', 'scope'])
      .where('session_id', '=', id)
      .where('scope', 'is not', null)
      .execute();
    for (const token of narrowed) {
      await tx
        .updateTable('access_tokens')
        .set({ scope: without(token.scope ?? '') })
        .where('hash', '=', token.hash)
        .execute();
    }
  }
}
