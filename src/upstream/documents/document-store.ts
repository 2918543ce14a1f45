/** Where the last good documents of a provider survive a restart. Handed in by the composition root. */
export interface DocumentStore {
  load(providerId: string, kind: DocumentKind): Promise<StoredDocument | undefined>;
  save(document: StoredDocument): Promise<void>;
}

export type DocumentKind = 'metadata' | 'jwks';

export interface StoredDocument {
  readonly providerId: string;
  readonly kind: DocumentKind;
  /** Where it was fetched: a document from another place is not used. */
  readonly url: string;
  readonly body: string;
  /** The response fields that steer caching, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Wall-clock time of the last answer that confirmed it, in milliseconds. */
  readonly fetchedAt: number;
}

/** Keeps nothing. */
export const noDocumentStore: DocumentStore = {
  load: () => Promise.resolve(undefined),
  save: () => Promise.resolve(),
};
