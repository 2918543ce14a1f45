import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteConnection, type SqliteConnection } from '../../src/storage/sqlite-connection.ts';
import { type SharedReads, shareReads } from '../../src/storage/sqlite-reads.ts';

describe('reads of an SQLite file', () => {
  let folder: string;
  let other: SqliteConnection;
  let reader: SqliteConnection;
  let reads: SharedReads;
  const count = (): unknown =>
    reads.run({ sql: 'select count(*) as count from things', parameters: [] }).rows[0];
  const add = (): unknown => other.command('insert into things default values');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
    other = openSqliteConnection(join(folder, 'a.db'), { readOnly: false });
    other.command('pragma journal_mode = wal');
    other.command('create table things (id integer primary key)');
    reader = openSqliteConnection(join(folder, 'a.db'), { readOnly: true });
    reads = shareReads(reader);
  });

  afterEach(() => {
    reader.close();
    other.close();
    rmSync(folder, { recursive: true });
  });

  it('see in the next turn of the event loop what others have committed, and never hold a lock beyond it', async () => {
    for (const expected of [0, 1, 2]) {
      expect(count()).toEqual({ count: expected });
      add();
      expect(count()).toEqual({ count: expected });
      await nextTurn();
      expect(reader.handle.isTransaction).toBe(false);
    }
    expect(count()).toEqual({ count: 3 });
  });

  it('see it at once after a write of this process', async () => {
    expect(count()).toEqual({ count: 0 });
    add();
    reads.renew();
    expect(count()).toEqual({ count: 1 });
    await nextTurn();
    expect(reader.handle.isTransaction).toBe(false);
  });

  it('go on after a statement that failed', async () => {
    expect(count()).toEqual({ count: 0 });
    expect(() => reads.run({ sql: 'select abs(-9223372036854775808) as x', parameters: [] })).toThrow(
      'overflow',
    );
    expect(count()).toEqual({ count: 0 });
    await nextTurn();
    add();
    expect(count()).toEqual({ count: 1 });
  });

  it('may be cut off by the end of the connection', async () => {
    count();
    reader.close();
    await nextTurn();
    expect(reader.handle.isOpen).toBe(false);
  });
});
