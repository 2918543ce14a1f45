/** The answer to an app that may not open at once: it can be sent again for as long as it counts. */
import type { Migration } from '../engine/migrate.ts';

export const answers: Migration = {
  version: 7,
  name: 'answers',
  oldestLevel: 6,
  async up({ tx }) {
    await tx.schema.alterTable('sign_ins').addColumn('answer_sealed', 'text').execute();
  },
};
