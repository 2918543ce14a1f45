/** Clients as operators see them: in lists, and removed. */
import type { ClientId } from '../../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import type { ClientRecord } from './clients.ts';
import type { Schema } from '../schema.ts';

/** One page of clients, oldest first. `after`: the id of the last one of the page before. */
export function listClients(
  db: Kysely<Schema>,
  page: { readonly limit: number; readonly after?: string | undefined },
): Promise<ClientRecord[]> {
  let query = db.selectFrom('clients').selectAll();
  if (page.after !== undefined) query = query.where('id', '>', page.after);
  return query.orderBy('id').limit(page.limit).execute();
}

/**
 * Removes a client with all that it has under way, so that no session of it starts any more; those that live are for the caller to end.
 * False if there is no such client.
 */
export async function deleteClient(tx: Kysely<Schema>, id: ClientId): Promise<boolean> {
  const row = await tx.deleteFrom('clients').where('id', '=', id).returning('id').executeTakeFirst();
  if (row === undefined) return false;
  await tx.deleteFrom('authorization_codes').where('client_id', '=', id).execute();
  await tx.deleteFrom('pushed_requests').where('client_id', '=', id).execute();
  await tx.deleteFrom('device_grants').where('client_id', '=', id).execute();
  await tx
    .deleteFrom('sign_ins')
    .where('id', 'in', (eb) =>
      eb.selectFrom('authorization_requests').select('sign_in_id').where('client_id', '=', id),
    )
    .execute();
  return true;
}
