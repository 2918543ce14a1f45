/** Last good metadata and key set of each provider, so that a restart while it is down still serves. */
import type { Kysely, Selectable } from 'kysely';
import type { Schema, JsonText } from '../schema.ts';
import type { TableDuties } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    idp_documents: IdpDocumentsTable;
  }
}

/** Last good metadata and key set of a provider. */
export interface IdpDocumentsTable {
  provider_id: string;
  kind: 'metadata' | 'jwks';
  url: string;
  body: string;
  /** The response headers that steer caching. */
  headers_json: JsonText<Record<string, string>>;
  fetched_at: number;
}

/** One of each kind a provider: the next one replaces it. */
export const idpDocumentsDuties: TableDuties = { person: 'nobody', time: 'kept' };

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
