import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  openSqliteConnection,
  type SqliteConnection,
} from '../../../src/storage/engine/sqlite-connection.ts';
import { type BatchedRead, batchReads } from '../../../src/storage/engine/sqlite-reads.ts';

describe('reads of an SQLite file', () => {
  let folder: string;
  let other: SqliteConnection;
  let reader: SqliteConnection;
  let read: BatchedRead;
  let closed: boolean;
  const count = async (): Promise<unknown> =>
    (await read({ sql: 'select count(*) as count from things', parameters: [] })).rows[0];
  const add = (): unknown => other.command('insert into things default values');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
    other = openSqliteConnection(join(folder, 'a.db'), { readOnly: false });
    other.command('pragma journal_mode = wal');
    other.command('create table things (id integer primary key)');
    reader = openSqliteConnection(join(folder, 'a.db'), { readOnly: true });
    closed = false;
    read = batchReads(reader, () => {
      if (closed) throw new Error('closed');
    });
  });

  afterEach(() => {
    reader.close();
    other.close();
    rmSync(folder, { recursive: true });
  });

  it('see all that was committed before they were asked for, also in the same turn of the event loop', async () => {
    const before = count();
    add();
    const after = count();
    await before;
    expect(await after).toEqual({ count: 1 });
    add();
    expect(await Promise.all([count(), count(), count()])).toEqual(Array(3).fill({ count: 2 }));
  });

  it('of one turn see the same, and hold no lock after it', async () => {
    const writing = (async () => {
      await nextTurn();
      add();
    })();
    const [first, second] = await Promise.all([count(), count()]);
    expect(second).toEqual(first);
    expect(reader.handle.isTransaction).toBe(false);
    await writing;
  });

  it('fail each for itself', async () => {
    const [one, two, three] = await Promise.allSettled([
      count(),
      read({ sql: 'select abs(-9223372036854775808) as x', parameters: [] }),
      count(),
    ]);
    expect(one).toMatchObject({ status: 'fulfilled' });
    expect(two).toMatchObject({ status: 'rejected', reason: { errcode: 1 } });
    expect(three).toMatchObject({ status: 'fulfilled' });
    expect(reader.handle.isTransaction).toBe(false);
  });

  it('that were not run when the database was closed are refused', async () => {
    const waiting = Promise.allSettled([count(), count()]);
    closed = true;
    reader.close();
    for (const { status } of await waiting) expect(status).toBe('rejected');
  });
});
