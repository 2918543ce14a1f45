import { beforeEach, describe, expect, it } from 'vitest';
import { findCrowd } from '../../src/sessions/limits.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { forEachEngine } from '../support/database.ts';
import { type Core, sessionCore } from './support.ts';

forEachEngine((engine) => {
  let db: Database;
  let core: Core;
  beforeEach(async () => {
    db ??= await engine.open();
    core = await sessionCore(db);
    for (const deviceId of ['A', 'B', 'C']) await core.begin({ deviceId });
  });
  const wanted = (more: { clientId?: string; deviceId?: string } = {}) => ({
    userId: core.userId,
    clientId: core.clientId,
    deviceId: 'NEW',
    ...more,
  });

  describe('a limit on sessions', () => {
    it('is none where it is 0', async () => {
      expect(await findCrowd(db.query, { perUser: 0, perClient: 0 }, wanted())).toBeUndefined();
    });

    it('says how many have to end, of all or of the same client', async () => {
      expect(await findCrowd(db.query, { perUser: 4, perClient: 0 }, wanted())).toBeUndefined();
      expect(await findCrowd(db.query, { perUser: 3, perClient: 0 }, wanted())).toMatchObject({
        ofAll: 1,
        ofClient: 0,
      });
      expect(await findCrowd(db.query, { perUser: 1, perClient: 2 }, wanted())).toMatchObject({
        ofAll: 3,
        ofClient: 2,
      });
      expect(
        await findCrowd(db.query, { perUser: 0, perClient: 1 }, wanted({ clientId: 'another' })),
      ).toBeUndefined();
    });

    it('does not count the session that will be replaced, nor those that are about to end', async () => {
      expect(
        await findCrowd(db.query, { perUser: 3, perClient: 0 }, wanted({ deviceId: 'B' })),
      ).toBeUndefined();
      const crowd = await findCrowd(db.query, { perUser: 3, perClient: 0 }, wanted());
      const ending = new Set(crowd?.sessions.slice(0, 1).map(({ id }) => id));
      expect(
        await findCrowd(db.query, { perUser: 3, perClient: 0 }, { ...wanted(), ending }),
      ).toBeUndefined();
    });
  });
});
