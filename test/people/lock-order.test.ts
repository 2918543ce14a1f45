/** Who changes a person's standing locks the user's row first: on PostgreSQL, two that lock in another order wait for each other until one is undone. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { excludePerson } from '../../src/people/exclude.ts';
import { deactivatePerson, lockPerson, unlockPerson } from '../../src/people/people.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { voidPending } from '../../src/storage/personal-data.ts';
import { insertSignIn } from '../../src/storage/records/sign-ins.ts';
import { lockUser } from '../../src/storage/records/users.ts';
import { sessionCore } from '../sessions/support.ts';
import { forEachEngine } from '../support/database.ts';

type Core = Awaited<ReturnType<typeof sessionCore>>;

const changes: Record<string, (core: Core) => Promise<unknown>> = {
  'losing access': (core) => excludePerson(core, { userId: core.userId, provider: 'p', reason: 'group' }),
  locking: (core) => lockPerson(core, core.userId),
  unlocking: (core) => unlockPerson(core, core.userId),
  deactivating: (core) => deactivatePerson(core, core.userId),
  'losing access, for an administrator': async (core) => {
    await core.db.write((tx) =>
      tx.updateTable('users').set({ is_admin: 1 }).where('id', '=', core.userId).execute(),
    );
    return excludePerson(core, { userId: core.userId, provider: 'p', reason: 'group' });
  },
  'locking who is locked': async (core) => {
    await lockPerson(core, core.userId);
    return lockPerson(core, core.userId);
  },
};

forEachEngine((engine) => {
  it.each(Object.keys(changes))(
    '%s waits for a transaction that holds the user, and neither is undone',
    async (name) => {
      const core = await sessionCore(await engine.open());
      await core.db.write((tx) =>
        insertSignIn(tx, {
          id: 'under-way',
          purpose: 'account',
          browser_hash: 'browser',
          user_id: core.userId,
          created_at: 0,
          expires_at: 1,
        } as Parameters<typeof insertSignIn>[1]),
      );
      let undone = 0;
      const counted: Database = {
        ...core.db,
        write: (work) => {
          let attempts = 0;
          return core.db.write((tx) => {
            undone += attempts++;
            return work(tx);
          });
        },
      };
      let change: Promise<unknown> = Promise.resolve();
      await counted.write(async (tx) => {
        await lockUser(tx, core.userId);
        change = changes[name]!({ ...core, db: counted });
        change.catch(() => undefined);
        await pause(200);
        await voidPending(tx, { userId: core.userId, at: core.clock.now() });
      });
      await change;
      expect(undone).toBe(0);
      const row = await core.db.query.selectFrom('sign_ins').select('finished_at').executeTakeFirst();
      expect(row?.finished_at).not.toBeNull();
    },
  );
});
