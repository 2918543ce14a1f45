import { beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/storage/database.ts';
import { forEachEngine } from '../support/database.ts';

const user = {
  id: 'u1',
  localpart: 'alice',
  displayname: null,
  created_at: 1_790_000_000_000,
  locked_at: null,
  deactivated_at: null,
};

forEachEngine((engine) => {
  describe('the database', () => {
    let db: Database;
    beforeAll(async () => {
      db = await engine.open();
    });

    it('gives back times beyond 32 bits as numbers', async () => {
      await db.write((tx) => tx.insertInto('users').values(user).execute());
      const rows = await db.query.selectFrom('users').selectAll().execute();
      expect(rows).toEqual([user]);
      const { count } = await db.query
        .selectFrom('users')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow();
      expect(count).toBe(1);
    });
  });
});
