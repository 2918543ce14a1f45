/**
 * Scopes of the operator's own: a session with no others has no device, may end at a time that is fixed beforehand, and depends on what the claims said of its person; a client that
 * the operator adds has settings of the operator's.
 */
import { sql } from 'kysely';
import type { Migration, MigrationTools } from '../engine/migrate.ts';

export const operatorScopes: Migration = {
  version: 10,
  name: 'operator-scopes',
  oldestLevel: 8,
  async up({ tx, time }) {
    await tx.schema.alterTable('users').addColumn('claimed_scopes', 'text').execute();
    await tx.schema.alterTable('clients').addColumn('operator_json', 'text').execute();
    await tx.schema.alterTable('sessions').addColumn('expires_at', time).execute();
    // Clean-up: sessions whose time is over.
    await sql`create index sessions_expiry on sessions (expires_at) where expires_at is not null`.execute(tx);
    await letDeviceBeNull(tx, 'authorization_codes');
    await letDeviceBeNull(tx, 'device_grants');
  },
};

/** SQLite cannot take `not null` from a column: a new one takes its place. */
async function letDeviceBeNull(tx: MigrationTools['tx'], name: string): Promise<void> {
  const table = sql.table(name);
  await sql`alter table ${table} rename column device_id to earlier_device_id`.execute(tx);
  await sql`alter table ${table} add column device_id text`.execute(tx);
  await sql`update ${table} set device_id = earlier_device_id`.execute(tx);
  await sql`alter table ${table} drop column earlier_device_id`.execute(tx);
}
