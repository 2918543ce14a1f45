/** Every table of the migrated database is handled by time and by what becomes of people. */
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/storage/engine/database.ts';
import { tables } from '../../src/storage/tables.ts';
import { forEachEngine } from '../support/database.ts';

/** Tables that are no record: they belong to the storage itself. */
const own = ['changes', 'gatehouse_migrations'];

forEachEngine((engine) => {
  let db: Database;
  let columns: Map<string, Set<string>>;
  /** `table -> referenced table`, of foreign keys that cascade. */
  let cascades: Set<string>;

  beforeAll(async () => {
    db = await engine.open();
    const found = await db.query.introspection.getTables();
    columns = new Map(found.map((table) => [table.name, new Set(table.columns.map(({ name }) => name))]));
    const keys =
      engine.name === 'postgres'
        ? sql<{ child: string; parent: string }>`
            select conrelid::regclass::text as child, confrelid::regclass::text as parent
            from pg_constraint where contype = 'f' and confdeltype = 'c'`
        : sql<{ child: string; parent: string }>`
            select m.name as child, f."table" as parent
            from sqlite_master m join pragma_foreign_key_list(m.name) f on m.type = 'table' where f.on_delete = 'CASCADE'`;
    const { rows } = await keys.execute(db.query);
    cascades = new Set(rows.map(({ child, parent }) => `${child} -> ${parent}`));
  });

  it('the database has exactly the tables that declare their duties', () => {
    const there = [...columns.keys()].filter((name) => !own.includes(name) && !name.startsWith('sqlite_'));
    expect(there.sort()).toEqual(Object.keys(tables).sort());
  });

  describe.each(Object.entries(tables))('%s', (name, { person, time }) => {
    const of = (table: string): Set<string> => columns.get(table) ?? new Set();

    it('says whose its rows are', () => {
      if (person === 'nobody') expect(of(name)).not.toContain('user_id');
      else if ('follows' in person) {
        expect(of(name)).not.toContain('user_id');
        expect(cascades).toContain(`${name} -> ${person.follows}`);
        expect(tables[person.follows].person).not.toBe('nobody');
      } else {
        expect(of(name)).toContain(person.column);
        expect([name === 'users' ? 'id' : 'user_id']).toContain(person.column);
      }
    });

    it('says what happens to its rows when time passes', () => {
      if (time === 'kept') {
        // A lease is taken over, not swept.
        if (name !== 'leases') expect(of(name)).not.toContain('expires_at');
      } else if ('follows' in time) expect(cascades).toContain(`${name} -> ${time.follows}`);
      else expect(time.length).toBeGreaterThan(0);
    });

    it('has the columns that its duties work on', async () => {
      if (person !== 'nobody' && !('follows' in person)) {
        if (person.pending !== 'none') {
          expect(of(name)).toContain('upstream_sid');
          if (person.pending.open !== undefined) expect(of(name)).toContain(person.pending.open);
          if (person.pending.void === 'delete') expect(of(name)).toContain('hash');
        }
        if (typeof person.erasure === 'object') {
          for (const column of person.erasure.cleared) expect(of(name)).toContain(column);
        }
      }
      if (time !== 'kept' && !('follows' in time)) {
        for (const { step } of time) {
          expect(await db.write((tx) => step(tx, 0, 10))).toEqual({ removed: 0, more: false });
        }
      }
    });

    it('that can become a session is void when its person signs out', () => {
      const isStep = of(name).has('user_id') && of(name).has('upstream_sid') && name !== 'sessions';
      if (isStep) expect(person).toMatchObject({ pending: { void: expect.any(String) as string } });
    });
  });
});
