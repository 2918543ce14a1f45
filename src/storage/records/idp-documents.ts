/** Last good metadata and key set of each provider, so that a restart while it is down still serves. */
import type { Kysely, Selectable } from 'kysely';
import type { IdpDocumentsTable, Schema } from '../schema.ts';

export type IdpDocument = Selectable<IdpDocumentsTable>;

export function findIdpDocument(
  db: Kysely<Schema>,
  key: { providerId: string; kind: IdpDocument['kind'] },
): Promise<IdpDocument | undefined> {
  return db
    .selectFrom('idp_documents')
    .selectAll()
    .where('provider_id', '=', key.providerId)
    .where('kind', '=', key.kind)
    .executeTakeFirst();
}

export async function saveIdpDocument(db: Kysely<Schema>, document: IdpDocument): Promise<void> {
  const { provider_id: _, kind: __, ...rest } = document;
  await db
    .insertInto('idp_documents')
    .values(document)
    .onConflict((conflict) => conflict.columns(['provider_id', 'kind']).doUpdateSet(rest))
    .execute();
}
