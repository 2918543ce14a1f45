/** Storing a pair of tokens; the tokens themselves are made in `issued-tokens.ts`. */
import type { SessionId } from '../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import { type SecretHash, hashSecret } from '../protocol/token-format.ts';
import type { Schema } from '../storage/schema.ts';
import { insertAccessToken, insertRefreshToken, replaceAccessToken } from '../storage/records/tokens.ts';
import { type IssuedTokens, secondsLeft } from './issued-tokens.ts';

/** A pair that is about to be issued. Times are milliseconds since the epoch. */
export interface NewPair {
  readonly session: { readonly id: SessionId; readonly scope: string };
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Of the access token; null is the session's. */
  readonly scope: string | null;
  readonly now: number;
  readonly expiresAt: number;
}

/** Where a derived pair comes from. */
export interface Descent {
  readonly predecessor: SecretHash;
  readonly generation: number;
  readonly nonce: string;
}

/** Stores a pair; without a descent it is the first of its session. */
export async function storePair(tx: Kysely<Schema>, pair: NewPair, descent?: Descent): Promise<IssuedTokens> {
  const refreshHash = hashSecret(pair.refreshToken);
  const accessHash = hashSecret(pair.accessToken);
  await insertRefreshToken(tx, {
    hash: refreshHash,
    session_id: pair.session.id,
    generation: descent?.generation ?? 0,
    predecessor_hash: descent?.predecessor ?? null,
    refresh_nonce: descent?.nonce ?? null,
    access_nonce: descent?.nonce ?? null,
    access_hash: accessHash,
    created_at: pair.now,
    consumed_at: null,
    used_at: null,
  });
  await storeAccessToken(tx, pair, { accessHash, refreshHash, firstUsedAt: null });
  return describePair(pair);
}

/** Stores a new access token for a pair that has been used already. */
export async function renewPair(
  tx: Kysely<Schema>,
  pair: NewPair,
  accessNonce: string,
): Promise<IssuedTokens> {
  const refreshHash = hashSecret(pair.refreshToken);
  const accessHash = hashSecret(pair.accessToken);
  await storeAccessToken(tx, pair, { accessHash, refreshHash, firstUsedAt: pair.now });
  await replaceAccessToken(tx, { hash: refreshHash, accessHash, accessNonce });
  return describePair(pair);
}

/** A pair as the client is told it. */
export function describePair(pair: NewPair): IssuedTokens {
  return {
    sessionId: pair.session.id,
    accessToken: pair.accessToken,
    refreshToken: pair.refreshToken,
    expiresInSeconds: secondsLeft(pair.expiresAt, pair.now),
    scope: pair.scope ?? pair.session.scope,
  };
}

function storeAccessToken(
  tx: Kysely<Schema>,
  pair: NewPair,
  use: { accessHash: SecretHash; refreshHash: SecretHash; firstUsedAt: number | null },
): Promise<void> {
  return insertAccessToken(tx, {
    hash: use.accessHash,
    session_id: pair.session.id,
    refresh_hash: use.refreshHash,
    scope: pair.scope,
    created_at: pair.now,
    expires_at: pair.expiresAt,
    first_used_at: use.firstUsedAt,
  });
}
