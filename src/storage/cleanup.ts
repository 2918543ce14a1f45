/** Removes what nobody can use any more, in small transactions, so that it never holds up the others for long. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DeleteResult, Kysely } from 'kysely';
import type { Database } from './engine/database.ts';
import type { Schema } from './schema.ts';

export interface CleanupOptions {
  readonly database: Database;
  /** Wall-clock time in milliseconds. */
  readonly now: number;
  /** Rows a transaction at most. Default 200. */
  readonly step?: number;
  /** How long each kind is kept beyond its end, in milliseconds. */
  readonly keep?: Partial<Retention>;
  /** Stops between two steps. */
  readonly signal?: AbortSignal;
}

export interface Retention {
  /** Authorization requests, device grants, login tokens, requests that wait for a proof, and codes beyond theirs; a code replayed within this time still ends its session. Default 1 hour. */
  readonly signInSteps: number;
  /** Pushed requests, client assertions, logout tokens and account sessions beyond their expiry, after which they are refused anyway. Default none. */
  readonly clientSteps: number;
  /** Sessions of clients alone beyond their start: longer than an access token can live. Default 25 hours. */
  readonly clientSessions: number;
  /** Ended sessions with all their tokens, for the account page and audits; sign-outs that a provider told of; upstream tokens that nobody has used since. Default 30 days. */
  readonly endedSessions: number;
  /** Dynamic clients beyond their last use, if they have no session, an ended one included. Default 30 days. */
  readonly unusedClients: number;
  /** What operators did by command. Default 1 year. */
  readonly auditEntries: number;
}

/** How many rows of each kind were removed. */
export type CleanupReport = Record<keyof Retention, number>;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const DEFAULTS: Retention = {
  signInSteps: HOUR,
  clientSteps: 0,
  clientSessions: 25 * HOUR,
  endedSessions: 30 * DAY,
  unusedClients: 30 * DAY,
  auditEntries: 365 * DAY,
};

/** One step: removes up to `limit` rows that ended before `before`. */
type Step = (tx: Kysely<Schema>, before: number, limit: number) => Promise<Progress>;

interface Progress {
  readonly removed: number;
  /** There may be more to do. */
  readonly more: boolean;
}

/** Removes everything that is due. Its transactions do not wait for the disk: what a crash brings back is removed by the next round. */
export async function cleanUp(options: CleanupOptions): Promise<CleanupReport> {
  const { database, now, signal, step = 200 } = options;
  const keep = { ...DEFAULTS, ...options.keep };
  const removeAll = async (kind: keyof Retention, remove: Step): Promise<number> => {
    let total = 0;
    for (;;) {
      if (signal?.aborted === true) return total;
      const { removed, more } = await database.writeSoon((tx) => remove(tx, now - keep[kind], step));
      total += removed;
      if (!more) return total;
      // Others' transactions go first.
      await nextTurn();
    }
  };
  return {
    signInSteps:
      (await removeAll('signInSteps', removeSignIns)) +
      (await removeAll('signInSteps', removeCodes)) +
      (await removeAll('signInSteps', removeLoginTokens)) +
      (await removeAll('signInSteps', removeUiAuthSessions)) +
      (await removeAll('signInSteps', removeDeviceGrants)),
    clientSteps:
      (await removeAll('clientSteps', removePushedRequests)) +
      (await removeAll('clientSteps', removeAssertions)) +
      (await removeAll('clientSteps', removeLogoutTokens)) +
      (await removeAll('clientSteps', removeAccountSessions)),
    clientSessions: await removeAll('clientSessions', removeClientSessions),
    endedSessions:
      (await removeAll('endedSessions', removeSessions)) +
      (await removeAll('endedSessions', removeSignOuts)) +
      (await removeAll('endedSessions', removeUpstreamGrants)),
    unusedClients: await removeAll('unusedClients', removeClients),
    auditEntries: await removeAll('auditEntries', removeAuditEntries),
  };
}

function progress({ numDeletedRows }: DeleteResult, limit: number): Progress {
  const removed = Number(numDeletedRows);
  return { removed, more: removed >= limit };
}

const removeSignIns: Step = async (tx, before, limit) => {
  const due = tx.selectFrom('sign_ins').select('id').where('expires_at', '<', before).limit(limit);
  return progress(await tx.deleteFrom('sign_ins').where('id', 'in', due).executeTakeFirst(), limit);
};

const removeCodes: Step = async (tx, before, limit) => {
  const due = tx
    .selectFrom('authorization_codes')
    .select('hash')
    .where('expires_at', '<', before)
    .limit(limit);
  return progress(
    await tx.deleteFrom('authorization_codes').where('hash', 'in', due).executeTakeFirst(),
    limit,
  );
};

const removeLoginTokens: Step = async (tx, before, limit) => {
  const due = tx.selectFrom('login_tokens').select('hash').where('expires_at', '<', before).limit(limit);
  return progress(await tx.deleteFrom('login_tokens').where('hash', 'in', due).executeTakeFirst(), limit);
};

const removeUiAuthSessions: Step = async (tx, before, limit) => {
  const due = tx.selectFrom('ui_auth_sessions').select('hash').where('expires_at', '<', before).limit(limit);
  return progress(await tx.deleteFrom('ui_auth_sessions').where('hash', 'in', due).executeTakeFirst(), limit);
};

const removeDeviceGrants: Step = async (tx, before, limit) => {
  const due = tx.selectFrom('device_grants').select('hash').where('expires_at', '<', before).limit(limit);
  return progress(await tx.deleteFrom('device_grants').where('hash', 'in', due).executeTakeFirst(), limit);
};

const removePushedRequests: Step = async (tx, before, limit) => {
  const due = tx.selectFrom('pushed_requests').select('hash').where('expires_at', '<', before).limit(limit);
  return progress(await tx.deleteFrom('pushed_requests').where('hash', 'in', due).executeTakeFirst(), limit);
};

const removeAssertions: Step = async (tx, before, limit) => {
  const due = tx.selectFrom('client_assertions').select('hash').where('expires_at', '<', before).limit(limit);
  return progress(
    await tx.deleteFrom('client_assertions').where('hash', 'in', due).executeTakeFirst(),
    limit,
  );
};

const removeLogoutTokens: Step = async (tx, before, limit) => {
  const due = tx.selectFrom('logout_tokens').select('hash').where('expires_at', '<', before).limit(limit);
  return progress(await tx.deleteFrom('logout_tokens').where('hash', 'in', due).executeTakeFirst(), limit);
};

const removeAccountSessions: Step = async (tx, before, limit) => {
  const due = tx.selectFrom('account_sessions').select('hash').where('expires_at', '<', before).limit(limit);
  return progress(await tx.deleteFrom('account_sessions').where('hash', 'in', due).executeTakeFirst(), limit);
};

/** Left behind where the claims are not had again any more. */
const removeUpstreamGrants: Step = async (tx, before, limit) => {
  const due = tx
    .selectFrom('upstream_grants')
    .select('token_id')
    .where('next_check_at', '<', before)
    .limit(limit);
  return progress(
    await tx.deleteFrom('upstream_grants').where('token_id', 'in', due).executeTakeFirst(),
    limit,
  );
};

/** Ids sort by time, and the table has no other index: it grows by what people type. */
const removeAuditEntries: Step = async (tx, before, limit) => {
  const due = tx.selectFrom('audit_entries').select('id').where('happened_at', '<', before).limit(limit);
  return progress(await tx.deleteFrom('audit_entries').where('id', 'in', due).executeTakeFirst(), limit);
};

/** They have one access token each and no refresh token. */
const removeClientSessions: Step = async (tx, before, limit) => {
  const due = tx
    .selectFrom('sessions')
    .select('id')
    .where('user_id', 'is', null)
    .where('created_at', '<', before)
    .limit(limit);
  return progress(await tx.deleteFrom('sessions').where('id', 'in', due).executeTakeFirst(), limit);
};

const removeSignOuts: Step = async (tx, before, limit) => {
  const due = tx.selectFrom('sign_outs').select('id').where('at', '<', before).limit(limit);
  return progress(await tx.deleteFrom('sign_outs').where('id', 'in', due).executeTakeFirst(), limit);
};

/** First the refresh tokens, as a session may have thousands: the cascade takes only few. */
const removeSessions: Step = async (tx, before, limit) => {
  const ended = tx
    .selectFrom('sessions')
    .select('id')
    .where('ended_at', '<', before)
    .orderBy('ended_at')
    .limit(limit);
  const tokens = tx.selectFrom('refresh_tokens').select('hash').where('session_id', 'in', ended).limit(limit);
  const { numDeletedRows } = await tx
    .deleteFrom('refresh_tokens')
    .where('hash', 'in', tokens)
    .executeTakeFirst();
  if (Number(numDeletedRows) >= limit) return { removed: 0, more: true };
  return progress(await tx.deleteFrom('sessions').where('id', 'in', ended).executeTakeFirst(), limit);
};

/** Those that registered themselves; what the operator made stays. */
const removeClients: Step = async (tx, before, limit) => {
  const due = tx
    .selectFrom('clients')
    .select('id')
    .where('last_used_at', '<', before)
    .where('origin', '=', 'dynamic')
    .where((eb) =>
      eb.not(
        eb.exists(
          eb.selectFrom('sessions').select('sessions.id').whereRef('sessions.client_id', '=', 'clients.id'),
        ),
      ),
    )
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('authorization_requests')
            .select('authorization_requests.sign_in_id')
            .whereRef('authorization_requests.client_id', '=', 'clients.id'),
        ),
      ),
    )
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('authorization_codes')
            .select('authorization_codes.hash')
            .whereRef('authorization_codes.client_id', '=', 'clients.id'),
        ),
      ),
    )
    .limit(limit);
  return progress(await tx.deleteFrom('clients').where('id', 'in', due).executeTakeFirst(), limit);
};
