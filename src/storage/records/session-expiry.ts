/** Live sessions of people that are old, or were not used for long. */
import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Rows a step looks at: there is no index for this, as it would cost every refresh. */
const STEP = 2000;

/** One step through all sessions, in the order of their ids. */
export interface ExpiryStep {
  readonly ids: readonly string[];
  /** Where the next step begins; `undefined` after the last one. */
  readonly next: string | undefined;
}

/** Which of the next sessions after the id `after` were last used, or began, at these moments or before; `undefined` leaves the one out. */
export async function listExpiredSessions(
  db: Kysely<Schema>,
  due: { after: string; activeBefore: number | undefined; createdBefore: number | undefined },
): Promise<ExpiryStep> {
  const last = await db
    .selectFrom('sessions')
    .select('id')
    .where('id', '>', due.after)
    .orderBy('id')
    .offset(STEP - 1)
    .limit(1)
    .executeTakeFirst();
  let query = db
    .selectFrom('sessions')
    .select('id')
    .where('id', '>', due.after)
    .where('ended_at', 'is', null)
    .where('user_id', 'is not', null)
    .where((eb) =>
      eb.or([
        ...(due.activeBefore === undefined ? [] : [eb('last_active_at', '<=', due.activeBefore)]),
        ...(due.createdBefore === undefined ? [] : [eb('created_at', '<=', due.createdBefore)]),
      ]),
    );
  if (last !== undefined) query = query.where('id', '<=', last.id);
  return { ids: (await query.execute()).map(({ id }) => id), next: last?.id };
}

/** Live sessions of people whose fixed time is over, oldest end first. */
export async function listOverdueSessions(
  db: Kysely<Schema>,
  due: { readonly at: number; readonly limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('sessions')
    .select('id')
    .where('expires_at', '<=', due.at)
    .where('user_id', 'is not', null)
    .where('ended_at', 'is', null)
    .orderBy('expires_at')
    .limit(due.limit)
    .execute();
  return rows.map(({ id }) => id);
}
