/** Authorization requests that clients pushed (RFC 9126). */
import type { Kysely, Selectable } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import type { PushedRequestsTable, Schema } from '../schema.ts';

export type PushedRequest = Selectable<PushedRequestsTable>;

export async function insertPushedRequest(db: Kysely<Schema>, request: PushedRequest): Promise<void> {
  await db.insertInto('pushed_requests').values(request).execute();
}

/** Takes a pushed request of this client: the one caller that does gets it, and it is gone. Expired ones are nobody's. */
export function takePushedRequest(
  db: Kysely<Schema>,
  request: { hash: SecretHash; clientId: string; at: number },
): Promise<PushedRequest | undefined> {
  return db
    .deleteFrom('pushed_requests')
    .where('hash', '=', request.hash)
    .where('client_id', '=', request.clientId)
    .where('expires_at', '>', request.at)
    .returningAll()
    .executeTakeFirst();
}
