/** Whether an access token is the one that its client holds. */
import type { Kysely } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import type { Schema } from '../schema.ts';

/** The user of a live session of Matrix whose newest access token this is; `undefined` if a refresh has replaced it, or nobody has it. */
export async function findOwnerOfNewest(db: Kysely<Schema>, hash: SecretHash): Promise<string | undefined> {
  const owner = await db
    .selectFrom('access_tokens')
    .innerJoin('sessions', 'sessions.id', 'access_tokens.session_id')
    .leftJoin('refresh_tokens', 'refresh_tokens.hash', 'access_tokens.refresh_hash')
    .select('sessions.user_id')
    .where('access_tokens.hash', '=', hash)
    .where('sessions.ended_at', 'is', null)
    .where('sessions.device_id', 'is not', null)
    .where('refresh_tokens.consumed_at', 'is', null)
    .executeTakeFirst();
  return owner?.user_id ?? undefined;
}
