/** Leases, periodic work, change hints, clean-up. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { hashSecret } from '../../src/protocol/token-format.ts';
import { type ChangeTopic, noteChange, watchChanges } from '../../src/storage/changes.ts';
import { cleanUp } from '../../src/storage/cleanup.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { releaseLease, takeLease } from '../../src/storage/leases.ts';
import { insertLoginToken } from '../../src/storage/records/login-tokens.ts';
import { startPeriodicWork } from '../../src/storage/periodic.ts';
import { findAccessToken, findRefreshToken } from '../../src/storage/records/tokens.ts';
import { forEachEngine } from '../support/database.ts';
import { testLog } from '../upstream/support/log.ts';
import { addClient, addSession, addTokens, addUser, NOW } from './support.ts';

const DAY = 86_400_000;

/** Nothing else is cached by several processes yet. */
const another = 'another topic' as ChangeTopic;

forEachEngine((engine) => {
  let db: Database;
  let other: Database;
  beforeAll(async () => {
    const url = await engine.newUrl();
    db = await engine.open({ url, ...(engine.name === 'postgres' && { directUrl: url }) });
    other = await engine.open({ url });
  });

  describe('a lease', () => {
    it('has one holder at a time, who can renew it, and passes on when it is released or runs out', async () => {
      const lease = { name: 'cleaning', ttlMs: 60_000 };
      const takers = ['a', 'b', 'c', 'd'].map((holder) => takeLease(db, { ...lease, holder }));
      expect((await Promise.all(takers)).filter(Boolean)).toHaveLength(1);
      const { holder } = await db.query.selectFrom('leases').select('holder').executeTakeFirstOrThrow();
      expect(await takeLease(db, { ...lease, holder })).toBe(true);
      expect(await takeLease(other, { ...lease, holder: 'e' })).toBe(false);
      await releaseLease(other, { name: 'cleaning', holder: 'e' });
      expect(await takeLease(other, { ...lease, holder: 'e' })).toBe(false);
      await releaseLease(db, { name: 'cleaning', holder });
      expect(await takeLease(other, { name: 'cleaning', holder: 'e', ttlMs: 20 })).toBe(true);
      await sleep(40);
      expect(await takeLease(db, { ...lease, holder: 'f' })).toBe(true);
    });
  });

  describe('periodic work', () => {
    it('is done by one of two processes, and by the other once the first has ended', async () => {
      const done: string[] = [];
      const start = (database: Database, holder: string): ReturnType<typeof startPeriodicWork> =>
        startPeriodicWork({
          database,
          name: 'outbox',
          holder,
          everyMs: 60_000,
          work: () => {
            done.push(holder);
            return Promise.resolve();
          },
        });
      const one = start(db, 'one');
      const two = start(other, 'two');
      expect([await one.runNow(), await two.runNow(), await one.runNow()]).toEqual([true, false, true]);
      await one.close();
      expect(await two.runNow()).toBe(true);
      await two.close();
      expect(done).toEqual(['one', 'one', 'two']);
    });

    it('that failed is logged and tried again, and is told to stop when it is closed', async () => {
      const said: string[] = [];
      let rounds = 0;
      let stopped = false;
      const work = startPeriodicWork({
        database: db,
        name: 'failing',
        holder: 'me',
        everyMs: 20,
        log: { warn: () => undefined, error: (_details, message) => said.push(message) },
        work: async (signal) => {
          signal.addEventListener('abort', () => (stopped = true));
          if (++rounds > 1) return;
          // Longer than the pause between two rounds: still one failure.
          await sleep(70);
          throw new Error('broken');
        },
      });
      await vi.waitFor(() => {
        expect(rounds).toBeGreaterThan(2);
      });
      await work.close();
      expect(said).toEqual(['periodic work failed; it is tried again']);
      expect(stopped).toBe(true);
    });
  });

  describe('a change', () => {
    it('is told to nobody once the watcher is closed, which waits for the look under way', async () => {
      const log = testLog();
      const database = await engine.open();
      const watcher = watchChanges({ database, log });
      const heard: string[] = [];
      watcher.subscribe('signing_keys', () => heard.push('told'));
      void watcher.look();
      await watcher.close();
      await database.close();
      await watcher.look();
      expect({ heard, lines: log.lines }).toEqual({ heard: [], lines: [] });
    });

    it('is heard by every process within a second of its commit, and not before', async () => {
      const heard: string[] = [];
      const watchers = [db, other].map((database, index) => {
        const watcher = watchChanges({ database });
        watcher.subscribe('signing_keys', () => heard.push(`clients ${String(index)}`));
        watcher.subscribe(another, () => heard.push(`users ${String(index)}`));
        return watcher;
      });
      await Promise.all(watchers.map((watcher) => watcher.look()));
      heard.length = 0;
      const began = performance.now();
      await other.write(async (tx) => {
        await noteChange(tx, 'signing_keys');
        await Promise.all(watchers.map((watcher) => watcher.look()));
        expect(heard).toEqual([]);
      });
      await vi.waitFor(
        () => {
          expect(new Set(heard)).toEqual(new Set(['clients 0', 'clients 1']));
        },
        { interval: 10, timeout: 3000 },
      );
      expect(performance.now() - began).toBeLessThan(1500);
      await other.write((tx) => noteChange(tx, 'signing_keys'));
      await Promise.all(watchers.map((watcher) => watcher.look()));
      await Promise.all(watchers.map((watcher) => watcher.look()));
      expect(heard).toHaveLength(4);
      await Promise.all(watchers.map((watcher) => watcher.close()));
    });

    it.runIf(engine.name === 'postgres' && !process.env['GATEHOUSE_TEST_PGBOUNCER'])(
      'is heard at once over a direct connection',
      async () => {
        let hints = 0;
        const end = db.onHint(() => hints++);
        await vi.waitFor(async () => {
          await other.write((tx) => noteChange(tx, another));
          expect(hints).toBeGreaterThan(0);
        });
        end();
      },
    );
  });

  describe('clean-up', () => {
    it('removes what is over, in small steps, and nothing that lives', async () => {
      await db.write(async (tx) => {
        await addUser(tx, 'user');
        for (const [id, lastUsed] of [
          ['used', NOW - 90 * DAY],
          ['unused', NOW - 90 * DAY],
          ['recent', NOW - DAY + 1],
          ['ended long ago', NOW - 90 * DAY],
        ] as const) {
          await addClient(tx, id, lastUsed);
        }
        const session = { user_id: 'user', client_id: 'used' };
        await addSession(tx, { ...session, id: 'live' });
        await addSession(tx, { ...session, id: 'just ended', ended_at: NOW - DAY, end_reason: 'revoked' });
        for (let index = 0; index < 5; index++) {
          const id = `ended ${String(index)}`;
          const ended = { ended_at: NOW - 31 * DAY, end_reason: 'revoked' as const };
          await addSession(tx, { ...session, client_id: 'ended long ago', id, ...ended });
          for (let pair = 0; pair < 4; pair++) {
            await addTokens(tx, { sessionId: id, name: `${id} ${String(pair)}`, expiresAt: NOW - 31 * DAY });
          }
        }
        await addTokens(tx, { sessionId: 'live', name: 'expired', expiresAt: NOW - 2 * 3_600_000 });
        await addTokens(tx, { sessionId: 'live', name: 'just expired', expiresAt: NOW - 60_000 });
        await addTokens(tx, { sessionId: 'live', name: 'everlasting', expiresAt: null });
        for (const [name, expiresAt] of [
          ['long over', NOW - 3_600_001],
          ['just over', NOW - 60_000],
          ['good', NOW + 10_000],
        ] as const) {
          await insertLoginToken(tx, {
            hash: hashSecret(name),
            user_id: 'user',
            created_at: NOW - DAY,
            expires_at: expiresAt,
          });
        }
      });
      const report = await cleanUp({ database: db, now: NOW, step: 3 });
      expect(report).toMatchObject({
        signInSteps: 1,
        clientSteps: 0,
        clientSessions: 0,
        endedSessions: 5,
        unusedClients: 2,
      });
      const left = async (table: 'sessions' | 'clients'): Promise<string[]> =>
        (await db.query.selectFrom(table).select('id').orderBy('id').execute()).map(({ id }) => id);
      expect(await left('sessions')).toEqual(['just ended', 'live']);
      expect(await left('clients')).toEqual(['recent', 'used']);
      for (const table of ['access_tokens', 'refresh_tokens'] as const) {
        const tokens = await db.query.selectFrom(table).select('session_id').execute();
        expect(tokens.map(({ session_id }) => session_id)).toEqual(['live', 'live', 'live']);
      }
      const loginTokens = await db.query.selectFrom('login_tokens').select('hash').execute();
      expect(loginTokens.map(({ hash }) => hash).sort()).toEqual(
        ['just over', 'good'].map((name) => hashSecret(name)).sort(),
      );
      const again = await cleanUp({ database: db, now: NOW });
      expect(Object.values(again).every((removed) => removed === 0)).toBe(true);
    });

    it('stops between two steps when it is told to', async () => {
      const stop = new AbortController();
      stop.abort();
      const report = await cleanUp({ database: db, now: NOW + 365 * DAY, signal: stop.signal });
      expect(report.endedSessions).toBe(0);
      expect(await findAccessToken(db.query, 'none' as never)).toBeUndefined();
      expect(await findRefreshToken(db.query, 'none' as never)).toBeUndefined();
    });
  });
});
