/** Registered OAuth clients. */
import type { Kysely, Selectable } from 'kysely';
import type { ClientsTable, Schema } from './schema.ts';

export type ClientRecord = Selectable<ClientsTable>;

export function findClient(db: Kysely<Schema>, id: string): Promise<ClientRecord | undefined> {
  return db.selectFrom('clients').selectAll().where('id', '=', id).executeTakeFirst();
}

/**
 * Inserts a client, or finds the public one that was registered with the same metadata before (RFC 7591 leaves it open; the Matrix
 * specification notes it, since clients register anew at each login).
 */
export async function insertClient(db: Kysely<Schema>, client: ClientRecord): Promise<ClientRecord> {
  const inserted = await db
    .insertInto('clients')
    .values(client)
    .onConflict((conflict) =>
      conflict
        .column('metadata_hash')
        .doUpdateSet((row) => ({ last_used_at: row.ref('excluded.last_used_at') })),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  return inserted;
}
