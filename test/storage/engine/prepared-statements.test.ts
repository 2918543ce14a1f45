/** Hot queries on PostgreSQL are prepared once a connection, where nothing stands between; whatever becomes of them, the caller gets an answer. */
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import type { InternalUserId } from '../../../src/protocol/identifiers.ts';
import type { Database } from '../../../src/storage/engine/database.ts';
import { hotQuery } from '../../../src/storage/engine/hot-query.ts';
import { forEachEngine } from '../../support/database.ts';

const isPooled = (process.env['GATEHOUSE_TEST_PGBOUNCER'] ?? '') !== '';
const nobody = 'nobody' as InternalUserId;
const findHot = hotQuery((db, id: InternalUserId) => db.selectFrom('users').selectAll().where('id', '=', id));

async function preparedNames(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from pg_prepared_statements`.execute(db.query);
  return rows.map(({ name }) => name).filter((name) => name.startsWith('gatehouse_'));
}

forEachEngine((engine) => {
  if (engine.name !== 'postgres') {
    it('another engine has no names for statements', async () => {
      const db = await engine.open();
      expect(await findHot(db.query, nobody)).toEqual([]);
    });
    return;
  }

  it('a hot query is prepared once a connection, unless a pooler stands between', async () => {
    // One connection for reads.
    const db = await engine.open({ poolSize: 2 });
    for (let times = 0; times < 3; times++) expect(await findHot(db.query, nobody)).toEqual([]);
    expect(await preparedNames(db)).toHaveLength(isPooled ? 0 : 1);
    await db.write(async (tx) => {
      expect(await findHot(tx, nobody)).toEqual([]);
    });
  });

  it.each<[string, (db: Database) => Promise<unknown>]>([
    [
      'a newer process has added a column',
      (db) => db.write((tx) => sql`alter table users add column since_then text`.execute(tx)),
    ],
    [
      'a newer process has changed the type of a column',
      (db) => db.write((tx) => sql`alter table users alter column displayname type varchar(255)`.execute(tx)),
    ],
    ['the statements of the connection are gone', (db) => sql`deallocate all`.execute(db.query)],
    ['all state of the connection is gone', (db) => sql`discard all`.execute(db.query)],
  ])('a hot query answers although %s', async (_what, happens) => {
    const db = await engine.open({ poolSize: 2 });
    const inTransaction = () => db.write((tx) => findHot(tx, nobody));
    expect([await findHot(db.query, nobody), await inTransaction()]).toEqual([[], []]);
    await happens(db);
    expect([await findHot(db.query, nobody), await inTransaction()]).toEqual([[], []]);
  });

  it('what is wrong with a statement itself is told at once', async () => {
    const db = await engine.open({ poolSize: 2 });
    await expect(sql`select * from users where no_such_column = 1`.execute(db.query)).rejects.toMatchObject({
      code: '42703',
    });
  });
});
