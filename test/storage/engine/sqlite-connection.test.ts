import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqliteConnection } from '../../../src/storage/engine/sqlite-connection.ts';

describe('a connection to an SQLite file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
  const file = join(folder, 'a.db');
  const connection = openSqliteConnection(file, { readOnly: false });
  afterAll(() => {
    connection.close();
    rmSync(folder, { recursive: true });
  });

  it('gives rows by the names of their columns, and what statements without rows changed', () => {
    connection.command('create table things (id text primary key, size integer, note text) strict');
    const insert = { sql: 'insert into things values (?, ?, ?)', parameters: ['a', 1, null] };
    expect(connection.run(insert)).toEqual({ rows: [], numAffectedRows: 1n });
    expect(connection.run({ ...insert, parameters: ['b', 2, 'x'] }).numAffectedRows).toBe(1n);
    const select = { sql: 'select * from things where size >= ? order by id', parameters: [1] };
    expect(connection.run(select).rows).toEqual([
      { id: 'a', size: 1, note: null },
      { id: 'b', size: 2, note: 'x' },
    ]);
    expect(connection.run({ ...select, parameters: [3] }).rows).toEqual([]);
    expect(
      connection.run({ sql: 'update things set size = 0 returning id, size', parameters: [] }).rows,
    ).toEqual([
      { id: 'a', size: 0 },
      { id: 'b', size: 0 },
    ]);
  });

  it('keeps names and values together when another process adds a column', () => {
    const sql = 'select things.*, 1 as one from things where id = ?';
    expect(connection.run({ sql, parameters: ['a'] }).rows).toEqual([
      { id: 'a', size: 0, note: null, one: 1 },
    ]);
    const other = openSqliteConnection(file, { readOnly: false });
    other.command(`alter table things add column colour text not null default 'red'`);
    other.close();
    expect(connection.run({ sql, parameters: ['a'] }).rows).toEqual([
      { id: 'a', size: 0, note: null, colour: 'red', one: 1 },
    ]);
  });

  describe('the literal of a hot query', () => {
    const columns = 'id, colour';

    it('makes the rows', () => {
      const literal = (v: readonly unknown[]) => ({ id: v[0], colour: v[1] });
      const sql = `select ${columns} from things where id = ?`;
      expect(connection.run({ sql, parameters: ['a'], literal }).rows).toEqual([{ id: 'a', colour: 'red' }]);
      expect(connection.run({ sql, parameters: ['none'], literal }).rows).toEqual([]);
    });

    it.each<[string, (v: readonly unknown[]) => Record<string, unknown>]>([
      ['writes them in another order', (v) => ({ id: v[1], colour: v[0] })],
      ['writes one twice', (v) => ({ id: v[0], colour: v[0] })],
      ['leaves one out', (v) => ({ id: v[0] })],
      ['writes one that is not there', (v) => ({ id: v[0], colour: v[1], size: v[2] })],
      ['has another name for one', (v) => ({ id: v[0], color: v[1] })],
      ['writes nothing', () => ({})],
    ])('is refused if it %s', (name, literal) => {
      const sql = `select ${columns} from things -- ${name}`;
      expect(() => connection.run({ sql, parameters: [], literal })).toThrow(
        'but its columns are id, colour: name them in the same order',
      );
    });
  });
});
