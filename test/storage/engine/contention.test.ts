import { sql } from 'kysely';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { Unavailable } from '../../../src/protocol/unavailable.ts';
import type { Database } from '../../../src/storage/engine/database.ts';
import { findUser } from '../../../src/storage/records/users.ts';
import { forEachEngine } from '../../support/database.ts';
import { addUser, endOf, messageOf, startWorker } from '../support.ts';

forEachEngine((engine) => {
  if (engine.name === 'sqlite') {
    describe('a SQLite file that another process has locked', () => {
      const lockFor = async (url: string, milliseconds: number): Promise<() => Promise<unknown>> => {
        const worker = startWorker('lock', [url.slice('sqlite:'.length), String(milliseconds)]);
        await messageOf(worker);
        return () => endOf(worker);
      };

      it('is written once it is free, reads go on, and the event loop does not stop', async () => {
        const url = await engine.newUrl();
        const db = await engine.open({ url });
        await db.write((tx) => addUser(tx, 'earlier'));
        const ended = await lockFor(url, 500);
        const delay = monitorEventLoopDelay({ resolution: 5 });
        delay.enable();
        const write = db.write((tx) => addUser(tx, 'patient'));
        expect(await findUser(db.query, 'earlier')).toBeDefined();
        await write;
        delay.disable();
        expect(delay.max / 1e6).toBeLessThan(400);
        expect(await findUser(db.query, 'patient')).toBeDefined();
        await ended();
      });

      it('for longer than the patience is unavailable to writers, then serves again', async () => {
        const url = await engine.newUrl();
        const db = await engine.open({ url, patienceMs: 150 });
        const ended = await lockFor(url, 900);
        const writes = Array.from({ length: 5 }, (_, index) =>
          db.write((tx) => addUser(tx, `early ${String(index)}`)),
        );
        for (const outcome of await Promise.allSettled(writes)) {
          expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(Unavailable) as unknown });
        }
        await db.check();
        await ended();
        await db.write((tx) => addUser(tx, 'after'));
      });
    });
    return;
  }

  describe('PostgreSQL', () => {
    let db: Database;
    beforeAll(async () => {
      db = await engine.open();
    });

    /** Makes the first run of a work fail by `statement`, sent on its own connection. */
    const failingOnce = (name: string, statement: string): { run: Promise<unknown>; runs: () => number } => {
      let runs = 0;
      const run = db.write(async (tx) => {
        runs++;
        await addUser(tx, name);
        if (runs === 1) await sql.raw(statement).execute(tx);
      });
      return { run, runs: () => runs };
    };

    it.each([
      ['a serialization failure (40001)', `do $$ begin raise exception using errcode = '40001'; end $$`],
      ['a deadlock (40P01)', `do $$ begin raise exception using errcode = '40P01'; end $$`],
      ['a terminated backend (57P01)', 'select pg_terminate_backend(pg_backend_pid())'],
      ['too many connections (53300)', `do $$ begin raise exception using errcode = '53300'; end $$`],
    ])('runs the work again after %s, and commits once', async (name, statement) => {
      const { run, runs } = failingOnce(name, statement);
      await run;
      expect(runs()).toBe(2);
      expect(await findUser(db.query, name)).toBeDefined();
    });

    it.each([
      ['a full disk (53100)', '53100'],
      ['an I/O error (58030)', '58030'],
    ])('is unavailable on %s', async (name, state) => {
      const { run, runs } = failingOnce(
        name,
        `do $$ begin raise exception using errcode = '${state}'; end $$`,
      );
      await expect(run).rejects.toBeInstanceOf(Unavailable);
      expect(runs()).toBe(1);
      await db.check();
    });

    it('never repeats a commit whose fate is unknown', async () => {
      // A trigger that waits for the commit, and there ends the backend.
      await db.write(async (tx) => {
        await sql`create function die() returns trigger language plpgsql as
          $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$`.execute(tx);
        await sql`create constraint trigger dying after insert on leases deferrable initially deferred
          for each row execute function die()`.execute(tx);
      });
      let runs = 0;
      const attempt = db.write(async (tx) => {
        runs++;
        await tx.insertInto('leases').values({ name: 'n', holder: 'h', expires_at: 1 }).execute();
      });
      await expect(attempt).rejects.toBeInstanceOf(Unavailable);
      expect(runs).toBe(1);
      await db.check();
    });

    it('untangles transactions that take the same rows in opposite order', async () => {
      const names = ['a', 'b'];
      await db.write(async (tx) => {
        for (const name of names) await addUser(tx, name);
      });
      const lockAll = (order: string[]): Promise<void> =>
        db.write(async (tx) => {
          for (const id of order) {
            await tx.updateTable('users').set({ displayname: 'x' }).where('id', '=', id).execute();
            await sleep(30);
          }
        });
      await Promise.all([lockAll(['a', 'b']), lockAll(['b', 'a'])]);
    });

    it('serves reads and writes again after all its connections were cut', async () => {
      await Promise.all(Array.from({ length: 8 }, () => db.check()));
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`.execute(
        db.query,
      );
      await Promise.all([
        ...Array.from({ length: 8 }, () => findUser(db.query, 'nobody')),
        ...Array.from({ length: 8 }, (_, index) => db.write((tx) => addUser(tx, String(index)))),
      ]);
    });

    it('keeps serving the others while more ask than there are connections', async () => {
      const db = await engine.open({ poolSize: 2 });
      const slow = db.write((tx) => sql`select pg_sleep(0.2)`.execute(tx));
      const users = Array.from({ length: 30 }, (_, index) => db.write((tx) => addUser(tx, String(index))));
      expect(await findUser(db.query, 'nobody')).toBeUndefined();
      await Promise.all([slow, ...users]);
      await sleep(1);
    });
  });
});
