/** `gatehouse database` beside, before and without a running service. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/storage/engine/open-database.ts';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { forEachEngine } from '../support/database.ts';
import { type Ended, newFolder, runCli, writeConfig } from './run-cli.ts';

const KEY = randomBytes(32).toString('base64');

interface Status {
  status: string;
  engine: string;
  level: number;
  build_level: number;
  applied: unknown[];
  pending: { version: number; name: string }[];
  database: string;
}

const commandsOn = async (url: string): Promise<(...args: string[]) => Promise<Ended>> => {
  const { file } = await writeConfig(`database: { url: "${url}" }\nencryption_key: ${KEY}\n`);
  return (...args) => runCli(['database', ...args, '--config', file]);
};

forEachEngine((engine) => {
  describe('gatehouse database', () => {
    it('migrates an empty database, says so once, and tells what has run', async () => {
      const url = await engine.newUrl();
      const database = await commandsOn(url);
      const first = await database('migrate');
      expect(first).toMatchObject({ code: 0, stderr: '' });
      expect(first.stdout).toMatch(/^ {2}1 {2}\S.*\n[^]*The schema is now at level \d+\.\n$/);
      expect(await database('migrate')).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^Nothing to do: the schema is at level \d+\.\n$/) as string,
      });
      const status = await database('status', '--json');
      expect(status).toMatchObject({ code: 0, stderr: '' });
      const told = JSON.parse(status.stdout) as Status;
      expect(told).toMatchObject({ status: 'current', engine: engine.name, pending: [] });
      expect(told.level).toBe(told.build_level);
      expect(told.applied).toHaveLength(told.level);
      expect(status.stdout).not.toContain('password');
      expect((await database('status')).stdout).toContain('It is up to date.');
    });

    it('works beside a service that has the database open', async () => {
      const url = await engine.newUrl();
      const service = await openDatabase({ url, clock: systemClock, random: systemRandom });
      try {
        const database = await commandsOn(url);
        expect(await database('status')).toMatchObject({ code: 0 });
        expect(await database('migrate')).toMatchObject({ code: 0 });
        await service.check();
      } finally {
        await service.close();
      }
    });
  });
});

describe('gatehouse database on SQLite', () => {
  it('a database that migrate has made is one that the service starts on: its key is there as well', async () => {
    const { file, folder } = await writeConfig();
    const made = await runCli(['database', 'migrate', '--config', file]);
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('keep a copy of it') as string });
    expect((await runCli(['config', 'check', '--config', file])).code).toBe(0);
    expect(existsSync(join(folder, 'gatehouse.db'))).toBe(true);
  });

  it('status of a file that is not there says so, makes none, and names the remedy', async () => {
    const file = join(newFolder(), 'none.db');
    const database = await commandsOn(`sqlite:${file}`);
    const { code, stderr } = await database('status');
    expect(code).toBe(1);
    expect(stderr).toMatch(/there is no database file .*none\.db\n {2}-> /);
    expect(existsSync(file)).toBe(false);
  });

  it('status tells pending migrations by exit code 3, and a newer schema by 1', async () => {
    const file = join(newFolder(), 'g.db');
    const database = await commandsOn(`sqlite:${file}`);
    await database('migrate');
    const raw = new DatabaseSync(file);
    raw.exec(
      'update gatehouse_migrations set oldest_level = 99, version = 99 where version = (select max(version) from gatehouse_migrations)',
    );
    const newer = await database('status');
    expect(newer.code).toBe(1);
    expect(newer.stdout).toContain('This build is too old for it');
    const refused = await database('migrate');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^gatehouse: .*\n {2}-> /);
    raw.exec('delete from gatehouse_migrations');
    raw.close();
    const pending = await database('status', '--json');
    expect(pending.code).toBe(3);
    expect((JSON.parse(pending.stdout) as Status).pending.length).toBeGreaterThan(0);
  });

  it('backs up what is in use: whole, private, and never over another file', async () => {
    const folder = newFolder();
    const url = `sqlite:${join(folder, 'g.db')}`;
    const service = await openDatabase({ url, clock: systemClock, random: systemRandom });
    try {
      await service.write((tx) =>
        tx
          .insertInto('users')
          .values({
            id: 'u',
            localpart: 'kept',
            displayname: null,
            created_at: 1,
            locked_at: null,
            deactivated_at: null,
          })
          .execute(),
      );
      const database = await commandsOn(url);
      const target = join(folder, 'copy.db');
      const done = await database('backup', target, '--json');
      expect(done).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(done.stdout)).toEqual({ file: target, bytes: statSync(target).size });
      expect(statSync(target).mode & 0o777).toBe(0o600);
      const copy = new DatabaseSync(target, { readOnly: true });
      expect(copy.prepare('select localpart from users').all()).toEqual([{ localpart: 'kept' }]);
      copy.close();
      const again = await database('backup', target);
      expect(again.code).toBe(1);
      expect(again.stderr).toMatch(/EEXIST.*\n {2}-> Name a file that does not exist yet\.\n$/);
    } finally {
      await service.close();
    }
  });

  it('what is no database is refused in words', async () => {
    const file = join(newFolder(), 'text.db');
    writeFileSync(file, 'certainly no database '.repeat(100));
    chmodSync(file, 0o600);
    const database = await commandsOn(`sqlite:${file}`);
    for (const command of ['status', 'migrate']) {
      const { code, stderr } = await database(command);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^gatehouse: .*\n {2}-> /);
      expect(stderr).not.toMatch(/ {4}at /);
    }
  });
});

describe('gatehouse database on PostgreSQL', () => {
  it('leaves the backup to its own tools, and names them; a server that is not there is said', async () => {
    const database = await commandsOn('postgres://gatehouse:hunter2hunter2@127.0.0.1:9/gatehouse');
    const backup = await database('backup', join(newFolder(), 'x'));
    expect(backup.code).toBe(1);
    expect(backup.stderr).toContain('pg_dump');
    const status = await database('status');
    expect(status.code).toBe(1);
    expect(status.stderr).toMatch(/^gatehouse: .*\n {2}-> /);
    expect(status.stderr).not.toContain('hunter2');
  });

  it('a configuration with faults is exit code 2', async () => {
    const { file } = await writeConfig('database: { url: "mysql://x" }\n');
    expect(await runCli(['database', 'status', '--config', file])).toMatchObject({ code: 2, stdout: '' });
  });
});
