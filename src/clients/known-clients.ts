/** Clients as operators see them: where each comes from, and when it was used. */
import type { ClientId } from '../protocol/identifiers.ts';
import { listClients } from '../storage/records/client-list.ts';
import { type ClientRecord, findClient } from '../storage/records/clients.ts';
import { type Client, type ClientLookupDeps, isClientId, toClient } from './clients.ts';

export interface KnownClient {
  readonly client: Client;
  /** `operator`: added by command. `dynamic`: registered itself. */
  readonly origin: 'configuration' | ClientRecord['origin'];
  /** Clients of the configuration have none. */
  readonly record?: ClientRecord;
}

/** Those of the configuration. */
export function configuredClients({ staticClients }: ClientLookupDeps): KnownClient[] {
  return [...staticClients.values()].map((client) => ({ client, origin: 'configuration' }));
}

/** One page of the others, oldest first. `after`: the id of the last one of the page before. */
export async function listStoredClients(
  { db }: Pick<ClientLookupDeps, 'db'>,
  page: { readonly limit: number; readonly after?: string | undefined },
): Promise<KnownClient[]> {
  return (await listClients(db.query, page)).map(known);
}

/** One client, wherever it comes from. */
export async function findKnownClient(
  { db, staticClients }: ClientLookupDeps,
  id: ClientId,
): Promise<KnownClient | undefined> {
  const client = staticClients.get(id);
  if (client !== undefined) return { client, origin: 'configuration' };
  const record = isClientId(id) ? await findClient(db.query, id) : undefined;
  return record && known(record);
}

/** A stored client as operators see it. */
export function known(record: ClientRecord): KnownClient {
  return { client: toClient(record), origin: record.origin, record };
}
