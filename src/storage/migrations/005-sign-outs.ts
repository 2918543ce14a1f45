/** Sign-outs that a provider told of: its tokens that were issued before them count no more, whoever verifies them. */
import type { Migration } from '../engine/migrate.ts';

export const signOuts: Migration = {
  version: 5,
  name: 'sign-outs',
  oldestLevel: 1,
  async up({ tx, table, time }) {
    await table('sign_outs', (t) =>
      t
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('issuer', 'text', (c) => c.notNull())
        .addColumn('subject', 'text')
        .addColumn('sid', 'text')
        .addColumn('at', time, (c) => c.notNull()),
    );
    // Verifying a token of a provider: whether its person, or the session that it belongs to, was signed out since.
    await tx.schema.createIndex('sign_outs_subject').on('sign_outs').columns(['issuer', 'subject']).execute();
    await tx.schema.createIndex('sign_outs_sid').on('sign_outs').columns(['issuer', 'sid']).execute();
    // Clean-up: those that no token can be older than.
    await tx.schema.createIndex('sign_outs_at').on('sign_outs').column('at').execute();
  },
};
