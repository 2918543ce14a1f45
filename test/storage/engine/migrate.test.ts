import { readdirSync } from 'node:fs';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { DatabaseFault } from '../../../src/storage/engine/fault.ts';
import { readDatabaseStatus } from '../../../src/storage/maintenance.ts';
import { migrations } from '../../../src/storage/migrations/index.ts';
import { type TestEngine, forEachEngine } from '../../support/database.ts';
import { addUser, endOf, messageOf, startWorker } from '../support.ts';

const level = migrations.length;

describe('the files of migrations/', () => {
  const folder = new URL('../../../src/storage/migrations/', import.meta.url);
  const found = readdirSync(folder, { withFileTypes: true });

  it('are one for each migration, called by its number and name', () => {
    const files = found
      .filter((entry) => entry.isFile() && entry.name !== 'index.ts')
      .map(({ name }) => name);
    const expected = migrations.map(({ version, name }) => `${String(version).padStart(3, '0')}-${name}.ts`);
    expect(files.sort()).toEqual(expected);
  });

  it('have a folder at most for the parts of a migration, which has its name', () => {
    const names = new Set(found.map(({ name }) => name));
    for (const { name } of found.filter((entry) => entry.isDirectory()))
      expect(names).toContain(`${name}.ts`);
  });
});

forEachEngine((engine) => {
  describe('migrations', () => {
    it('are numbered without gaps, and none admits builds older than it says', () => {
      expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1));
      for (const { version, oldestLevel } of migrations) expect(oldestLevel).toBeLessThanOrEqual(version);
    });

    it('killed after any statement leave a database that the next start completes', async () => {
      const whole = startWorker('migrate', [await engine.newUrl()]);
      const { statements } = await messageOf<{ statements: number }>(whole);
      // Each place costs a process: some of them, and the last statement, which comes after the commit.
      const places = Array.from({ length: statements }, (_, index) => index + 1).filter(
        (place) => place === 1 || place % 13 === 0 || place === statements,
      );
      for (const place of places) {
        const url = await engine.newUrl();
        expect(await endOf(startWorker('migrate', [url, String(place)]))).toBe('SIGKILL');
        const database = await engine.open({ url });
        await database.write((tx) => addUser(tx, 'first'));
        expect(await readDatabaseStatus(url)).toMatchObject({ level, pending: [] });
      }
    }, 60_000);

    it('started by several processes at once run once', async () => {
      const url = await engine.newUrl();
      if (engine.name === 'sqlite') await (await import('node:fs/promises')).writeFile(url.slice(7), '');
      const workers = [1, 2, 3].map(() => startWorker('migrate', [url]));
      const reports = await Promise.all(workers.map((worker) => messageOf<{ level: number }>(worker)));
      expect(reports.map((report) => report.level)).toEqual([level, level, level]);
    });

    it('that a newer build has run are refused, unless it says that this build may go on', async () => {
      const url = await engine.newUrl();
      await pretendNewer(engine, url, { version: level + 1, oldestLevel: level });
      await (await engine.open({ url })).check();
      await pretendNewer(engine, url, { version: level + 2, oldestLevel: level + 1 });
      const attempt = engine.open({ url });
      await expect(attempt).rejects.toBeInstanceOf(DatabaseFault);
      await expect(attempt).rejects.toThrow(
        /made by a newer Gatehouse.*start the newer version, or restore the backup/,
      );
      expect(await readDatabaseStatus(url)).toMatchObject({
        engine: engine.name,
        level: level + 2,
        oldestLevel: level + 1,
        buildLevel: level,
      });
    });

    it('do not touch a database that belongs to another program', async () => {
      const url = await engine.newUrl();
      const database = await engine.open({ url });
      await database.write(async (tx) => {
        await sql`alter table gatehouse_migrations rename to schema_migrations`.execute(tx);
      });
      await expect(engine.open({ url })).rejects.toThrow('belongs to another program');
    });
  });
});

async function pretendNewer(
  engine: TestEngine,
  url: string,
  newer: { version: number; oldestLevel: number },
): Promise<void> {
  const database = await engine.open({ url });
  await database.write((tx) =>
    sql`insert into gatehouse_migrations (version, name, oldest_level, applied_at)
      values (${newer.version}, 'of the future', ${newer.oldestLevel}, 1)`.execute(tx),
  );
}
