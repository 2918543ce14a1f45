import { beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/storage/engine/database.ts';
import { hotQuery } from '../../../src/storage/engine/hot-query.ts';
import { forEachEngine } from '../../support/database.ts';
import { addUser, NOW } from '../support.ts';

forEachEngine((engine) => {
  describe('a hot query', () => {
    let db: Database;
    beforeAll(async () => {
      db = await engine.open();
      await db.write(async (tx) => {
        for (const id of ['a', 'b', 'c']) await addUser(tx, id);
      });
    });

    it('is built once, and gives each caller the rows of its own parameters', async () => {
      let built = 0;
      const find = hotQuery((kysely, id: string, since: number) => {
        built++;
        return kysely
          .selectFrom('users')
          .select(['id', 'created_at'])
          .where('id', '=', id)
          .where('created_at', '>=', since)
          .where('localpart', 'like', 'localpart-%');
      });
      const found = await Promise.all(['a', 'b', 'x', 'c'].map((id) => find(db.query, id, NOW)));
      expect(found.map((rows) => rows[0]?.id)).toEqual(['a', 'b', undefined, 'c']);
      expect(await find(db.query, 'a', NOW + 1)).toEqual([]);
      expect(built).toBe(1);
    });

    it('writes in a transaction, and is undone with it', async () => {
      const rename = hotQuery((kysely, name: string | null, id: string) =>
        kysely.updateTable('users').set({ displayname: name }).where('id', '=', id).returning('displayname'),
      );
      await db
        .write(async (tx) => {
          expect(await rename(tx, 'Ann', 'a')).toEqual([{ displayname: 'Ann' }]);
          throw new Error('undo');
        })
        .catch(() => undefined);
      expect(await db.write((tx) => rename(tx, null, 'a'))).toEqual([{ displayname: null }]);
      await expect(rename(db.query, 'x', 'a')).rejects.toThrow('Database.query is for reads');
    });

    it('that does not use a parameter is refused', async () => {
      const faulty = hotQuery((kysely, _id: string) =>
        kysely.selectFrom('users').select('id').where('id', '=', 'a'),
      );
      await expect(faulty(db.query, 'a')).rejects.toThrow('parameter 0 is not in the query');
    });
  });
});
