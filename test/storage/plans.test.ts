import { CompiledQuery, type Kysely, sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { hashSecret } from '../../src/protocol/token-format.ts';
import { findAuthorizationCode } from '../../src/storage/records/authorizations.ts';
import { findClient } from '../../src/storage/records/clients.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { type Statement, transactionOver } from '../../src/storage/engine/dialect.ts';
import { consumeLoginToken, findLoginToken } from '../../src/storage/records/login-tokens.ts';
import {
  endedOnDevice,
  findLinkedState,
  removeExpiredProviderTokens,
} from '../../src/storage/records/provider-tokens.ts';
import { wasSignedOut } from '../../src/storage/records/sign-outs.ts';
import { findFirstOutboxEntry, listDueOutboxUsers } from '../../src/storage/records/outbox.ts';
import type { Schema } from '../../src/storage/schema.ts';
import {
  findLiveSession,
  findSessionOf,
  markSessionEnded,
  touchSession,
  touchSessionOf,
} from '../../src/storage/records/sessions.ts';
import {
  consumeRefreshToken,
  findAccessToken,
  findAccessTokenRow,
  findRefreshToken,
  findSuccessors,
  markAccessTokenUsed,
  markPairUsed,
  removeSpentAccessTokens,
  supersedeSiblings,
} from '../../src/storage/records/tokens.ts';
import {
  findDeviceGrant,
  findDeviceGrantByUserCode,
  hasDeviceGrants,
} from '../../src/storage/records/device-grants.ts';
import { findDevice, listDevices, setDeviceName } from '../../src/storage/records/devices.ts';
import {
  completeUiAuth,
  consumeUiAuth,
  findUiAuthSession,
} from '../../src/storage/records/user-interactive.ts';
import { findUser } from '../../src/storage/records/users.ts';
import { forEachEngine } from '../support/database.ts';
import { NOW } from './support.ts';

const hash = hashSecret('any');

/** What stands on the path of a request: each must find its rows by an index, however many there are. */
const hot: Record<string, (db: Kysely<Schema>) => Promise<unknown>> = {
  'introspection: an access token with its session and user': (db) => findAccessToken(db, hash),
  'refresh: a refresh token': (db) => findRefreshToken(db, hash),
  'refresh: its successors': (db) => findSuccessors(db, { sessionId: 'session 7', predecessor: hash }),
  'refresh: consuming it': (db) => consumeRefreshToken(db, { hash, userId: 'user 7', at: NOW }),
  'refresh: the access token of a pair': (db) => findAccessTokenRow(db, hash),
  'refresh: activity of the session': (db) => touchSessionOf(db, { hash, at: NOW }),
  'refresh: the session, where it can expire': (db) => findSessionOf(db, hash),
  'refresh: pairs that lost': (db) =>
    supersedeSiblings(db, { sessionId: 'session 7', hash, predecessor: hash, at: NOW }),
  'first use: activity of the session': (db) => touchSession(db, { id: 'session 7', at: NOW }),
  'refresh: the spent access tokens of a session': (db) =>
    removeSpentAccessTokens(db, { sessionId: 'session 7', before: NOW, keep: [hash, hash] }),
  'first use of an access token': (db) => markAccessTokenUsed(db, { hash, at: NOW }),
  'first use of a pair': (db) => markPairUsed(db, { hash, at: NOW }),
  'code exchange: a code': (db) => findAuthorizationCode(db, hash),
  'login: a login token': (db) => findLoginToken(db, { hash, at: NOW }),
  'login: redeeming it': (db) => consumeLoginToken(db, { hash, at: NOW }),
  'device grant: a device code': (db) => findDeviceGrant(db, hash),
  'device grant: a user code': (db) => findDeviceGrantByUserCode(db, hash),
  'device grant: how many are waiting': (db) => hasDeviceGrants(db, { at: NOW, count: 100 }),
  'device grant: how many of a client are waiting': (db) =>
    hasDeviceGrants(db, { at: NOW, count: 100, clientId: 'client 7' }),
  'devices: all of a user': (db) => listDevices(db, 'user 7'),
  'devices: one': (db) => findDevice(db, { userId: 'user 7', deviceId: 'device 7' }),
  'devices: naming one': (db) => setDeviceName(db, { userId: 'user 7', deviceId: 'device 7', name: 'Phone' }),
  'user-interactive authentication: a request': (db) => findUiAuthSession(db, hash),
  'user-interactive authentication: its proof': (db) => completeUiAuth(db, { hash, at: NOW }),
  'user-interactive authentication: using it': (db) => consumeUiAuth(db, { hash, at: NOW }),
  "a provider's token: sign-outs since it was issued": (db) =>
    wasSignedOut(db, { issuer: 'https://idp.example.com', subject: 'subject 7', sid: 'sid 7', since: NOW }),
  "a provider's token: its user": (db) => findLinkedState(db, 'https://idp.example.com', 'subject 7'),
  "a provider's token: sessions that ended on its device": (db) =>
    endedOnDevice(db, { userId: 'user 7', deviceId: 'device 7', since: NOW }),
  "a provider's token: tokens that it follows": (db) =>
    removeExpiredProviderTokens(db, { sessionId: 'session 7', before: NOW }),
  'any request of a client': (db) => findClient(db, 'client 7'),
  'sign-in: the live session on a device': (db) =>
    findLiveSession(db, { userId: 'user 7', deviceId: 'device 7' }),
  'sign-out: ending a session': (db) => markSessionEnded(db, { id: 'session 7', at: NOW, reason: 'revoked' }),
  'any request of a user': (db) => findUser(db, 'user 7'),
  'the outbox: who is due': (db) => listDueOutboxUsers(db, { at: 1, limit: 50 }),
  'the outbox: the next entry of a user': (db) => findFirstOutboxEntry(db, 'user 7'),
};

const ROWS = 4000;

forEachEngine((engine) => {
  describe('with many rows', () => {
    let db: Database;

    beforeAll(async () => {
      db = await engine.open();
      await db.write(async (tx) => {
        const numbers =
          engine.name === 'sqlite'
            ? sql`(with recursive n(i) as (select 1 union all select i + 1 from n where i < ${sql.lit(ROWS)}) select i from n)`
            : sql`(select i from generate_series(1, ${sql.lit(ROWS)}) as g(i))`;
        const fill = (table: string, columns: string, values: string): Promise<unknown> =>
          sql`insert into ${sql.table(table)} (${sql.raw(columns)}) select ${sql.raw(values)} from ${numbers} as numbers`.execute(
            tx,
          );
        await fill('users', 'id, localpart, created_at', `'user ' || i, 'name' || i, 1`);
        await fill(
          'clients',
          'id, metadata_json, metadata_hash, created_at, last_used_at',
          `'client ' || i, '{}', 'h' || i, 1, 1`,
        );
        await fill(
          'sessions',
          'id, user_id, client_id, device_id, scope, origin, created_at, last_active_at',
          `'session ' || i, 'user ' || i, 'client ' || i, 'device ' || i, 's', 'authorization_code', 1, 1`,
        );
        await fill(
          'access_tokens',
          'hash, session_id, refresh_hash, created_at, expires_at',
          `'a' || i, 'session ' || i, 'r' || i, 1, i`,
        );
        await fill(
          'refresh_tokens',
          'hash, session_id, generation, predecessor_hash, access_hash, created_at',
          `'r' || i, 'session ' || i, 0, 'p' || i, 'a' || i, 1`,
        );
        await fill(
          'authorization_codes',
          'hash, client_id, redirect_uri, code_challenge, scope, user_id, device_id, created_at, expires_at',
          `'c' || i, 'client ' || i, 'u', 'c', 's', 'user ' || i, 'd', 1, i`,
        );
        await fill('login_tokens', 'hash, user_id, created_at, expires_at', `'l' || i, 'user ' || i, 1, i`);
        await fill(
          'device_grants',
          'hash, user_code_hash, client_id, scope, device_id, address, created_at, expires_at, interval_seconds',
          `'g' || i, 'u' || i, 'client ' || i, 's', 'd', 'a', 1, i, 5`,
        );
        await fill(
          'ui_auth_sessions',
          'hash, session_id, request_hash, summary_json, created_at, expires_at',
          `'i' || i, 'session ' || i, 'q', '{}', 1, i`,
        );
        await fill(
          'outbox',
          'id, kind, user_id, device_id, payload_json, created_at, attempts, next_attempt_at',
          `'o' || i, 'delete_device', 'user ' || i, 'd', '{}', 1, 0, i`,
        );
        await fill(
          'upstream_links',
          'issuer, subject, provider_id, user_id, created_at, last_login_at',
          `'https://idp.example.com', 'subject ' || i, 'main', 'user ' || i, 1, 1`,
        );
        await fill(
          'sign_outs',
          'id, issuer, subject, sid, at',
          `'s' || i, 'https://idp.example.com', 'subject ' || i, 'sid ' || i, i`,
        );
        if (engine.name === 'postgres') await sql`analyze`.execute(tx);
      });
    });

    it.each(Object.entries(hot))('%s is found by an index', async (_name, run) => {
      for (const query of await statementsOf(run)) {
        const plan = await explain(query);
        expect(plan.join('\n')).not.toMatch(engine.name === 'sqlite' ? /\bSCAN\b/ : /Seq Scan/);
        expect(plan.join('\n')).toMatch(engine.name === 'sqlite' ? /SEARCH/ : /Index/);
      }
    });

    it.each([
      ['sessions', 'ended_at'],
      ['authorization_codes', 'expires_at'],
      ['login_tokens', 'expires_at'],
      ['sign_ins', 'expires_at'],
      ['device_grants', 'expires_at'],
      ['ui_auth_sessions', 'expires_at'],
    ] as const)('clean-up finds what is over in %s by an index', async (table, column) => {
      const plan = await explain(
        CompiledQuery.raw(`select 1 from ${table} where ${column} < ${String(1)} limit 200`, []),
      );
      // PostgreSQL reads a table without rows, or of few pages, as a whole.
      if (engine.name === 'sqlite')
        expect(plan.join('\n')).toMatch(new RegExp(`SEARCH ${table} USING .*INDEX`));
    });

    /** The statements of one call, without running them. */
    const statementsOf = async (run: (db: Kysely<Schema>) => Promise<unknown>): Promise<Statement[]> => {
      const statements: Statement[] = [];
      const execute = (statement: Statement): Promise<{ rows: [] }> => {
        statements.push(statement);
        return Promise.resolve({ rows: [] });
      };
      const nothing = (): Promise<void> => Promise.resolve();
      await run(transactionOver<Schema>(engine.name, { execute, commit: nothing, rollback: nothing }));
      expect(statements.length).toBeGreaterThan(0);
      return statements;
    };

    const explain = async (query: Pick<Statement, 'sql' | 'parameters'>): Promise<string[]> => {
      const prefix = engine.name === 'sqlite' ? 'explain query plan ' : 'explain ';
      const { rows } = await db.query.executeQuery<{ detail?: string; 'QUERY PLAN'?: string }>(
        CompiledQuery.raw(prefix + query.sql, [...query.parameters]),
      );
      return rows.map((row) => row.detail ?? row['QUERY PLAN'] ?? '');
    };
  });
});
