/** What is stored about a person, for the person (Regulation (EU) 2016/679 articles 15 and 20). */
import type { InternalUserId } from '../protocol/identifiers.ts';
import type { Clock } from '../protocol/clock.ts';
import type { Database } from '../storage/engine/database.ts';
import { exportPerson } from '../storage/personal-data.ts';

export interface PersonalData {
  readonly exported_at: string;
  /** By table, each with its rows. */
  readonly stored: Awaited<ReturnType<typeof exportPerson>>;
}

/** All rows about a person, without secrets. */
export async function exportPersonalData(
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  userId: InternalUserId,
): Promise<PersonalData> {
  return {
    exported_at: new Date(clock.now()).toISOString(),
    stored: await exportPerson(db.query, userId),
  };
}
