import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../src/protocol/clock.ts';
import { Unavailable } from '../../../src/protocol/unavailable.ts';
import type { Database, DatabaseOptions } from '../../../src/storage/engine/database.ts';
import { openDatabase } from '../../../src/storage/engine/open-database.ts';
import { DatabaseFault } from '../../../src/storage/engine/fault.ts';
import { assertSqliteVersion } from '../../../src/storage/engine/sqlite-file.ts';
import { findUser } from '../../../src/storage/records/users.ts';
import { testEngines } from '../../support/database.ts';
import { addUser, endOf, messageOf, startWorker } from '../support.ts';

describe.runIf(testEngines().includes('sqlite'))('a SQLite file', () => {
  let folder: string;
  let file: string;
  const opened: Database[] = [];
  const warnings: string[] = [];

  const open = async (options: Partial<DatabaseOptions> = {}): Promise<Database> => {
    const database = await openDatabase({
      url: `sqlite:${file}`,
      clock: systemClock,
      random: systemRandom,
      patienceMs: 200,
      log: {
        warn: (_details, message) => warnings.push(message),
        error: (_details, message) => warnings.push(message),
      },
      ...options,
    });
    opened.push(database);
    return database;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-file-'));
    file = join(folder, 'gatehouse.db');
    warnings.length = 0;
  });
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is made with mode 0600, the files beside it too', async () => {
    await open();
    for (const name of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(name).mode & 0o777).toBe(0o600);
    expect(warnings).toEqual([]);
  });

  it('that others can read is warned about', async () => {
    await (await open()).close();
    chmodSync(file, 0o644);
    await open();
    expect(warnings).toEqual([expect.stringContaining(`chmod 0600 ${file}`)]);
  });

  it('leaves one file behind when it is closed', async () => {
    await (await open()).close();
    expect([existsSync(file), existsSync(`${file}-wal`), existsSync(`${file}-shm`)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it.each([
    [
      'in a folder that is not there',
      () => rmSync(folder, { recursive: true }),
      /does not exist: run: mkdir/,
    ],
    [
      'that is a folder',
      () => {
        rmSync(folder, { recursive: true });
        file = folder = mkdtempSync(join(tmpdir(), 'gatehouse-file-'));
      },
      /is not a file: point database\.url to a file/,
    ],
    [
      'that holds something else',
      () => {
        writeFileSync(file, 'This is a text, and a long one. '.repeat(100));
      },
      /is not an SQLite database: point database\.url to another file, or restore a backup/,
    ],
    [
      'of another program',
      () => {
        const foreign = new DatabaseSync(file);
        foreign.exec('create table theirs (x)');
        foreign.close();
      },
      /belongs to another program/,
    ],
    [
      'whose pages are damaged',
      () => {
        const damaged = new DatabaseSync(file);
        damaged.exec('create table t (x); insert into t values (randomblob(100000))');
        damaged.close();
        const bytes = readFileSync(file);
        bytes.fill(0xaa, 100, 4096);
        writeFileSync(file, bytes);
      },
      /is damaged: restore a backup/,
    ],
  ])('%s is refused with the remedy', async (_name, prepare, message) => {
    prepare();
    const attempt = open();
    await expect(attempt).rejects.toBeInstanceOf(DatabaseFault);
    await expect(attempt).rejects.toThrow(message);
  });

  it('that another program holds is refused with the remedy', async () => {
    await (await open()).close();
    const holder = startWorker('lock', [file, '900', 'PRAGMA locking_mode = EXCLUSIVE']);
    await messageOf(holder);
    await expect(open()).rejects.toThrow(/is locked by another program: close what holds it/);
    await endOf(holder);
  });

  describe.runIf(process.getuid?.() === 0)('opened by a user', () => {
    const openAsNobody = async (): Promise<string> => {
      const worker = startWorker('open-as-nobody', [`sqlite:${file}`]);
      return messageOf<string>(worker);
    };

    it('whom the file does not belong to is refused with the remedy', async () => {
      await (await open()).close();
      chmodSync(folder, 0o777);
      expect(await openAsNobody()).toMatch(/belongs to uid 0 and cannot be read and written.*chown 65534/);
    });

    it('who may not write it is refused with the remedy', async () => {
      await (await open()).close();
      chmodSync(folder, 0o777);
      chownSync(file, 65534, 65534);
      chmodSync(file, 0o400);
      expect(await openAsNobody()).toMatch(/cannot be read and written.*chmod u\+rw/);
    });

    it('who may not write its folder is refused with the remedy', async () => {
      chmodSync(folder, 0o755);
      expect(await openAsNobody()).toMatch(/cannot be made \(EACCES\): let this user \(uid 65534\) write to/);
      writeFileSync(file, '');
      chownSync(file, 65534, 65534);
      expect(await openAsNobody()).toMatch(/the folder of the database .* belongs to uid 0/);
    });
  });

  it('that cannot grow refuses writes as unavailable, goes on reading, and recovers when there is room', async () => {
    const db = await open({ maxBytes: 500_000 });
    let written = 0;
    const fill = async (): Promise<void> => {
      for (; written < 5000; written++) {
        await db.writeSoon(async (tx) => {
          await addUser(tx, `${String(written)} ${'x'.repeat(1000)}`);
        });
      }
    };
    await expect(fill()).rejects.toBeInstanceOf(Unavailable);
    expect(written).toBeGreaterThan(10);
    expect(written).toBeLessThan(1000);
    expect(await findUser(db.query, `0 ${'x'.repeat(1000)}`)).toBeDefined();
    await db.check();
    await db.write((tx) => tx.deleteFrom('users').where('id', 'like', '1%').execute());
    await db.write((tx) => addUser(tx, 'again'));
  });

  it('whose log was removed under it acknowledges nothing any more, and says so', async () => {
    const db = await open();
    await db.write((tx) => addUser(tx, 'safe'));
    rmSync(`${file}-wal`);
    await expect(db.write((tx) => addUser(tx, 'lost'))).rejects.toBeInstanceOf(Unavailable);
    await expect(db.durable()).rejects.toBeInstanceOf(Unavailable);
    await expect(db.write((tx) => addUser(tx, 'later'))).rejects.toBeInstanceOf(Unavailable);
    await expect(db.check()).rejects.toBeInstanceOf(Unavailable);
    expect(await findUser(db.query, 'safe')).toBeDefined();
    expect(warnings).toEqual([expect.stringMatching(/nothing is acknowledged any more.*restart Gatehouse/)]);
  });

  it('keeps its log short under many writes', async () => {
    const db = await open();
    await Promise.all(
      Array.from({ length: 8 }, async (_, lane) => {
        for (let round = 0; round < 400; round++) {
          await db.write((tx) => addUser(tx, `${String(lane)} ${String(round)} ${'x'.repeat(500)}`));
        }
      }),
    );
    // Without checkpoints it would hold some 50 MB.
    expect(statSync(`${file}-wal`).size).toBeLessThan(24 * 1024 * 1024);
    expect(warnings).toEqual([]);
  });

  it('keeps what was acknowledged when the process is killed', async () => {
    const db = await open();
    await db.write((tx) => addUser(tx, 'acknowledged'));
    // What a kill leaves: the files as they are, without a farewell.
    const copy = join(folder, 'copy.db');
    execFileSync('cp', [file, copy]);
    execFileSync('cp', [`${file}-wal`, `${copy}-wal`]);
    const revived = await open({ url: `sqlite:${copy}` });
    expect(await findUser(revived.query, 'acknowledged')).toBeDefined();
  });

  it('needs an SQLite without the known corruption of the log', () => {
    expect(() => {
      assertSqliteVersion();
    }).not.toThrow();
    for (const old of ['3.51.2', '3.50.9', '2.99.99', undefined]) {
      if (old === undefined) continue;
      expect(() => {
        assertSqliteVersion(old);
      }).toThrow(/newer Node\.js/);
    }
    for (const fine of ['3.51.3', '3.52.0', '4.0.0']) {
      expect(() => {
        assertSqliteVersion(fine);
      }).not.toThrow();
    }
  });
});
