/** Of the first schema: device grants, and the sign-ins that they wait for. */
import type { MigrationTools } from '../../engine/migrate.ts';

export async function createDeviceGrants({ tx, table, time }: MigrationTools): Promise<void> {
  await table('device_grants', (t) =>
    t
      .addColumn('hash', 'text', (c) => c.primaryKey())
      .addColumn('user_code_hash', 'text', (c) => c.notNull())
      .addColumn('client_id', 'text', (c) => c.notNull())
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('device_id', 'text', (c) => c.notNull())
      .addColumn('address', 'text', (c) => c.notNull())
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('expires_at', time, (c) => c.notNull())
      .addColumn('interval_seconds', 'integer', (c) => c.notNull())
      .addColumn('polled_at', time)
      // No reference: sign-ins are swept on their own.
      .addColumn('sign_in_id', 'text')
      .addColumn('user_id', 'text', (c) => c.references('users.id').onDelete('cascade'))
      .addColumn('decision', 'text')
      .addColumn('authenticated_at', time)
      .addColumn('upstream_sid', 'text')
      .addColumn('consumed_at', time)
      .addColumn('session_id', 'text'),
  );
  // The page where a person types the code: a code stands for one device.
  await tx.schema
    .createIndex('device_grants_user_code')
    .unique()
    .on('device_grants')
    .column('user_code_hash')
    .execute();
  // How many are waiting; clean-up.
  await tx.schema.createIndex('device_grants_expiry').on('device_grants').column('expires_at').execute();
  // How many of a client are waiting.
  await tx.schema
    .createIndex('device_grants_client')
    .on('device_grants')
    .columns(['client_id', 'expires_at'])
    .execute();
  // Deactivation; also the cascade from users.
  await tx.schema.createIndex('device_grants_user').on('device_grants').column('user_id').execute();

  await table('device_requests', (t) =>
    t
      .addColumn('sign_in_id', 'text', (c) => c.primaryKey().references('sign_ins.id').onDelete('cascade'))
      .addColumn('device_grant_hash', 'text', (c) => c.notNull()),
  );
}
