import { sql } from 'kysely';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { Unavailable } from '../../../src/protocol/unavailable.ts';
import { hashSecret } from '../../../src/protocol/token-format.ts';
import type { Database } from '../../../src/storage/engine/database.ts';
import { consumeRefreshToken } from '../../../src/storage/records/tokens.ts';
import { findUser } from '../../../src/storage/records/users.ts';
import { forEachEngine } from '../../support/database.ts';
import { addClient, addSession, addTokens, addUser, endOf, messageOf, NOW, startWorker } from '../support.ts';

forEachEngine((engine) => {
  let db: Database;
  beforeAll(async () => {
    db = await engine.open();
    await db.write(async (tx) => {
      await addUser(tx, 'owner');
      await addClient(tx, 'client');
    });
  });

  describe('reads', () => {
    it('give back times beyond 32 bits, and counts, as numbers', async () => {
      expect(await findUser(db.query, 'owner')).toMatchObject({
        id: 'owner',
        displayname: null,
        created_at: NOW,
      });
      const { count } = await db.query
        .selectFrom('clients')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow();
      expect(count).toBe(1);
    });

    it('outside a transaction cannot change anything', async () => {
      await expect(db.query.deleteFrom('users').execute()).rejects.toThrow('Database.query is for reads');
      await expect(db.query.transaction().execute(() => Promise.resolve())).rejects.toThrow('Database.write');
    });

    it('do not wait for a write transaction, and see it only once it is committed', async () => {
      let seenInside: unknown;
      await db.write(async (tx) => {
        await addUser(tx, 'newcomer');
        seenInside = await findUser(db.query, 'newcomer');
      });
      expect(seenInside).toBeUndefined();
      expect(await findUser(db.query, 'newcomer')).toBeDefined();
    });

    it('treat SQL in a value as a value', async () => {
      expect(await findUser(db.query, `x' or '1'='1`)).toBeUndefined();
    });
  });

  describe('a write', () => {
    it('that throws leaves nothing behind', async () => {
      const attempt = db.write(async (tx) => {
        await addUser(tx, 'half');
        throw new Error('changed my mind');
      });
      await expect(attempt).rejects.toThrow('changed my mind');
      expect(await findUser(db.query, 'half')).toBeUndefined();
    });

    it('whose work swallowed the failure of a statement is rolled back and says so', async () => {
      const attempt = db.write(async (tx) => {
        await addUser(tx, 'before');
        const twice = { id: 'x', localpart: 'localpart-owner', created_at: NOW };
        await tx
          .insertInto('users')
          .values({ ...twice, displayname: null, locked_at: null, deactivated_at: null })
          .execute()
          .catch(() => undefined);
      });
      await expect(attempt).rejects.toThrow('it was rolled back');
      expect(await findUser(db.query, 'before')).toBeUndefined();
    });

    it('that breaks a reference is refused', async () => {
      const attempt = db.write((tx) => addSession(tx, { id: 's', user_id: 'nobody', client_id: 'client' }));
      await expect(attempt).rejects.not.toBeInstanceOf(Unavailable);
    });

    it('does not hold two live sessions on one device, but an ended one beside a live one', async () => {
      const session = { user_id: 'owner', client_id: 'client', device_id: 'PHONE' };
      await db.write((tx) => addSession(tx, { ...session, id: 'old', ended_at: NOW, end_reason: 'revoked' }));
      await db.write((tx) => addSession(tx, { ...session, id: 'live' }));
      await expect(db.write((tx) => addSession(tx, { ...session, id: 'second' }))).rejects.toThrow(/unique/i);
    });

    it('cannot go on after its end', async () => {
      let late = (): Promise<unknown> => Promise.resolve();
      await db.write((tx) => {
        late = () => addUser(tx, 'late');
        return findUser(tx, 'owner');
      });
      await expect(late()).rejects.toThrow();
      expect(await findUser(db.query, 'late')).toBeUndefined();
    });

    it('that takes too long is rolled back, and the next one gets its turn', async () => {
      const impatient = await engine.open({ transactionLimitMs: 50 });
      const attempt = impatient.write(async (tx) => {
        await addUser(tx, 'slow');
        await sleep(200);
        await addUser(tx, 'slower');
      });
      await expect(attempt).rejects.toBeInstanceOf(Unavailable);
      await impatient.write((tx) => addUser(tx, 'next'));
      await sleep(200);
      const users = await impatient.query.selectFrom('users').select('id').execute();
      expect(users.map(({ id }) => id)).toEqual(['next']);
    });

    it('is seen by the process that wrote it and by others as soon as it is acknowledged', async () => {
      const url = await engine.newUrl();
      const [one, other] = [await engine.open({ url }), await engine.open({ url })];
      for (let round = 0; round < 20; round++) {
        await one.write((tx) => addUser(tx, String(round)));
        expect(await findUser(other.query, String(round))).toBeDefined();
        await other.durable();
      }
    });
  });

  describe('consuming a token', () => {
    it('has one winner among many callers of one process', async () => {
      const tokens = Array.from({ length: 20 }, (_, index) => index);
      await db.write(async (tx) => {
        await addSession(tx, { id: 'raced', user_id: 'owner', client_id: 'client' });
        for (const token of tokens) await addTokens(tx, { sessionId: 'raced', name: `own ${String(token)}` });
      });
      const wins = await Promise.all(
        tokens.flatMap((token) =>
          Array.from({ length: 5 }, () =>
            db.write((tx) =>
              consumeRefreshToken(tx, {
                hash: hashSecret(`own ${String(token)} refresh`),
                userId: 'owner',
                at: NOW,
              }),
            ),
          ),
        ),
      );
      expect(wins.filter(Boolean)).toHaveLength(tokens.length);
    });

    it('has one winner among many processes', async () => {
      const url = await engine.newUrl();
      const shared = await engine.open({ url });
      const count = 100;
      await shared.write(async (tx) => {
        await addUser(tx, 'owner');
        await addClient(tx, 'client');
        await addSession(tx, { id: 'raced', user_id: 'owner', client_id: 'client' });
        for (let token = 0; token < count; token++) {
          await addTokens(tx, { sessionId: 'raced', name: `token ${String(token)}` });
        }
      });
      const workers = [1, 2, 3].map(() => startWorker('race', [url, String(count)]));
      await Promise.all(workers.map((worker) => messageOf(worker)));
      for (const worker of workers) worker.send('go');
      const won = await Promise.all(workers.map((worker) => messageOf<number[]>(worker)));
      await Promise.all(workers.map(endOf));
      expect(won.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, token) => token));
    });
  });

  it('is checked by a query, and after it was closed is unavailable', async () => {
    const own = await engine.open();
    await own.check();
    await own.close();
    await own.close();
    await expect(own.check()).rejects.toBeInstanceOf(Unavailable);
    await expect(findUser(own.query, 'owner')).rejects.toBeInstanceOf(Unavailable);
    await expect(own.write((tx) => addUser(tx, 'late'))).rejects.toBeInstanceOf(Unavailable);
    await expect(own.durable()).rejects.toBeInstanceOf(Unavailable);
  });

  it('refuses a statement that is wrong with its own error, not as unavailable', async () => {
    await expect(sql`select nothing from nowhere`.execute(db.query)).rejects.not.toBeInstanceOf(Unavailable);
  });
});
