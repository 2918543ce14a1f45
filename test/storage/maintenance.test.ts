import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DatabaseFault } from '../../src/storage/engine/fault.ts';
import { backUpSqlite, readDatabaseStatus } from '../../src/storage/maintenance.ts';
import { migrations } from '../../src/storage/migrations/index.ts';
import { findUser } from '../../src/storage/records/users.ts';
import { forEachEngine } from '../support/database.ts';
import { addUser } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-backup-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

forEachEngine((engine) => {
  describe('the status', () => {
    it('tells what has run and what is pending, before and after the first start', async () => {
      const url = await engine.newUrl();
      if (engine.name === 'sqlite') writeFileSync(url.slice('sqlite:'.length), '');
      const pending = migrations.map(({ version, name }) => ({ version, name }));
      expect(await readDatabaseStatus(url)).toEqual({
        engine: engine.name,
        buildLevel: migrations.length,
        level: 0,
        oldestLevel: 0,
        applied: [],
        pending,
      });
      await engine.open({ url });
      expect(await readDatabaseStatus(url)).toMatchObject({
        level: migrations.length,
        pending: [],
        applied: pending.map((migration) => ({ ...migration, appliedAt: expect.any(Number) as unknown })),
      });
    });
  });

  describe('a backup', () => {
    if (engine.name === 'postgres') {
      it('of PostgreSQL is left to its own tools', async () => {
        const url = await engine.newUrl();
        expect(() => {
          backUpSqlite(url, join(folder, 'never'));
        }).toThrow('pg_dump');
      });
      return;
    }

    it('is a database of mode 0600 with all that was committed, made while others write', async () => {
      const url = await engine.newUrl();
      const db = await engine.open({ url });
      await db.write((tx) => addUser(tx, 'committed'));
      const target = join(folder, 'copy.db');
      const write = db.write((tx) => addUser(tx, 'meanwhile'));
      backUpSqlite(url, target);
      await write;
      expect(statSync(target).mode & 0o777).toBe(0o600);
      const copy = await engine.open({ url: `sqlite:${target}` });
      expect(await findUser(copy.query, 'committed')).toBeDefined();
      await db.write((tx) => addUser(tx, 'after'));
    });

    it('overwrites nothing, and leaves nothing half done', async () => {
      const url = await engine.newUrl();
      await engine.open({ url });
      const target = join(folder, 'exists');
      writeFileSync(target, 'precious');
      const attempt = (source: string, place: string) => () => {
        backUpSqlite(source, place);
      };
      expect(attempt(url, target)).toThrow(/EEXIST.*name a file that does not exist yet/);
      expect(attempt(url, join(folder, 'no', 'folder'))).toThrow(DatabaseFault);
      expect(attempt('sqlite:/nowhere/x.db', join(folder, 'new'))).toThrow('there is no database file');
      const text = join(folder, 'text.db');
      writeFileSync(text, 'not a database at all '.repeat(100));
      expect(attempt(`sqlite:${text}`, join(folder, 'new'))).toThrow('is not an SQLite database');
      expect(existsSync(join(folder, 'new'))).toBe(false);
    });
  });
});
