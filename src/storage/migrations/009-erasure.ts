/** When a person's data was erased: nobody comes back from that. */
import type { Migration } from '../engine/migrate.ts';

export const erasure: Migration = {
  version: 9,
  name: 'erasure',
  oldestLevel: 8,
  async up({ tx, time }) {
    await tx.schema.alterTable('users').addColumn('erased_at', time).execute();
  },
};
