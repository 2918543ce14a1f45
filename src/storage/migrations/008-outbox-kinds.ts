/** The outbox tells the homeserver more than the end of devices: a payload by kind, delivered in order per user. */
import { sql } from 'kysely';
import type { Migration } from '../engine/migrate.ts';

export const outboxKinds: Migration = {
  version: 8,
  name: 'outbox-kinds',
  // An earlier build would take every entry for the deletion of a device.
  oldestLevel: 8,
  async up({ tx, table, time }) {
    await tx.schema.alterTable('outbox').renameTo('outbox_of_devices').execute();
    await tx.schema.dropIndex('outbox_due').execute();
    await tx.schema.dropIndex('outbox_by_session').execute();
    await table('outbox', (t) =>
      t
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('user_id', 'text', (c) => c.notNull())
        .addColumn('device_id', 'text')
        .addColumn('payload_json', 'text', (c) => c.notNull())
        .addColumn('created_at', time, (c) => c.notNull())
        .addColumn('attempts', 'integer', (c) => c.notNull())
        .addColumn('next_attempt_at', time, (c) => c.notNull()),
    );
    await sql`
      insert into outbox (id, kind, user_id, device_id, payload_json, created_at, attempts, next_attempt_at)
      select id, kind, user_id, device_id, '{}', created_at, attempts, next_attempt_at from outbox_of_devices
    `.execute(tx);
    await tx.schema.dropTable('outbox_of_devices').execute();
    // The outbox's worker: what is due, oldest first.
    await tx.schema.createIndex('outbox_due').on('outbox').column('next_attempt_at').execute();
    // The next entry of a user.
    await tx.schema
      .createIndex('outbox_user')
      .on('outbox')
      .columns(['user_id', 'created_at', 'id'])
      .execute();
  },
};
