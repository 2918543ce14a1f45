import type { Kysely } from 'kysely';
import type { SecretHash } from '../protocol/token-format.ts';
import type { Schema } from '../storage/schema.ts';
import { findRefreshToken, markPairUsed, supersedeSiblings } from '../storage/tokens.ts';

/**
 * A pair is used for the first time, by its access token or by its refresh token: from now on it is the one lineage of its session,
 * and pairs that were issued for the same predecessor have lost.
 */
export async function usePair(tx: Kysely<Schema>, pair: { hash: SecretHash; at: number }): Promise<void> {
  if (!(await markPairUsed(tx, pair))) return;
  const row = await findRefreshToken(tx, pair.hash);
  if (row?.predecessor_hash == null) return;
  await supersedeSiblings(tx, { hash: pair.hash, predecessor: row.predecessor_hash, at: pair.at });
}
