/**
 * What clients send to have back (`state`, `nonce`, where a login token goes) is sealed: only they know what it says. What lies in the old columns counts for the minutes that it
 * lives. An older build does not find the words of a sign-in that began with this one: it is begun anew.
 */
import type { Migration } from '../engine/migrate.ts';

export const sealedWords: Migration = {
  version: 11,
  name: 'sealed-words',
  oldestLevel: 8,
  async up({ tx }) {
    await tx.schema.alterTable('authorization_requests').addColumn('words_sealed', 'text').execute();
    await tx.schema.alterTable('authorization_codes').addColumn('nonce_sealed', 'text').execute();
    await tx.schema.alterTable('login_requests').addColumn('redirect_url_sealed', 'text').execute();
    await tx.schema.alterTable('pushed_requests').addColumn('parameters_sealed', 'text').execute();
  },
};
