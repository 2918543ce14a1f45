/** Of the first schema: what keeps people's claims, sign-outs at the IdP, and the account page. */
import type { MigrationTools } from '../../engine/migrate.ts';

export async function createPeople({ tx, table, time }: MigrationTools): Promise<void> {
  await table('upstream_grants', (t) =>
    t
      .addColumn('issuer', 'text', (c) => c.notNull())
      .addColumn('subject', 'text', (c) => c.notNull())
      .addColumn('provider_id', 'text', (c) => c.notNull())
      .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
      .addColumn('token_id', 'text', (c) => c.notNull())
      .addColumn('refresh_token_sealed', 'text', (c) => c.notNull())
      .addColumn('granted_at', time, (c) => c.notNull())
      .addColumn('next_check_at', time, (c) => c.notNull())
      .addColumn('leased_until', time, (c) => c.notNull())
      .addPrimaryKeyConstraint('upstream_grants_pk', ['issuer', 'subject']),
  );
  // What is done with one token: leased, replaced, given back.
  await tx.schema
    .createIndex('upstream_grants_token')
    .unique()
    .on('upstream_grants')
    .column('token_id')
    .execute();
  // The recheck's worker: what is due, oldest first.
  await tx.schema.createIndex('upstream_grants_due').on('upstream_grants').column('next_check_at').execute();
  // Deactivation; also the cascade from users.
  await tx.schema.createIndex('upstream_grants_user').on('upstream_grants').column('user_id').execute();

  await table('logout_tokens', (t) =>
    t.addColumn('hash', 'text', (c) => c.primaryKey()).addColumn('expires_at', time, (c) => c.notNull()),
  );
  // Clean-up: logout tokens that would be refused for their age anyway.
  await tx.schema.createIndex('logout_tokens_expiry').on('logout_tokens').column('expires_at').execute();

  await table('account_requests', (t) =>
    t
      .addColumn('sign_in_id', 'text', (c) => c.primaryKey().references('sign_ins.id').onDelete('cascade'))
      .addColumn('place', 'text', (c) => c.notNull()),
  );
  await table('account_sessions', (t) =>
    t
      .addColumn('hash', 'text', (c) => c.primaryKey())
      .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
      .addColumn('authenticated_at', time)
      .addColumn('upstream_sid', 'text')
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('expires_at', time, (c) => c.notNull()),
  );
  // Clean-up: expired account sessions.
  await tx.schema
    .createIndex('account_sessions_expiry')
    .on('account_sessions')
    .column('expires_at')
    .execute();
  // Whoever is signed out everywhere; also the cascade from users.
  await tx.schema.createIndex('account_sessions_user').on('account_sessions').column('user_id').execute();
}
