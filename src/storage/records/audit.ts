/** What operators did by command: one row an event, kept for a year. */
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../../protocol/identifiers.ts';
import type { Kysely, Selectable } from 'kysely';
import type { Schema } from '../schema.ts';
import { type TableDuties, sweepPast } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    audit_entries: AuditEntriesTable;
  }
}

/** What an operator did by command, as in the log: the user, session or client may be gone. */
export interface AuditEntriesTable {
  id: string;
  happened_at: number;
  event: string;
  actor: string;
  actor_name: string | null;
  client_address: string | null;
  request_id: string | null;
  user_id: InternalUserId | null;
  session_id: SessionId | null;
  client_id: ClientId | null;
  device_id: DeviceId | null;
  provider: string | null;
  reason: string | null;
}

/** Ids and no names: who did what stays traceable after an erasure. */
export const auditEntriesDuties: TableDuties = {
  person: { column: 'user_id', pending: 'none', deactivation: 'kept', erasure: 'kept' },
  time: [sweepPast('audit_entries', 'auditEntries', 'happened_at', 'id')],
};

export type AuditEntry = Selectable<AuditEntriesTable>;

export async function insertAuditEntry(db: Kysely<Schema>, entry: AuditEntry): Promise<void> {
  await db.insertInto('audit_entries').values(entry).execute();
}

/** The newest first; ids sort by time. */
export function listAuditEntries(
  db: Kysely<Schema>,
  page: { limit: number; before?: string | undefined },
): Promise<AuditEntry[]> {
  let query = db.selectFrom('audit_entries').selectAll().orderBy('id', 'desc').limit(page.limit);
  if (page.before !== undefined) query = query.where('id', '<', page.before);
  return query.execute();
}
