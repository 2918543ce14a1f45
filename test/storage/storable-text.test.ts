/** Text of providers and clients that an engine cannot store answers the same on every engine. */
import { describe, expect, it, beforeAll } from 'vitest';
import type { Database } from '../../src/storage/engine/database.ts';
import { findUser, findUserByLocalpart } from '../../src/storage/records/users.ts';
import { forEachEngine } from '../support/database.ts';
import { NOW, addClient, addSession, addUser } from './support.ts';

const REPLACED = '\ufffd';

const texts: [string, string, string][] = [
  ['a NUL', '\0', REPLACED],
  ['NULs within a word', 'a\0b\0c', `a${REPLACED}b${REPLACED}c`],
  ['the first half of a surrogate pair', 'a\ud83d', `a${REPLACED}`],
  ['the second half of a surrogate pair', '\ude00b', `${REPLACED}b`],
  ['the halves of a surrogate pair in the wrong order', '\ude00\ud83d', REPLACED + REPLACED],
  ['a NUL and a half', '\0\ud83d', REPLACED + REPLACED],
  ['a whole surrogate pair', '😀', '😀'],
  ['other control characters', 'a\u0001\t\n\u007f', 'a\u0001\t\n\u007f'],
  ['combining marks and joiners', 'e\u0301\u200d', 'e\u0301\u200d'],
  ['the replacement character', REPLACED, REPLACED],
  ['an escaped NUL, as in JSON', '"\\u0000"', '"\\u0000"'],
  ['nothing', '', ''],
];

forEachEngine((engine) => {
  let db: Database;
  beforeAll(async () => {
    db = await engine.open();
    await db.write((tx) => addUser(tx, 'someone'));
    await db.write((tx) => addClient(tx, 'client'));
  });

  describe.each(texts)('%s', (_, text, stored) => {
    it('is stored as text that every engine has, and found by what was sent', async () => {
      const session = `session of ${text}`;
      await db.write((tx) =>
        addSession(tx, {
          id: session,
          user_id: 'someone',
          client_id: 'client',
          upstream_sid: text,
          device_name: text,
          device_id: text,
        }),
      );
      const found = await db.query
        .selectFrom('sessions')
        .select(['id', 'upstream_sid', 'device_name', 'device_id'])
        .where('upstream_sid', '=', text)
        .where('id', '=', session)
        .execute();
      expect(found).toEqual([
        { id: `session of ${stored}`, upstream_sid: stored, device_name: stored, device_id: stored },
      ]);
      await db.write((tx) => tx.deleteFrom('sessions').where('id', '=', session).execute());
    });

    it('is no failure in a query that is compiled once, nor in a look-up outside transactions', async () => {
      expect(await findUser(db.query, `nobody ${text}`)).toBeUndefined();
      expect(await findUserByLocalpart(db.query, `nobody ${text}`)).toBeUndefined();
      await db.write(async (tx) => {
        expect(await findUser(tx, `nobody ${text}`)).toBeUndefined();
        await tx.updateTable('users').set({ displayname: text, created_at: NOW }).execute();
      });
      expect((await findUser(db.query, 'someone'))?.displayname).toBe(stored);
    });
  });
});
