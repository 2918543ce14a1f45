/**
 * The tables of the database. Each file of records/ adds its own to {@link Schema}, beside the functions that read and write it. Times are integer
 * milliseconds since the epoch, `*_hash` columns hold the base64url SHA-256 of a secret that is stored nowhere, `*_sealed` columns hold AEAD ciphertext
 * (`storage/sealed.ts`), `*_json` columns hold JSON text.
 */

/** JSON text of a `T`. */
export type JsonText<T> = string & { readonly __json?: T };

/** Table name -> its columns. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- the records add their tables by declaration merging
export interface Schema {}
