/** Access and refresh tokens: rows only; the rules stand in `sessions/`. */
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../../protocol/identifiers.ts';
import type { Kysely, Selectable } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import { hotQuery, hotRow } from '../engine/hot-query.ts';
import type { Schema } from '../schema.ts';
import type { TableDuties } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    access_tokens: AccessTokensTable;
    refresh_tokens: RefreshTokensTable;
  }
}

export interface AccessTokensTable {
  hash: SecretHash;
  session_id: SessionId;
  /** The refresh token issued with it; null if none was. */
  refresh_hash: SecretHash | null;
  /** Null: the session's scope. */
  scope: string | null;
  created_at: number;
  /** Null: does not expire. */
  expires_at: number | null;
  first_used_at: number | null;
}

/** A refresh token and, with it, the pair that it was issued in. */
export interface RefreshTokensTable {
  hash: SecretHash;
  session_id: SessionId;
  /** 0 for the first of a session; a successor has its predecessor's plus 1. */
  generation: number;
  /** The refresh token that was presented for this one; null for the first. */
  predecessor_hash: SecretHash | null;
  /** Nonce under which this token was derived from its predecessor; null for the first. */
  refresh_nonce: string | null;
  /** Nonce under which the pair's newest access token was derived; null for the first. */
  access_nonce: string | null;
  /** The pair's newest access token. */
  access_hash: SecretHash;
  created_at: number;
  /** When it was first presented, which created its successor. */
  consumed_at: number | null;
  /** When this token or its access token was first used: from then on it is the one lineage of the session. */
  used_at: number | null;
}

export const accessTokensDuties: TableDuties = {
  person: { follows: 'sessions' },
  time: { follows: 'sessions' },
};

export const refreshTokensDuties: TableDuties = {
  person: { follows: 'sessions' },
  time: { follows: 'sessions' },
};

export type AccessToken = Selectable<AccessTokensTable>;
export type RefreshToken = Selectable<RefreshTokensTable>;

/** An access token with all that a verdict on it needs. */
export interface AccessTokenView {
  readonly session_id: SessionId;
  readonly refresh_hash: SecretHash | null;
  readonly token_scope: string | null;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly first_used_at: number | null;
  readonly session_scope: string;
  readonly client_id: ClientId | null;
  readonly device_id: DeviceId | null;
  readonly session_created_at: number;
  readonly session_expires_at: number | null;
  readonly last_active_at: number;
  readonly ended_at: number | null;
  readonly user_id: InternalUserId | null;
  readonly localpart: string | null;
  readonly locked_at: number | null;
  readonly deactivated_at: number | null;
}

/** The hot query of introspection: three primary-key look-ups in one statement. */
export const findAccessToken = hotRow(
  (db, hash: SecretHash) =>
    db
      .selectFrom('access_tokens')
      .innerJoin('sessions', 'sessions.id', 'access_tokens.session_id')
      .leftJoin('users', 'users.id', 'sessions.user_id')
      .select([
        'access_tokens.session_id',
        'access_tokens.refresh_hash',
        'access_tokens.scope as token_scope',
        'access_tokens.created_at',
        'access_tokens.expires_at',
        'access_tokens.first_used_at',
        'sessions.scope as session_scope',
        'sessions.client_id',
        'sessions.device_id',
        'sessions.created_at as session_created_at',
        'sessions.expires_at as session_expires_at',
        'sessions.last_active_at',
        'sessions.ended_at',
        'sessions.user_id',
        'users.localpart',
        'users.locked_at',
        'users.deactivated_at',
      ])
      .where('access_tokens.hash', '=', hash),
  (v) => ({
    session_id: v[0],
    refresh_hash: v[1],
    token_scope: v[2],
    created_at: v[3],
    expires_at: v[4],
    first_used_at: v[5],
    session_scope: v[6],
    client_id: v[7],
    device_id: v[8],
    session_created_at: v[9],
    session_expires_at: v[10],
    last_active_at: v[11],
    ended_at: v[12],
    user_id: v[13],
    localpart: v[14],
    locked_at: v[15],
    deactivated_at: v[16],
  }),
);

export async function insertAccessToken(db: Kysely<Schema>, token: AccessToken): Promise<void> {
  await addAccessToken(db, ...ACCESS_COLUMNS.map((column) => token[column]));
}

const ACCESS_COLUMNS = [
  'hash',
  'session_id',
  'refresh_hash',
  'scope',
  'created_at',
  'expires_at',
  'first_used_at',
] as const satisfies (keyof AccessToken)[];

const addAccessToken = hotQuery((db, ...values: AccessToken[keyof AccessToken][]) =>
  db.insertInto('access_tokens').values(rowOf<AccessToken>(ACCESS_COLUMNS, values)),
);

/** A row of columns and their values, for a query that is built once. */
function rowOf<Row>(columns: readonly (keyof Row)[], values: readonly Row[keyof Row][]): Row {
  return Object.fromEntries(columns.map((column, index) => [column, values[index]])) as Row;
}

export async function insertRefreshToken(db: Kysely<Schema>, token: RefreshToken): Promise<void> {
  await addRefreshToken(db, ...REFRESH_COLUMNS.map((column) => token[column]));
}

const REFRESH_COLUMNS = [
  'hash',
  'session_id',
  'generation',
  'predecessor_hash',
  'refresh_nonce',
  'access_nonce',
  'access_hash',
  'created_at',
  'consumed_at',
  'used_at',
] as const satisfies (keyof RefreshToken)[];

const addRefreshToken = hotQuery((db, ...values: RefreshToken[keyof RefreshToken][]) =>
  db.insertInto('refresh_tokens').values(rowOf<RefreshToken>(REFRESH_COLUMNS, values)),
);

export const findRefreshToken = hotRow(
  (db, hash: SecretHash) => db.selectFrom('refresh_tokens').select(REFRESH_COLUMNS).where('hash', '=', hash),
  (v) => ({
    hash: v[0],
    session_id: v[1],
    generation: v[2],
    predecessor_hash: v[3],
    refresh_nonce: v[4],
    access_nonce: v[5],
    access_hash: v[6],
    created_at: v[7],
    consumed_at: v[8],
    used_at: v[9],
  }),
);

/** Expiry of an access token by its hash. */
export function findAccessTokenRow(db: Kysely<Schema>, hash: SecretHash): Promise<AccessToken | undefined> {
  return db.selectFrom('access_tokens').selectAll().where('hash', '=', hash).executeTakeFirst();
}

/** The refresh tokens of a session that were issued for `predecessor`, oldest first: one, or more if a retry found its access token expired. */
export function findSuccessors(
  db: Kysely<Schema>,
  of: { sessionId: SessionId; predecessor: SecretHash },
): Promise<RefreshToken[]> {
  return db
    .selectFrom('refresh_tokens')
    .selectAll()
    .where('session_id', '=', of.sessionId)
    .where('predecessor_hash', '=', of.predecessor)
    .orderBy('created_at')
    .execute();
}

/** What its successor needs of a refresh token that was just consumed. */
export type ConsumedToken = Pick<RefreshToken, 'generation' | 'predecessor_hash' | 'used_at'>;

/**
 * Consumes a refresh token, which is a use of its pair too: the row after that for the one caller that did. A token of a user who is deactivated is left
 * as it is.
 */
export function consumeRefreshToken(
  db: Kysely<Schema>,
  token: { hash: SecretHash; userId: InternalUserId | null; at: number },
): Promise<ConsumedToken | undefined> {
  return updateConsumed(db, token.hash, token.userId, token.at);
}

const updateConsumed = hotRow(
  (db, hash: SecretHash, userId: InternalUserId | null, at: number) =>
    db
      .updateTable('refresh_tokens')
      .set((eb) => ({ consumed_at: at, used_at: eb.fn.coalesce('used_at', eb.val(at)) }))
      .where('hash', '=', hash)
      .where('consumed_at', 'is', null)
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('users')
              .select('id')
              .where('id', '=', userId)
              .where('deactivated_at', 'is not', null),
          ),
        ),
      )
      .returning(['generation', 'predecessor_hash', 'used_at']),
  (v) => ({ generation: v[0], predecessor_hash: v[1], used_at: v[2] }),
);

/** Gives a pair a new access token. */
export async function replaceAccessToken(
  db: Kysely<Schema>,
  pair: { hash: SecretHash; accessHash: SecretHash; accessNonce: string },
): Promise<void> {
  await db
    .updateTable('refresh_tokens')
    .set({ access_hash: pair.accessHash, access_nonce: pair.accessNonce })
    .where('hash', '=', pair.hash)
    .execute();
}

/** Notes the first use of a pair; `undefined` if it was not the first. */
export function markPairUsed(
  db: Kysely<Schema>,
  pair: { hash: SecretHash; at: number },
): Promise<Pick<RefreshToken, 'predecessor_hash'> | undefined> {
  return updateUsed(db, pair.hash, pair.at);
}

const updateUsed = hotRow(
  (db, hash: SecretHash, at: number) =>
    db
      .updateTable('refresh_tokens')
      .set({ used_at: at })
      .where('hash', '=', hash)
      .where('used_at', 'is', null)
      .returning('predecessor_hash'),
  (v) => ({ predecessor_hash: v[0] }),
);

/** Notes the first use of an access token; false if the token is gone. */
export async function markAccessTokenUsed(
  db: Kysely<Schema>,
  token: { hash: SecretHash; at: number },
): Promise<boolean> {
  return (await updateFirstUse(db, token.hash, token.at)) !== undefined;
}

const updateFirstUse = hotRow(
  (db, hash: SecretHash, at: number) =>
    db
      .updateTable('access_tokens')
      .set((eb) => ({ first_used_at: eb.fn.coalesce('first_used_at', eb.val(at)) }))
      .where('hash', '=', hash)
      .returning('hash'),
  (v) => ({ hash: v[0] }),
);

/**
 * The other pairs issued for the same predecessor have lost: their access tokens are gone, their refresh tokens consumed without a
 * successor, which marks them as replays.
 */
export async function supersedeSiblings(
  db: Kysely<Schema>,
  winner: { sessionId: SessionId; hash: SecretHash; predecessor: SecretHash | null; at: number },
): Promise<void> {
  if (winner.predecessor === null) return;
  const losers = await updateLosers(db, winner.sessionId, winner.predecessor, winner.hash, winner.at);
  if (losers.length === 0) return;
  await db
    .deleteFrom('access_tokens')
    .where('session_id', '=', winner.sessionId)
    .where(
      'refresh_hash',
      'in',
      losers.map((loser) => loser.hash),
    )
    .execute();
}

const updateLosers = hotQuery(
  (db, sessionId: SessionId, predecessor: SecretHash, winner: SecretHash, at: number) =>
    db
      .updateTable('refresh_tokens')
      .set({ consumed_at: at })
      .where('session_id', '=', sessionId)
      .where('predecessor_hash', '=', predecessor)
      .where('hash', '!=', winner)
      .where('consumed_at', 'is', null)
      .returning('hash'),
);

/**
 * Removes access tokens of a session that expired before `before`, except for those of the pairs in `keep`. A live session's last ones stay: a client
 * that slept revokes with what it has.
 */
export async function removeSpentAccessTokens(
  db: Kysely<Schema>,
  spent: { sessionId: SessionId; before: number; keep: readonly [SecretHash, SecretHash] },
): Promise<void> {
  await deleteSpent(db, spent.sessionId, spent.before, ...spent.keep);
}

const deleteSpent = hotQuery(
  (db, sessionId: SessionId, before: number, keptOne: SecretHash, keptOther: SecretHash) =>
    db
      .deleteFrom('access_tokens')
      .where('session_id', '=', sessionId)
      .where('expires_at', '<', before)
      .where('refresh_hash', 'not in', [keptOne, keptOther]),
);
