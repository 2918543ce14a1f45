/** What operators did by command: one row an event, kept for a year. */
import type { Kysely, Selectable } from 'kysely';
import type { AuditEntriesTable, Schema } from '../schema.ts';

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
