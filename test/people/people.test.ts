/** People locked and deactivated, and many sessions ended at once, with a homeserver that writes down what it is told. */
import { expect, it } from 'vitest';
import { findAccess } from '../../src/verification/own-token.ts';
import { endSessions } from '../../src/sessions/end-many.ts';
import { deliverOutbox } from '../../src/provisioning/deliver.ts';
import { deactivatePerson, lockPerson, unlockPerson } from '../../src/people/people.ts';
import { rotateTokens } from '../../src/sessions/rotate.ts';
import { forEachEngine } from '../support/database.ts';
import { MINUTE, sessionCore } from '../sessions/support.ts';

forEachEngine((engine) => {
  it('a locked user keeps sessions and devices; their tokens say so, and refreshing goes on', async () => {
    const core = await sessionCore(await engine.open());
    const tokens = await core.begin();
    expect(await lockPerson(core, core.userId)).toBe(true);
    expect(await lockPerson(core, core.userId)).toBe(false);
    expect(await findAccess(core, tokens.accessToken)).toMatchObject({ kind: 'locked' });
    const rotated = await rotateTokens(core, { refreshToken: tokens.refreshToken, clientId: core.clientId });
    expect(rotated.ok).toBe(true);
    expect(core.homeserver.deleted).toEqual([]);
    expect(await unlockPerson(core, core.userId)).toBe(true);
    expect(await findAccess(core, tokens.accessToken)).toMatchObject({ kind: 'active' });
  });

  it('a deactivated user loses every session and device, and gets no new one', async () => {
    const core = await sessionCore(await engine.open());
    const tokens = [await core.begin({ deviceId: 'A' }), await core.begin({ deviceId: 'B' })];
    expect(await deactivatePerson(core, core.userId)).toEqual({ changed: true, ended: 2 });
    for (const { accessToken, refreshToken } of tokens) {
      expect(await findAccess(core, accessToken)).toMatchObject({ kind: 'inactive', reason: 'ended' });
      expect(await rotateTokens(core, { refreshToken, clientId: core.clientId })).toMatchObject({
        ok: false,
      });
    }
    expect(core.homeserver.deleted.map(({ deviceId }) => deviceId).sort()).toEqual(['A', 'B']);
    await expect(core.begin({ deviceId: 'C' })).rejects.toThrow();
    expect(await deactivatePerson(core, core.userId)).toEqual({ changed: false, ended: 0 });
    expect(await lockPerson(core, core.userId)).toBe(false);
    expect(await unlockPerson(core, core.userId)).toBe(false);
  });

  it('sign-ins that race with a deactivation leave no session alive', async () => {
    const core = await sessionCore(await engine.open());
    const attempts = Array.from({ length: 10 }, (_, device) =>
      core.begin({ deviceId: `D${String(device)}` }),
    );
    const [, ...outcomes] = await Promise.all([
      deactivatePerson(core, core.userId),
      ...attempts.map((attempt) => attempt.catch(() => undefined)),
    ]);
    for (const tokens of outcomes) {
      if (tokens !== undefined)
        expect(await findAccess(core, tokens.accessToken)).toMatchObject({ kind: 'inactive' });
    }
    const live = await core.db.query
      .selectFrom('sessions')
      .select('id')
      .where('ended_at', 'is', null)
      .execute();
    expect(live).toEqual([]);
  });

  it('more sessions than a batch end all the same; a homeserver that is down hears of them later', async () => {
    const core = await sessionCore(await engine.open());
    for (let device = 0; device < 55; device++) await core.begin({ deviceId: `D${String(device)}` });
    core.homeserver.down = true;
    expect(await endSessions(core, { of: { clientId: core.clientId }, reason: 'ended_by_admin' })).toBe(55);
    expect(core.homeserver.deleted).toEqual([]);
    core.homeserver.down = false;
    core.clock.advance(10 * MINUTE);
    while ((await deliverOutbox(core)) > 0);
    expect(new Set(core.homeserver.deleted.map(({ deviceId }) => deviceId)).size).toBe(55);
    expect(await endSessions(core, { of: { userId: core.userId }, reason: 'ended_by_admin' })).toBe(0);
  });

  it.each([
    ['nothing', {}],
    ['a user without an id', { userId: undefined }],
    ['a client without an id', { clientId: undefined }],
    ['an empty user id', { userId: '' }],
    ['an empty client id', { clientId: '' }],
    ['both without an id', { userId: undefined, clientId: undefined }],
  ])('ending the sessions of %s is refused and ends none', async (_, of) => {
    const core = await sessionCore(await engine.open());
    const { accessToken } = await core.begin();
    await expect(
      endSessions(core, { of: of as unknown as { userId: typeof core.userId }, reason: 'ended_by_admin' }),
    ).rejects.toThrow('neither is named');
    expect(await findAccess(core, accessToken)).toMatchObject({ kind: 'active' });
  });
});
