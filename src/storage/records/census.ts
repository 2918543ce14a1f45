/** How many there are, for metrics: counted in steps, so that nobody waits behind the count of millions. */
import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

const USERS_A_STEP = 1000;

/** Users that are not deactivated, and live sessions of users. */
export interface Census {
  readonly users: number;
  readonly sessions: number;
}

/** Counts users and their live sessions. What changes meanwhile may be counted or not. */
export async function takeCensus(db: Kysely<Schema>): Promise<Census> {
  const census = { users: 0, sessions: 0 };
  for (let after = ''; ;) {
    const users = await db
      .selectFrom('users')
      .select(['id', 'deactivated_at'])
      .where('id', '>', after as never)
      .orderBy('id')
      .limit(USERS_A_STEP)
      .execute();
    const last = users.at(-1);
    if (last === undefined) return census;
    const { live } = await db
      .selectFrom('sessions')
      .select(({ fn }) => fn.countAll<number>().as('live'))
      .where('user_id', '>', after as never)
      .where('user_id', '<=', last.id)
      .where('ended_at', 'is', null)
      .executeTakeFirstOrThrow();
    census.users += users.filter((user) => user.deactivated_at === null).length;
    census.sessions += live;
    after = last.id;
  }
}
