import type { Database } from '../storage/engine/database.ts';
import { findIdpDocument, saveIdpDocument } from '../storage/records/idp-documents.ts';
import type { DocumentStore } from '../upstream/documents/document-store.ts';

/** Where the providers' last good documents survive a restart. */
export function idpDocumentStore(db: Database): DocumentStore {
  return {
    async load(providerId, kind) {
      const row = await findIdpDocument(db.query, { providerId, kind });
      if (row === undefined) return undefined;
      const headers = JSON.parse(row.headers_json) as Record<string, string>;
      return { providerId, kind, url: row.url, body: row.body, headers, fetchedAt: row.fetched_at };
    },
    save: (document) =>
      db.write((tx) =>
        saveIdpDocument(tx, {
          provider_id: document.providerId,
          kind: document.kind,
          url: document.url,
          body: document.body,
          headers_json: JSON.stringify(document.headers),
          fetched_at: document.fetchedAt,
        }),
      ),
  };
}
