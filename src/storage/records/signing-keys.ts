/** Keys that sign ID tokens; the private half is sealed. */
import type { Kysely, Selectable } from 'kysely';
import type { Schema, JsonText } from '../schema.ts';
import type { TableDuties } from '../table-duties.ts';

declare module '../schema.ts' {
  interface Schema {
    signing_keys: SigningKeysTable;
  }
}

/** A key that signs ID tokens. */
export interface SigningKeysTable {
  kid: string;
  alg: string;
  public_jwk_json: JsonText<Record<string, unknown>>;
  private_jwk_sealed: string;
  created_at: number;
}

/** A key that signs no more goes when it is rotated (signing-keys/). */
export const signingKeysDuties: TableDuties = { person: 'nobody', time: 'kept' };

export type SigningKeyRecord = Selectable<SigningKeysTable>;

/** All keys, newest first. */
export function listSigningKeys(db: Kysely<Schema>): Promise<SigningKeyRecord[]> {
  return db.selectFrom('signing_keys').selectAll().orderBy('created_at', 'desc').execute();
}

export async function insertSigningKey(db: Kysely<Schema>, key: SigningKeyRecord): Promise<void> {
  await db.insertInto('signing_keys').values(key).execute();
}

/** Removes keys, private halves and all. */
export async function deleteSigningKeys(db: Kysely<Schema>, kids: readonly string[]): Promise<void> {
  await db.deleteFrom('signing_keys').where('kid', 'in', kids).execute();
}
