import type { SessionId } from '../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import type { SecretHash } from '../protocol/token-format.ts';
import type { Schema } from '../storage/schema.ts';
import { markPairUsed, supersedeSiblings } from '../storage/records/tokens.ts';

/**
 * A pair is used for the first time, by its access token: from now on it is the one lineage of its session, and pairs that were issued for the same
 * predecessor have lost.
 */
export async function usePair(
  tx: Kysely<Schema>,
  pair: { sessionId: SessionId; hash: SecretHash; at: number },
): Promise<void> {
  const used = await markPairUsed(tx, pair);
  if (used !== undefined) await supersedeSiblings(tx, { ...pair, predecessor: used.predecessor_hash });
}
