import type { DocumentStore, StoredDocument } from '../../../src/upstream/documents/document-store.ts';

/** What survives a restart, within one test. */
export function memoryStore(): DocumentStore & { documents: Map<string, StoredDocument>; saves: number } {
  const documents = new Map<string, StoredDocument>();
  return {
    documents,
    saves: 0,
    load: (providerId, kind) => Promise.resolve(documents.get(`${providerId} ${kind}`)),
    save(document) {
      this.saves++;
      documents.set(`${document.providerId} ${document.kind}`, structuredClone(document));
      return Promise.resolve();
    },
  };
}
