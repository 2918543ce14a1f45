/** The first schema: users, clients, sessions and their tokens, sign-in steps, keys, documents, outbox, leases, change counters. */
import { sql } from 'kysely';
import type { Migration, MigrationTools } from '../engine/migrate.ts';
import { createDeviceGrants } from './001-initial/device-grants.ts';
import { createPeople } from './001-initial/people.ts';

export const initial: Migration = {
  version: 1,
  name: 'initial',
  oldestLevel: 1,
  async up(tools) {
    await createUsers(tools);
    await createClients(tools);
    await createSessions(tools);
    await createTokens(tools);
    await createSignIn(tools);
    await createKeysAndDocuments(tools);
    await createWork(tools);
    await createPeople(tools);
    await createDeviceGrants(tools);
  },
};

async function createUsers({ tx, table, time }: MigrationTools): Promise<void> {
  await table('users', (t) =>
    t
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('localpart', 'text', (c) => c.notNull())
      .addColumn('displayname', 'text')
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('locked_at', time)
      .addColumn('deactivated_at', time)
      .addColumn('is_admin', 'integer', (c) => c.notNull().defaultTo(0)),
  );
  // Sign-in and the admin API: the user of a localpart; a localpart is given once.
  await tx.schema.createIndex('users_localpart').unique().on('users').column('localpart').execute();

  await table('upstream_links', (t) =>
    t
      .addColumn('issuer', 'text', (c) => c.notNull())
      .addColumn('subject', 'text', (c) => c.notNull())
      .addColumn('provider_id', 'text', (c) => c.notNull())
      .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('last_login_at', time, (c) => c.notNull())
      .addPrimaryKeyConstraint('upstream_links_pk', ['issuer', 'subject']),
  );
  // Account page and admin API: how a user signs in; also the cascade from users.
  await tx.schema.createIndex('upstream_links_user').on('upstream_links').column('user_id').execute();
}

async function createClients({ tx, table, time }: MigrationTools): Promise<void> {
  await table('clients', (t) =>
    t
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('metadata_json', 'text', (c) => c.notNull())
      .addColumn('metadata_hash', 'text')
      .addColumn('secret_hash', 'text')
      .addColumn('origin', 'text', (c) => c.notNull().defaultTo('dynamic'))
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('last_used_at', time, (c) => c.notNull()),
  );
  // Registration: the same public client registers once (many rows may have no hash: NULLs are distinct on both engines).
  await tx.schema
    .createIndex('clients_metadata_hash')
    .unique()
    .on('clients')
    .column('metadata_hash')
    .execute();
  // Clean-up: dynamic clients that nobody has used for long.
  await tx.schema.createIndex('clients_last_used').on('clients').column('last_used_at').execute();

  await table('pushed_requests', (t) =>
    t
      .addColumn('hash', 'text', (c) => c.primaryKey())
      .addColumn('client_id', 'text', (c) => c.notNull())
      .addColumn('parameters_json', 'text', (c) => c.notNull())
      .addColumn('expires_at', time, (c) => c.notNull()),
  );
  // Clean-up: expired pushed requests.
  await tx.schema.createIndex('pushed_requests_expiry').on('pushed_requests').column('expires_at').execute();

  await table('client_assertions', (t) =>
    t.addColumn('hash', 'text', (c) => c.primaryKey()).addColumn('expires_at', time, (c) => c.notNull()),
  );
  // Clean-up: assertions that would be refused for their age anyway.
  await tx.schema
    .createIndex('client_assertions_expiry')
    .on('client_assertions')
    .column('expires_at')
    .execute();
}

async function createSessions({ tx, table, time }: MigrationTools): Promise<void> {
  await table('sessions', (t) =>
    t
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('user_id', 'text', (c) => c.references('users.id').onDelete('cascade'))
      // No reference: static clients stand in the configuration alone. Clean-up keeps every client that has a session, an ended one included.
      .addColumn('client_id', 'text')
      .addColumn('device_id', 'text')
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('origin', 'text', (c) => c.notNull())
      .addColumn('authenticated_at', time)
      .addColumn('upstream_sid', 'text')
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('last_active_at', time, (c) => c.notNull())
      .addColumn('ended_at', time)
      .addColumn('end_reason', 'text'),
  );
  // At most one live session per (user, device): sign-in on a device that has one, device look-ups by the homeserver.
  await tx.schema
    .createIndex('sessions_live_device')
    .unique()
    .on('sessions')
    .columns(['user_id', 'device_id'])
    .where(sql.ref('ended_at'), 'is', null)
    .where(sql.ref('device_id'), 'is not', null)
    .execute();
  // Back-channel logout: the sessions of one session at the IdP.
  await tx.schema.createIndex('sessions_upstream_sid').on('sessions').column('upstream_sid').execute();
  // Lists of a user's sessions, sign out everywhere; also the cascade from users.
  await tx.schema.createIndex('sessions_user').on('sessions').column('user_id').execute();
  // Whether a client still has sessions (clean-up, admin API).
  await tx.schema.createIndex('sessions_client').on('sessions').column('client_id').execute();
  // Clean-up: sessions of clients alone (client credentials), which nobody ends.
  await tx.schema
    .createIndex('sessions_without_user')
    .on('sessions')
    .column('created_at')
    .where(sql.ref('user_id'), 'is', null)
    .execute();
  // Clean-up: sessions that ended long ago.
  await tx.schema
    .createIndex('sessions_ended')
    .on('sessions')
    .column('ended_at')
    .where(sql.ref('ended_at'), 'is not', null)
    .execute();
}

async function createTokens({ tx, table, time }: MigrationTools): Promise<void> {
  await table('access_tokens', (t) =>
    t
      .addColumn('hash', 'text', (c) => c.primaryKey())
      .addColumn('session_id', 'text', (c) => c.notNull().references('sessions.id').onDelete('cascade'))
      // No foreign keys between the two halves of a pair: each names the other, and they are removed at different times.
      .addColumn('refresh_hash', 'text')
      .addColumn('scope', 'text')
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('expires_at', time)
      .addColumn('first_used_at', time),
  );
  // Refresh: the spent tokens of a session, however many are not; also the cascade from sessions.
  await tx.schema
    .createIndex('access_tokens_session')
    .on('access_tokens')
    .columns(['session_id', 'expires_at'])
    .execute();
  // The access tokens of a refresh token: replacing an expired one, revocation by refresh token.
  await tx.schema.createIndex('access_tokens_refresh').on('access_tokens').column('refresh_hash').execute();

  await table('refresh_tokens', (t) =>
    t
      .addColumn('hash', 'text', (c) => c.primaryKey())
      .addColumn('session_id', 'text', (c) => c.notNull().references('sessions.id').onDelete('cascade'))
      .addColumn('generation', 'integer', (c) => c.notNull())
      .addColumn('predecessor_hash', 'text')
      .addColumn('refresh_nonce', 'text')
      .addColumn('access_nonce', 'text')
      .addColumn('access_hash', 'text', (c) => c.notNull())
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('consumed_at', time)
      .addColumn('used_at', time),
  );
  // Ending a session; also the cascade from sessions.
  await tx.schema.createIndex('refresh_tokens_session').on('refresh_tokens').column('session_id').execute();
  // The successors of a refresh token that is presented again.
  await tx.schema
    .createIndex('refresh_tokens_predecessor')
    .on('refresh_tokens')
    .column('predecessor_hash')
    .execute();
}

async function createSignIn({ tx, table, time }: MigrationTools): Promise<void> {
  await table('sign_ins', (t) =>
    t
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('purpose', 'text', (c) => c.notNull())
      .addColumn('browser_hash', 'text', (c) => c.notNull())
      .addColumn('prompt', 'text')
      .addColumn('max_age', 'integer')
      .addColumn('login_hint', 'text')
      .addColumn('acr_values', 'text')
      .addColumn('provider_id', 'text')
      .addColumn('upstream_state_hash', 'text')
      .addColumn('upstream_sealed', 'text')
      .addColumn('user_id', 'text', (c) => c.references('users.id').onDelete('cascade'))
      .addColumn('authenticated_at', time)
      .addColumn('upstream_sid', 'text')
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('expires_at', time, (c) => c.notNull())
      .addColumn('finished_at', time),
  );
  // The IdP's callback: the sign-in that its state belongs to.
  await tx.schema
    .createIndex('sign_ins_upstream_state')
    .unique()
    .on('sign_ins')
    .column('upstream_state_hash')
    .execute();
  // Clean-up: expired sign-ins.
  await tx.schema.createIndex('sign_ins_expiry').on('sign_ins').column('expires_at').execute();
  // The cascade from users.
  await tx.schema.createIndex('sign_ins_user').on('sign_ins').column('user_id').execute();

  await table('authorization_requests', (t) =>
    t
      .addColumn('sign_in_id', 'text', (c) => c.primaryKey().references('sign_ins.id').onDelete('cascade'))
      .addColumn('client_id', 'text', (c) => c.notNull())
      .addColumn('redirect_uri', 'text', (c) => c.notNull())
      .addColumn('response_mode', 'text', (c) => c.notNull())
      .addColumn('state', 'text')
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('code_challenge', 'text', (c) => c.notNull())
      .addColumn('nonce', 'text'),
  );
  // Clean-up: whether a client has a sign-in under way.
  await tx.schema
    .createIndex('authorization_requests_client')
    .on('authorization_requests')
    .column('client_id')
    .execute();

  await table('authorization_codes', (t) =>
    t
      .addColumn('hash', 'text', (c) => c.primaryKey())
      .addColumn('client_id', 'text', (c) => c.notNull())
      .addColumn('redirect_uri', 'text', (c) => c.notNull())
      .addColumn('code_challenge', 'text', (c) => c.notNull())
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('nonce', 'text')
      .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
      .addColumn('device_id', 'text', (c) => c.notNull())
      .addColumn('authenticated_at', time)
      .addColumn('upstream_sid', 'text')
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('expires_at', time, (c) => c.notNull())
      .addColumn('consumed_at', time)
      // No reference: the code is redeemed before its session is made, and is gone long before the session is.
      .addColumn('session_id', 'text')
      .addColumn('misses', 'integer', (c) => c.notNull().defaultTo(0)),
  );
  // Clean-up: expired codes.
  await tx.schema
    .createIndex('authorization_codes_expiry')
    .on('authorization_codes')
    .column('expires_at')
    .execute();
  // What a person has under way when they are deactivated; also the cascade from users.
  await tx.schema
    .createIndex('authorization_codes_user')
    .on('authorization_codes')
    .column('user_id')
    .execute();
  // Clean-up: whether a client has a code.
  await tx.schema
    .createIndex('authorization_codes_client')
    .on('authorization_codes')
    .column('client_id')
    .execute();
}

async function createKeysAndDocuments({ table, time }: MigrationTools): Promise<void> {
  // A handful of rows each: read whole.
  await table('signing_keys', (t) =>
    t
      .addColumn('kid', 'text', (c) => c.primaryKey())
      .addColumn('alg', 'text', (c) => c.notNull())
      .addColumn('public_jwk_json', 'text', (c) => c.notNull())
      .addColumn('private_jwk_sealed', 'text', (c) => c.notNull())
      .addColumn('created_at', time, (c) => c.notNull()),
  );
  await table('idp_documents', (t) =>
    t
      .addColumn('provider_id', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('url', 'text', (c) => c.notNull())
      .addColumn('body', 'text', (c) => c.notNull())
      .addColumn('headers_json', 'text', (c) => c.notNull())
      .addColumn('fetched_at', time, (c) => c.notNull())
      .addPrimaryKeyConstraint('idp_documents_pk', ['provider_id', 'kind']),
  );
}

async function createWork({ tx, table, time }: MigrationTools): Promise<void> {
  // No reference to users or sessions: what the homeserver must be told outlives them.
  await table('outbox', (t) =>
    t
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('session_id', 'text')
      .addColumn('user_id', 'text', (c) => c.notNull())
      .addColumn('device_id', 'text', (c) => c.notNull())
      .addColumn('created_at', time, (c) => c.notNull())
      .addColumn('attempts', 'integer', (c) => c.notNull())
      .addColumn('next_attempt_at', time, (c) => c.notNull()),
  );
  // The outbox's worker: what is due, oldest first.
  await tx.schema.createIndex('outbox_due').on('outbox').column('next_attempt_at').execute();
  // sessions/end: the entry of a session that has just ended.
  await tx.schema.createIndex('outbox_by_session').on('outbox').column('session_id').execute();

  await table('leases', (t) =>
    t
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('holder', 'text', (c) => c.notNull())
      .addColumn('expires_at', time, (c) => c.notNull()),
  );
  await table('changes', (t) =>
    t.addColumn('topic', 'text', (c) => c.primaryKey()).addColumn('version', time, (c) => c.notNull()),
  );
}
