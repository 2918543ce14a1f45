/** Authorization requests that clients pushed (RFC 9126). */
import type { ClientId } from '../../protocol/identifiers.ts';
import type { Kysely, Selectable } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import type { Schema, JsonText } from '../schema.ts';
import { type TableDuties, sweepPast } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    pushed_requests: PushedRequestsTable;
  }
}

/** The parameters of an authorization request that a client pushed (RFC 9126); gone with their first use. */
export interface PushedRequestsTable {
  /** Of the secret in the request URI. */
  hash: SecretHash;
  client_id: ClientId;
  parameters_json: JsonText<Record<string, string>>;
  expires_at: number;
}

export const pushedRequestsDuties: TableDuties = {
  person: 'nobody',
  time: [sweepPast('pushed_requests', 'clientSteps', 'expires_at', 'hash')],
};

export type PushedRequest = Selectable<PushedRequestsTable>;

export async function insertPushedRequest(db: Kysely<Schema>, request: PushedRequest): Promise<void> {
  await db.insertInto('pushed_requests').values(request).execute();
}

/** Takes a pushed request of this client: the one caller that does gets it, and it is gone. Expired ones are nobody's. */
export function takePushedRequest(
  db: Kysely<Schema>,
  request: { hash: SecretHash; clientId: ClientId; at: number },
): Promise<PushedRequest | undefined> {
  return db
    .deleteFrom('pushed_requests')
    .where('hash', '=', request.hash)
    .where('client_id', '=', request.clientId)
    .where('expires_at', '>', request.at)
    .returningAll()
    .executeTakeFirst();
}
