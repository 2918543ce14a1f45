/**
 * Hints between processes that something cached has changed. A topic's counter is raised in the transaction that makes the change, so no hint
 * is lost and none comes early; each process looks at the counters a few times a second, at once if the engine can tell it to
 * (`Database.onHint`). A hint says "read again", nothing else: the database is the truth.
 */
import { type Kysely, PostgresAdapter, sql } from 'kysely';
import type { Database, StorageLog } from './engine/database.ts';
import type { Schema } from './schema.ts';

/** What may be cached by several processes. Things that change rarely: all writers of a topic wait for each other's transactions. */
export type ChangeTopic = 'signing_keys';

/** The counters' table; this file's alone. */
interface ChangesTable {
  changes: { topic: string; version: number };
}

export interface ChangeWatcher {
  /** `listener` is called after another process, or this one, changed what `topic` stands for. The function returned ends it. */
  subscribe(topic: ChangeTopic, listener: () => void): () => void;
  /** Looks now; for tests and for whoever cannot wait. Never throws. */
  look(): Promise<void>;
  close(): Promise<void>;
}

/** Between two looks: well below the second within which every process must have heard. */
const LOOK_EVERY_MS = 300;

/** Channel of NOTIFY. Empty payload: the counters say what changed. */
export const CHANGES_CHANNEL = 'gatehouse_changes';

/** Raises the counter of `topic`, within the transaction that changes what it stands for. Last in it, as it locks the counter's row. */
export async function noteChange(tx: Kysely<Schema>, topic: ChangeTopic): Promise<void> {
  await (tx as unknown as Kysely<ChangesTable>)
    .insertInto('changes')
    .values({ topic, version: 1 })
    .onConflict((conflict) =>
      conflict.column('topic').doUpdateSet((eb) => ({ version: eb('changes.version', '+', 1) })),
    )
    .execute();
  // Sent by the server when the transaction commits.
  if (tx.getExecutor().adapter instanceof PostgresAdapter)
    await sql`select pg_notify(${CHANGES_CHANNEL}, '')`.execute(tx);
}

/** Starts watching. The first look tells every listener, since what came before it is not known. */
export function watchChanges({
  database,
  log,
  everyMs = LOOK_EVERY_MS,
}: {
  database: Database;
  log?: StorageLog;
  everyMs?: number;
}): ChangeWatcher {
  const db = database.query as unknown as Kysely<ChangesTable>;
  const listeners = new Map<string, Set<() => void>>();
  let known: Map<string, number> | undefined;
  let stopped = false;
  let looking: Promise<void> | undefined;
  let following: Promise<void> | undefined;

  const lookOnce = async (): Promise<void> => {
    const rows = await db.selectFrom('changes').select(['topic', 'version']).execute();
    if (stopped) return;
    const before = known;
    known = new Map(rows.map(({ topic, version }) => [topic, version]));
    for (const [topic, told] of listeners) {
      if (before !== undefined && before.get(topic) === known.get(topic)) continue;
      for (const listener of told) listener();
    }
  };
  const look = (): Promise<void> => {
    if (stopped) return Promise.resolve();
    if (looking !== undefined) {
      // What is under way may have read before the change that this call is about.
      following ??= looking.then(() => {
        following = undefined;
        return look();
      });
      return following;
    }
    looking = lookOnce()
      .catch((error: unknown) => {
        // The next look that succeeds tells what changed meanwhile.
        log?.warn({ err: error }, 'changes made by other processes could not be looked up');
      })
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };
  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  const endHints = database.onHint(() => void look());
  void look();

  return {
    subscribe(topic, listener) {
      const set = listeners.get(topic) ?? new Set();
      listeners.set(topic, set.add(listener));
      return () => set.delete(listener);
    },
    look,
    async close() {
      stopped = true;
      clearInterval(timer);
      endHints();
      await looking;
    },
  };
}
