/**
 * Access to the homeserver by this service itself: a user without a person, and a token of it that lives as long as one piece of work. Commands
 * need it if the homeserver answers access tokens alone.
 */
import type { HomeserverUser } from '../homeserver/connector.ts';
import { newRecordId, type SessionId } from '../protocol/identifiers.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import { listLinks } from '../storage/records/people.ts';
import { listSessionRows } from '../storage/records/session-list.ts';
import { insertSession } from '../storage/records/sessions.ts';
import { insertAccessToken } from '../storage/records/tokens.ts';
import { findUserByLocalpart, insertUser, type User } from '../storage/records/users.ts';
import { endSession, type SessionEndingDeps } from './end.ts';
import { endTheseSessions } from './end-many.ts';

/** Whose token it is. No identity is linked to this user, so nobody can sign in as it. */
export const SERVICE_LOCALPART = 'gatehouse-service';

/** How long such a token counts at most, in milliseconds. */
const LIFETIME = 10 * 60_000;

/** The service has no user of its own, and why. */
export class ServiceUserFault extends Error {
  override readonly name = 'ServiceUserFault';
}

/**
 * Does the work with an access token of the service's own user, which has no device, and ends it afterwards. What an earlier run that was cut off has left is
 * ended first. Throws `ServiceUserFault`, and `Unavailable` if the homeserver cannot be told of the user.
 */
export async function withServiceToken<T>(
  deps: SessionEndingDeps,
  scope: string,
  work: (accessToken: string) => Promise<T>,
): Promise<T> {
  const user = await requireServiceUser(deps);
  await endForgotten(deps, user);
  const { sessionId, accessToken } = await startServiceSession(deps, user, scope);
  try {
    return await work(accessToken);
  } finally {
    await endSession(deps, { sessionId, reason: 'ended_by_admin' });
  }
}

/** Others may be at work with a token of theirs: only what is older than any token ends. */
async function endForgotten(deps: SessionEndingDeps, { id: userId }: User): Promise<void> {
  const since = deps.clock.now() - LIFETIME;
  const rows = await listSessionRows(deps.db.query, { userId, limit: 100 });
  const ids = rows.filter((row) => row.created_at < since).map(({ id }) => id);
  await endTheseSessions(deps, { ids, reason: 'ended_by_admin' });
}

async function startServiceSession(
  deps: SessionEndingDeps,
  user: User,
  scope: string,
): Promise<{ sessionId: SessionId; accessToken: string }> {
  const now = deps.clock.now();
  const sessionId = newRecordId(now, deps.random);
  const accessToken = issueSecret('accessToken', deps.random);
  await deps.db.write(async (tx) => {
    await insertSession(tx, {
      id: sessionId,
      user_id: user.id,
      client_id: null,
      device_id: null,
      scope,
      origin: 'service',
      authenticated_at: null,
      created_at: now,
      last_active_at: now,
      ended_at: null,
      end_reason: null,
    });
    await insertAccessToken(tx, {
      hash: hashSecret(accessToken),
      session_id: sessionId,
      refresh_hash: null,
      scope: null,
      created_at: now,
      expires_at: now + LIFETIME,
      first_used_at: null,
    });
  });
  deps.emit('session_started', { sessionId, userId: user.id });
  return { sessionId, accessToken };
}

/** The user, here and at the homeserver. */
async function requireServiceUser(deps: SessionEndingDeps): Promise<User> {
  const names: HomeserverUser = { localpart: SERVICE_LOCALPART };
  const known = await findUserByLocalpart(deps.db.query, SERVICE_LOCALPART);
  const user = known ?? (await createServiceUser(deps, names));
  if (user.locked_at !== null || user.deactivated_at !== null) {
    throw new ServiceUserFault(`the user ${SERVICE_LOCALPART} is locked or deactivated`);
  }
  if ((await listLinks(deps.db.query, user.id)).length > 0) {
    throw new ServiceUserFault(`the user ${SERVICE_LOCALPART} belongs to a person`);
  }
  await deps.homeserver.provisionUser({ ...names, displayname: 'Gatehouse' });
  return user;
}

async function createServiceUser(deps: SessionEndingDeps, names: HomeserverUser): Promise<User> {
  const verdict = await deps.homeserver.judgeLocalpart(names);
  if (verdict !== 'available') {
    throw new ServiceUserFault(`the homeserver says of the localpart ${names.localpart}: ${verdict}`);
  }
  const now = deps.clock.now();
  const created: User = {
    id: newRecordId(now, deps.random),
    localpart: names.localpart,
    displayname: 'Gatehouse',
    created_at: now,
    locked_at: null,
    deactivated_at: null,
    erased_at: null,
    claimed_scopes: null,
    is_admin: 0,
  };
  await deps.db.write((tx) => insertUser(tx, created));
  // Of two commands at the same moment one was first.
  return (await findUserByLocalpart(deps.db.query, names.localpart)) ?? created;
}
