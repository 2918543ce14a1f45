/** Login tokens of legacy clients. */
import type { Insertable, Kysely, Selectable } from 'kysely';
import type { SecretHash } from '../protocol/token-format.ts';
import type { LoginTokensTable, Schema } from './schema.ts';

export type LoginToken = Selectable<LoginTokensTable>;

export async function insertLoginToken(
  tx: Kysely<Schema>,
  token: Insertable<LoginTokensTable>,
): Promise<void> {
  await tx.insertInto('login_tokens').values(token).execute();
}

/** Redeems a login token that is still good at `at`: the one caller that did gets it, everybody else `undefined`. */
export function consumeLoginToken(
  tx: Kysely<Schema>,
  token: { hash: SecretHash; at: number },
): Promise<LoginToken | undefined> {
  return tx
    .updateTable('login_tokens')
    .set({ consumed_at: token.at })
    .where('hash', '=', token.hash)
    .where('consumed_at', 'is', null)
    .where('expires_at', '>', token.at)
    .returningAll()
    .executeTakeFirst();
}
