/** Sessions: rows only; the rules stand in `sessions/`. */
import type { Insertable, Kysely, Selectable } from 'kysely';
import { hotQuery } from './hot-query.ts';
import type { Schema, SessionEndReason, SessionsTable } from './schema.ts';

export type Session = Selectable<SessionsTable>;

export async function insertSession(db: Kysely<Schema>, session: Insertable<SessionsTable>): Promise<void> {
  await db.insertInto('sessions').values(session).execute();
}

/** The live session on a device of a user, if there is one. */
export function findLiveSession(
  db: Kysely<Schema>,
  device: { userId: string; deviceId: string },
): Promise<Session | undefined> {
  return db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', device.userId)
    .where('device_id', '=', device.deviceId)
    .where('ended_at', 'is', null)
    .executeTakeFirst();
}

/** Notes activity and returns the row. In PostgreSQL this also takes the row's lock, under which all that follows in the transaction is serial. */
export async function touchSession(
  db: Kysely<Schema>,
  session: { id: string; at: number },
): Promise<Session | undefined> {
  return (await updateActivity(db, session.id, session.at))[0];
}

const updateActivity = hotQuery((db, id: string, at: number) =>
  db.updateTable('sessions').set({ last_active_at: at }).where('id', '=', id).returningAll(),
);

/** Ends a live session; `undefined` where it had ended before (or never was). */
export function markSessionEnded(
  db: Kysely<Schema>,
  session: { id: string; at: number; reason: SessionEndReason },
): Promise<Session | undefined> {
  return db
    .updateTable('sessions')
    .set({ ended_at: session.at, end_reason: session.reason })
    .where('id', '=', session.id)
    .where('ended_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
}
