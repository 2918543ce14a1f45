/** What the homeserver must still be told. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { DeviceId, InternalUserId } from '../../protocol/identifiers.ts';
import type { JsonText, Schema } from '../schema.ts';
import type { TableDuties } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    outbox: OutboxTable;
  }
}

export interface OutboxTable {
  id: string;
  kind: OutboxKind;
  user_id: InternalUserId;
  /** Of the kinds that are about a device. */
  device_id: DeviceId | null;
  payload_json: JsonText<OutboxPayloads[OutboxKind]>;
  created_at: number;
  attempts: number;
  next_attempt_at: number;
}

/** What each kind says beyond whom it is about. */
export interface OutboxPayloads {
  /** The homeserver is to have a device: one that was deleted there while a session began. */
  upsert_device: { readonly displayname?: string };
  /** A device goes, unless a session holds it by then. */
  delete_device: Record<string, never>;
  /** An empty name takes the name away. */
  rename_device: { readonly displayname: string };
  /** What is left out stays as it is. */
  set_profile: {
    readonly displayname?: string;
    readonly avatarUrl?: string;
    readonly emails?: readonly string[];
  };
  set_locked: { readonly locked: boolean };
  deactivate_user: { readonly erase: boolean };
  reactivate_user: Record<string, never>;
}

export type OutboxKind = keyof OutboxPayloads;

/** An entry stays until the homeserver has acknowledged it, whatever has become of the person. */
export const outboxDuties: TableDuties = {
  person: { column: 'user_id', pending: 'none', deactivation: 'kept', erasure: 'kept' },
  time: 'kept',
};

export type OutboxEntry = Selectable<OutboxTable>;

export async function insertOutboxEntry(db: Kysely<Schema>, entry: OutboxEntry): Promise<void> {
  await db.insertInto('outbox').values(entry).execute();
}

/** How much the homeserver has not acknowledged yet. */
export async function countOutboxEntries(db: Kysely<Schema>): Promise<number> {
  const row = await db
    .selectFrom('outbox')
    .select((expression) => expression.fn.countAll().as('entries'))
    .executeTakeFirstOrThrow();
  return Number(row.entries);
}

/** What waits, by kind, the kind that waits longest first. */
export async function summariseOutbox(db: Kysely<Schema>): Promise<
  {
    readonly kind: OutboxKind;
    readonly entries: number;
    readonly users: number;
    readonly oldest: number;
    readonly attempts: number;
  }[]
> {
  const rows = await db
    .selectFrom('outbox')
    .select(({ fn }) => [
      'kind',
      fn.countAll().as('entries'),
      fn.count('user_id').distinct().as('users'),
      fn.min('created_at').as('oldest'),
      fn.max('attempts').as('attempts'),
    ])
    .groupBy('kind')
    .orderBy('oldest')
    .execute();
  return rows.map((row) => ({ ...row, entries: Number(row.entries), users: Number(row.users) }));
}

/** What a user's entries are about: the device of each, null for the kinds that are about the user. */
export function listOutboxOf(
  db: Kysely<Schema>,
  userId: InternalUserId,
): Promise<Pick<OutboxEntry, 'kind' | 'device_id'>[]> {
  return db.selectFrom('outbox').select(['kind', 'device_id']).where('user_id', '=', userId).execute();
}

/** What a user's next entry is. */
export function findFirstOutboxEntry(
  db: Kysely<Schema>,
  userId: InternalUserId,
): Promise<OutboxEntry | undefined> {
  return db
    .selectFrom('outbox')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
}

/** Users whose next entry is due, those who have waited longest first: an entry behind one that failed waits with it. */
export async function listDueOutboxUsers(
  db: Kysely<Schema>,
  due: { at: number; limit: number },
): Promise<InternalUserId[]> {
  const rows = await db
    .selectFrom('outbox as entry')
    .select('entry.user_id')
    .where('next_attempt_at', '<=', due.at)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('outbox as earlier')
            .select('earlier.id')
            .whereRef('earlier.user_id', '=', 'entry.user_id')
            .where(sql<boolean>`(earlier.created_at, earlier.id) < (entry.created_at, entry.id)`),
        ),
      ),
    )
    .orderBy('next_attempt_at')
    .limit(due.limit)
    .execute();
  return rows.map(({ user_id }) => user_id);
}

export async function deleteOutboxEntry(db: Kysely<Schema>, id: string): Promise<void> {
  await db.deleteFrom('outbox').where('id', '=', id).execute();
}

/** Takes back what would delete a device; true if there was anything. */
export async function deleteDeviceDeletions(
  db: Kysely<Schema>,
  device: { userId: InternalUserId; deviceId: DeviceId },
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('outbox')
    .where('user_id', '=', device.userId)
    .where('device_id', '=', device.deviceId)
    .where('kind', '=', 'delete_device')
    .executeTakeFirst();
  return numDeletedRows > 0n;
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
