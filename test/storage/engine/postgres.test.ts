import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../src/protocol/clock.ts';
import { Unavailable } from '../../../src/protocol/unavailable.ts';
import type { Database, DatabaseOptions } from '../../../src/storage/engine/database.ts';
import { openDatabase } from '../../../src/storage/engine/open-database.ts';
import { DatabaseFault } from '../../../src/storage/engine/fault.ts';
import { findUser } from '../../../src/storage/records/users.ts';
import { administer, newPostgresDatabase, type NewDatabase, testEngines } from '../../support/database.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { addUser } from '../support.ts';

const open = (url: string, options: Partial<DatabaseOptions> = {}): Promise<Database> =>
  openDatabase({ url, clock: systemClock, random: systemRandom, patienceMs: 300, ...options });

describe.runIf(testEngines().includes('postgres'))('PostgreSQL', () => {
  // A server of its own: it is crashed, and asked without a PgBouncer between.
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server.close();
  });

  describe('that cannot be used is refused with the remedy:', () => {
    let database: NewDatabase;
    beforeAll(async () => {
      database = await newPostgresDatabase(server.url);
    });

    const refusal = async (change: (url: URL) => void): Promise<string> => {
      const url = new URL(database.url);
      change(url);
      const fault: unknown = await open(url.href).catch((error: unknown) => error);
      expect(fault).toBeInstanceOf(DatabaseFault);
      const text = `${String(fault)} ${JSON.stringify(fault)}`;
      if (url.password !== '') expect(text).not.toContain(url.password);
      return text;
    };

    it('no server there', async () => {
      const port = await unusedPort();
      expect(await refusal((url) => (url.port = String(port)))).toMatch(
        /does not answer \(ECONNREFUSED\): start it, or correct database\.url/,
      );
    });

    it('a host without an address', async () => {
      expect(await refusal((url) => (url.hostname = 'no-such-host.invalid'))).toMatch(
        /has no address: correct the host/,
      );
    });

    it('a wrong password', async () => {
      expect(await refusal((url) => (url.password = 'not-the-one'))).toMatch(
        /refused the user or the password: correct them in database\.url/,
      );
    });

    it('no such database', async () => {
      expect(await refusal((url) => (url.pathname = '/nowhere'))).toMatch(/has no such database: create it/);
    });

    it('TLS asked for, but not spoken there', async () => {
      expect(await refusal((url) => url.searchParams.set('sslmode', 'verify-full'))).toMatch(
        /does not speak TLS: set ssl = on/,
      );
    });

    it('a user who may not make tables', async () => {
      await administer(server.url, `create role lowly login password 'lowly'`).catch(() => undefined);
      expect(
        await refusal((url) => {
          url.username = url.password = 'lowly';
        }),
      ).toMatch(/does not let this user make tables: run: GRANT CREATE/);
    });

    it('a URL that cannot be read', async () => {
      await expect(open('postgres://user:pass word@[host/db')).rejects.toThrow(/cannot be read as a URL/);
      await expect(open('postgres://user:pass word@[host/db')).rejects.not.toThrow(/pass word/);
      await expect(open('mysql://host/db')).rejects.toThrow(/names no known engine: use sqlite:/);
    });

    it.each([
      [
        'synchronous_commit',
        'off',
        /synchronous_commit = off .*would be lost in a crash: set synchronous_commit = on/,
      ],
      ['default_transaction_read_only', 'on', /takes no writes.*point database\.url to the primary/],
    ])('%s = %s', async (name, value, message) => {
      const own = await newPostgresDatabase(server.url);
      const { pathname } = new URL(own.url);
      await administer(server.url, `alter database ${pathname.slice(1)} set ${name} = ${value}`);
      await expect(open(own.url)).rejects.toThrow(message);
      await own.remove();
    });
  });

  it('with fsync or full_page_writes switched off is refused', async () => {
    const careless = await startPostgres({ fsync: 'off' });
    await expect(open(careless.url)).rejects.toThrow(/fsync = off.*set fsync = on/);
    await administer(careless.url, 'select 1');
    await careless.close();
    const torn = await startPostgres({ full_page_writes: 'off' });
    await expect(open(torn.url)).rejects.toThrow(/full_page_writes = off/);
    await torn.close();
  });

  it('that accepts connections but never answers is unavailable, not a hang', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(open(`postgres://u:p@127.0.0.1:${String(port)}/x`)).rejects.toThrow(/does not answer/);
    silent.close();
  });

  describe('that crashes', () => {
    it('loses nothing that was acknowledged, is unavailable meanwhile, and is used again within 5 s', async () => {
      const db = await open(server.url, { patienceMs: 200, poolSize: 6 });
      const acknowledged: string[] = [];
      const unexpected: unknown[] = [];
      let stop = false;
      const lanes = Array.from({ length: 4 }, async (_, lane) => {
        for (let round = 0; !stop; round++) {
          const id = `${String(lane)} ${String(round)}`;
          await db
            .write((tx) => addUser(tx, id))
            .then(
              () => acknowledged.push(id),
              (error: unknown) => {
                if (!(error instanceof Unavailable)) unexpected.push(error);
              },
            );
        }
      });
      await sleep(100);
      for (let cycle = 0; cycle < 2; cycle++) {
        await server.crash();
        await expect(db.check()).rejects.toBeInstanceOf(Unavailable);
        await expect(findUser(db.query, 'x')).rejects.toBeInstanceOf(Unavailable);
        const began = performance.now();
        await server.start();
        const before = acknowledged.length;
        while (acknowledged.length === before) await sleep(5);
        expect(performance.now() - began).toBeLessThan(5000);
        await sleep(50);
      }
      stop = true;
      await Promise.all(lanes);
      const present = new Set(
        (await db.query.selectFrom('users').select('id').execute()).map(({ id }) => id),
      );
      expect(acknowledged.filter((id) => !present.has(id))).toEqual([]);
      expect(unexpected).toEqual([]);
      await db.durable();
      await db.close();
    });
  });
});

async function unusedPort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
