/** Sessions of clients without OAuth: login tokens, what a single sign-on was begun for, user-interactive authentication, names of devices. */
import type { Migration, MigrationTools } from '../engine/migrate.ts';

export const legacyLogin: Migration = {
  version: 2,
  name: 'legacy-login',
  oldestLevel: 1,
  async up(tools) {
    await tools.tx.schema.alterTable('sessions').addColumn('device_name', 'text').execute();
    await createLogin(tools);
    await createUserInteractive(tools);
  },
};

async function createLogin({ tx, table, time }: MigrationTools): Promise<void> {
  await table('login_requests', (t) =>
    t
      .addColumn('sign_in_id', 'text', (c) => c.primaryKey().references('sign_ins.id').onDelete('cascade'))
      .addColumn('redirect_url', 'text', (c) => c.notNull()),
  );
  await table('login_tokens', (t) =>
    t
      .addColumn('hash', 'text', (c) => c.primaryKey())
      .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
      .addColumn('authenticated_at', time)
      .addColumn('upstream_sid', 'text')
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('expires_at', time, (c) => c.notNull())
      .addColumn('consumed_at', time),
  );
  // Clean-up: login tokens that nobody redeemed in time.
  await tx.schema.createIndex('login_tokens_expiry').on('login_tokens').column('expires_at').execute();
  // Whoever is deactivated; also the cascade from users.
  await tx.schema.createIndex('login_tokens_user').on('login_tokens').column('user_id').execute();
}

async function createUserInteractive({ tx, table, time }: MigrationTools): Promise<void> {
  await table('ui_auth_sessions', (t) =>
    t
      .addColumn('hash', 'text', (c) => c.primaryKey())
      .addColumn('session_id', 'text', (c) => c.notNull().references('sessions.id').onDelete('cascade'))
      .addColumn('request_hash', 'text', (c) => c.notNull())
      .addColumn('summary', 'text', (c) => c.notNull())
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('expires_at', time, (c) => c.notNull())
      .addColumn('completed_at', time)
      .addColumn('consumed_at', time),
  );
  // Clean-up: what nobody completed in time.
  await tx.schema
    .createIndex('ui_auth_sessions_expiry')
    .on('ui_auth_sessions')
    .column('expires_at')
    .execute();
  // The cascade from sessions.
  await tx.schema
    .createIndex('ui_auth_sessions_session')
    .on('ui_auth_sessions')
    .column('session_id')
    .execute();

  await table('ui_auth_requests', (t) =>
    t
      .addColumn('sign_in_id', 'text', (c) => c.primaryKey().references('sign_ins.id').onDelete('cascade'))
      .addColumn('ui_auth_hash', 'text', (c) =>
        c.notNull().references('ui_auth_sessions.hash').onDelete('cascade'),
      ),
  );
  // The cascade from ui_auth_sessions.
  await tx.schema
    .createIndex('ui_auth_requests_session')
    .on('ui_auth_requests')
    .column('ui_auth_hash')
    .execute();
}
