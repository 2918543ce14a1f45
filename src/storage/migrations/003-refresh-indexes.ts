/** Fewer indexes to keep at each refresh: what belongs to a session is found by the session. */
import type { Migration } from '../engine/migrate.ts';

export const refreshIndexes: Migration = {
  version: 3,
  name: 'refresh-indexes',
  oldestLevel: 1,
  async up({ tx }) {
    // The successors of a refresh token that is presented again; ending a session; also the cascade from sessions.
    await tx.schema
      .createIndex('refresh_tokens_descent')
      .on('refresh_tokens')
      .columns(['session_id', 'predecessor_hash'])
      .execute();
    await tx.schema.dropIndex('refresh_tokens_session').execute();
    await tx.schema.dropIndex('refresh_tokens_predecessor').execute();
    // The few access tokens of a session are found by access_tokens_session.
    await tx.schema.dropIndex('access_tokens_refresh').execute();
  },
};
