import type { Kysely } from 'kysely';
import { type ClientRecord, findClient } from '../storage/clients.ts';
import type { SecretHash } from '../protocol/token-format.ts';
import type { Schema } from '../storage/schema.ts';
import type { ClientMetadata } from './client-metadata.ts';

/** A registered client as the endpoints see it. */
export interface Client {
  readonly id: string;
  readonly metadata: ClientMetadata;
  readonly secretHash: SecretHash | null;
}

/** The client with this id; `undefined` for one that was never registered, and for ids that cannot be one. */
export async function loadClient(db: Kysely<Schema>, id: string): Promise<Client | undefined> {
  if (!/^[\x21-\x7e]{1,255}$/.test(id)) return undefined;
  const record = await findClient(db, id);
  return record && toClient(record);
}

/** A row as the endpoints see it. */
export function toClient(record: ClientRecord): Client {
  return {
    id: record.id,
    metadata: JSON.parse(record.metadata_json) as ClientMetadata,
    secretHash: record.secret_hash,
  };
}

/** What a person is shown as the client's name: what it calls itself, or its host. */
export function clientName(client: Client): string {
  const name = client.metadata['client_name'];
  return typeof name === 'string' && name.trim() !== '' ? name : clientHost(client);
}

/** The host that stands behind a client: the one thing about it that was checked. */
export function clientHost(client: Client): string {
  return new URL(client.metadata.client_uri).host;
}
