/** What the homeserver must still be told. */
import type { DeviceId, InternalUserId, SessionId } from '../../protocol/identifiers.ts';
import type { Kysely, Selectable } from 'kysely';
import type { Schema } from '../schema.ts';
import type { TableDuties } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    outbox: OutboxTable;
  }
}

/** What the homeserver must still be told. */
export interface OutboxTable {
  id: string;
  kind: 'delete_device';
  /** The session whose end it tells of; null for a device that was made for a sign-in that did not happen. */
  session_id: SessionId | null;
  user_id: InternalUserId;
  device_id: DeviceId;
  created_at: number;
  attempts: number;
  next_attempt_at: number;
}

/** An entry stays until the homeserver has acknowledged it, whatever has become of the person. */
export const outboxDuties: TableDuties = {
  person: { column: 'user_id', pending: 'none', deactivation: 'kept', erasure: 'kept' },
  time: 'kept',
};

export type OutboxEntry = Selectable<OutboxTable>;

export async function insertOutboxEntry(db: Kysely<Schema>, entry: OutboxEntry): Promise<void> {
  await db.insertInto('outbox').values(entry).execute();
}

/** The entry that an ended session left, if it is still there. */
export function findOutboxEntryOf(
  db: Kysely<Schema>,
  sessionId: SessionId,
): Promise<OutboxEntry | undefined> {
  return db.selectFrom('outbox').selectAll().where('session_id', '=', sessionId).executeTakeFirst();
}

/** How much the homeserver has not acknowledged yet. */
export async function countOutboxEntries(db: Kysely<Schema>): Promise<number> {
  const row = await db
    .selectFrom('outbox')
    .select((expression) => expression.fn.countAll().as('entries'))
    .executeTakeFirstOrThrow();
  return Number(row.entries);
}

/** Entries whose time has come, oldest first. */
export function listDueOutboxEntries(
  db: Kysely<Schema>,
  due: { at: number; limit: number },
): Promise<OutboxEntry[]> {
  return db
    .selectFrom('outbox')
    .selectAll()
    .where('next_attempt_at', '<=', due.at)
    .orderBy('next_attempt_at')
    .limit(due.limit)
    .execute();
}

export async function deleteOutboxEntry(db: Kysely<Schema>, id: string): Promise<void> {
  await db.deleteFrom('outbox').where('id', '=', id).execute();
}

export async function postponeOutboxEntry(
  db: Kysely<Schema>,
  entry: { id: string; nextAttemptAt: number },
): Promise<void> {
  await db
    .updateTable('outbox')
    .set((expression) => ({ attempts: expression('attempts', '+', 1), next_attempt_at: entry.nextAttemptAt }))
    .where('id', '=', entry.id)
    .execute();
}
