/** Authorization requests that clients pushed (RFC 9126). */
import type { ClientId } from '../../protocol/identifiers.ts';
import type { Generated, Kysely } from 'kysely';
import type { SecretHash } from '../../protocol/token-format.ts';
import type { Schema, JsonText } from '../schema.ts';
import type { Sealer } from '../sealed.ts';
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
  /** Empty if they are sealed; in plain text only in rows of earlier versions. */
  parameters_json: JsonText<Record<string, string>>;
  parameters_sealed: Generated<string | null>;
  expires_at: number;
}

export const pushedRequestsDuties: TableDuties = {
  person: 'nobody',
  time: [sweepPast('pushed_requests', 'clientSteps', 'expires_at', 'hash')],
};

type Parameters = Readonly<Record<string, string>>;

export async function insertPushedRequest(
  db: Kysely<Schema>,
  sealer: Sealer,
  request: {
    readonly hash: SecretHash;
    readonly clientId: ClientId;
    readonly parameters: Parameters;
    readonly expiresAt: number;
  },
): Promise<void> {
  const { hash, clientId, parameters, expiresAt } = request;
  await db
    .insertInto('pushed_requests')
    .values({
      hash,
      client_id: clientId,
      parameters_json: '{}',
      parameters_sealed: sealer.seal(JSON.stringify(parameters), parametersContext(hash)),
      expires_at: expiresAt,
    })
    .execute();
}

/** Takes the parameters that this client pushed: the one caller that does gets them, and they are gone. Expired ones are returned to nobody. */
export async function takePushedRequest(
  db: Kysely<Schema>,
  sealer: Sealer,
  request: { hash: SecretHash; clientId: ClientId; at: number },
): Promise<Parameters | undefined> {
  const row = await db
    .deleteFrom('pushed_requests')
    .where('hash', '=', request.hash)
    .where('client_id', '=', request.clientId)
    .where('expires_at', '>', request.at)
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { parameters_json: plain, parameters_sealed: sealed } = row;
  return JSON.parse(
    sealed === null ? plain : sealer.open(sealed, parametersContext(request.hash)),
  ) as Parameters;
}

function parametersContext(hash: SecretHash): string {
  return `pushed_requests.parameters:${hash}`;
}
