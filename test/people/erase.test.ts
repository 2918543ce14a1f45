/** What may become of a deactivated person: they come back, or their data is erased. */
import { expect, it } from 'vitest';
import { eraseDeactivated, reactivatePerson } from '../../src/people/erase.ts';
import { deactivatePerson, lockPerson } from '../../src/people/people.ts';
import { markUserDeactivated } from '../../src/storage/records/people.ts';
import { insertLink, findUser } from '../../src/storage/records/users.ts';
import { findAccess } from '../../src/verification/own-token.ts';
import { sessionCore } from '../sessions/support.ts';
import { forEachEngine } from '../support/database.ts';

type Core = Awaited<ReturnType<typeof sessionCore>>;

const steps = {
  lock: (core: Core) => lockPerson(core, core.userId),
  deactivate: async (core: Core) => (await deactivatePerson(core, core.userId)).changed,
  reactivate: (core: Core) => reactivatePerson(core, core.userId),
  erase: (core: Core) => eraseDeactivated(core, core.userId),
};

forEachEngine((engine) => {
  it.each<[(keyof typeof steps)[], boolean]>([
    [['reactivate'], false],
    [['erase'], false],
    [['lock', 'reactivate'], false],
    [['lock', 'erase'], false],
    [['deactivate', 'reactivate'], true],
    [['deactivate', 'reactivate', 'reactivate'], false],
    [['deactivate', 'erase'], true],
    [['deactivate', 'erase', 'erase'], false],
    [['deactivate', 'erase', 'reactivate'], false],
    [['deactivate', 'reactivate', 'erase'], false],
    [['deactivate', 'reactivate', 'deactivate', 'erase'], true],
  ])('%j: the last step changes something: %s', async (names, changes) => {
    const core = await sessionCore(await engine.open());
    let changed = false;
    for (const name of names) changed = await steps[name](core);
    expect(changed).toBe(changes);
  });

  it('who is reactivated may have a session again, and the old ones stay ended', async () => {
    const core = await sessionCore(await engine.open());
    await core.begin({ deviceId: 'OLD' });
    await deactivatePerson(core, core.userId);
    await reactivatePerson(core, core.userId);
    await core.begin({ deviceId: 'NEW' });
    const live = core.db.query.selectFrom('sessions').select('device_id').where('ended_at', 'is', null);
    expect(await live.execute()).toEqual([{ device_id: 'NEW' }]);
  });

  it('the homeserver is told of each, in order', async () => {
    const core = await sessionCore(await engine.open());
    const told: unknown[] = [];
    const homeserver = {
      ...core.homeserver,
      deactivateUser: ({ erase }: { erase: boolean }) => Promise.resolve(void told.push({ erase })),
      reactivateUser: () => Promise.resolve(void told.push('reactivate')),
    };
    for (const step of ['deactivate', 'reactivate', 'deactivate', 'erase'] as const) {
      await steps[step]({ ...core, homeserver });
    }
    expect(told).toEqual([{ erase: false }, 'reactivate', { erase: false }, { erase: true }]);
  });

  it('a session that a deactivation has left alive, as it failed half way, does not come back', async () => {
    const core = await sessionCore(await engine.open());
    const { accessToken } = await core.begin();
    await core.db.write((tx) => markUserDeactivated(tx, { id: core.userId, at: core.clock.now() }));
    expect(await reactivatePerson(core, core.userId)).toBe(true);
    expect(await findAccess(core, accessToken)).toMatchObject({ kind: 'inactive', reason: 'ended' });
  });

  it('of who is erased, the localpart stays and no other name', async () => {
    const core = await sessionCore(await engine.open());
    await core.db.write((tx) =>
      insertLink(tx, {
        issuer: 'https://idp.example',
        subject: 'subject-of-the-person',
        provider_id: 'main',
        user_id: core.userId,
        created_at: 0,
        last_login_at: 0,
      }),
    );
    await core.begin({ deviceId: 'LAPTOP' });
    const [session] = await core.db.query.selectFrom('sessions').select('id').execute();
    await core.db.write((tx) =>
      tx
        .updateTable('sessions')
        .set({ device_name: 'Laptop of the person' })
        .where('id', '=', session?.id ?? '')
        .execute(),
    );
    await deactivatePerson(core, core.userId);
    await eraseDeactivated(core, core.userId);
    const user = await findUser(core.db.query, core.userId);
    expect(user).toMatchObject({ displayname: null, erased_at: core.clock.now() });
    expect(user?.localpart).not.toBe('');
    expect(await core.db.query.selectFrom('upstream_links').selectAll().execute()).toEqual([]);
    expect(await core.db.query.selectFrom('sessions').select('device_name').execute()).toEqual([
      { device_name: null },
    ]);
  });
});
