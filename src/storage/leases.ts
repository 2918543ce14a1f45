/**
 * A lease: one process at a time does a periodic work. A row, no session-level lock, so it works behind PgBouncer and on SQLite. Its time is
 * the database's clock, as those of several machines differ.
 */
import { type RawBuilder, sql } from 'kysely';
import type { Database } from './engine/database.ts';
import type { TableDuties } from './table-duties.ts';

declare module './schema.ts' {
  interface Schema {
    leases: LeasesTable;
  }
}

/** Who does a periodic work at the moment. */
export interface LeasesTable {
  name: string;
  holder: string;
  expires_at: number;
}

/** One row a kind of work: whoever takes it over replaces it. */
export const leasesDuties: TableDuties = { person: 'nobody', time: 'kept' };

/** Takes or renews the lease for `ttlMs`; false while another holder has it. */
export async function takeLease(
  database: Database,
  lease: { name: string; holder: string; ttlMs: number },
): Promise<boolean> {
  const now = databaseTime(database.engine);
  const row = await database.writeSoon((tx) =>
    tx
      .insertInto('leases')
      .values({ name: lease.name, holder: lease.holder, expires_at: sql<number>`${now} + ${lease.ttlMs}` })
      .onConflict((conflict) =>
        conflict
          .column('name')
          .doUpdateSet((eb) => ({
            holder: eb.ref('excluded.holder'),
            expires_at: eb.ref('excluded.expires_at'),
          }))
          .where((eb) =>
            eb.or([eb('leases.holder', '=', eb.ref('excluded.holder')), eb('leases.expires_at', '<=', now)]),
          ),
      )
      .returning('holder')
      .executeTakeFirst(),
  );
  return row !== undefined;
}

/** Gives the lease back, so that another process need not wait for its end. */
export async function releaseLease(
  database: Database,
  lease: { name: string; holder: string },
): Promise<void> {
  await database.writeSoon((tx) =>
    tx.deleteFrom('leases').where('name', '=', lease.name).where('holder', '=', lease.holder).execute(),
  );
}

/** Milliseconds since the epoch by the database's clock. Cast, as PostgreSQL cannot infer the type of a sum with a parameter. */
function databaseTime(engine: Database['engine']): RawBuilder<number> {
  return engine === 'sqlite'
    ? sql<number>`cast(unixepoch('subsec') * 1000 as integer)`
    : sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`;
}
