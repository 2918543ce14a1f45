/** What operators did by command, which other processes cannot read in the log of the service. */
import type { Migration } from '../engine/migrate.ts';

export const audit: Migration = {
  version: 4,
  name: 'audit',
  oldestLevel: 1,
  async up({ table, time }) {
    await table('audit_entries', (columns) =>
      columns
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('happened_at', time, (column) => column.notNull())
        .addColumn('event', 'text', (column) => column.notNull())
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('actor_name', 'text')
        .addColumn('client_address', 'text')
        .addColumn('request_id', 'text')
        .addColumn('user_id', 'text')
        .addColumn('session_id', 'text')
        .addColumn('client_id', 'text')
        .addColumn('device_id', 'text')
        .addColumn('provider', 'text')
        .addColumn('reason', 'text'),
    );
  },
};
