/** Where the homeserver differs from what is true here: found, repaired through the outbox, and never at the cost of a session that has just begun. */
import { expect, it } from 'vitest';
import type { Homeserver, KnownDevice } from '../../src/homeserver/connector.ts';
import { syncUsers } from '../../src/provisioning/drift.ts';
import { queueDeviceDeletion, queueTelling } from '../../src/provisioning/outbox.ts';
import { summariseOutbox } from '../../src/storage/records/outbox.ts';
import { findUser, type User } from '../../src/storage/records/users.ts';
import { sessionCore } from '../sessions/support.ts';
import { forEachEngine } from '../support/database.ts';

forEachEngine((engine) => {
  /** A user with a session on DEVICE, and a homeserver that has these devices. */
  const setUp = async (devices: KnownDevice[]) => {
    const core = await sessionCore(await engine.open());
    const account = { displayname: null, avatarUrl: null, deactivated: false, suspended: false };
    const homeserver: Homeserver = {
      ...core.homeserver,
      findUser: ({ localpart }) =>
        Promise.resolve({ ...account, localpart, userId: `@${localpart}:example.org` }),
      listDevices: () => Promise.resolve(devices),
    };
    await core.begin();
    const user = (await findUser(core.db.query, core.userId)) as User;
    const sync = (pause: () => Promise<unknown> = () => Promise.resolve()) =>
      syncUsers(
        { ...core, homeserver },
        {
          users: [user],
          accessToken: '',
          dryRun: false,
          pause: async () => {
            await pause();
          },
        },
      );
    return { core, homeserver, user, sync };
  };
  const device = (deviceId: string, dehydrated = false): KnownDevice => ({ deviceId, dehydrated });

  it('finds nothing where both agree', async () => {
    const { sync, core } = await setUp([device('DEVICE')]);
    expect(await sync()).toEqual([]);
    expect(core.homeserver.deleted).toEqual([]);
  });

  it('deletes what is left over, makes what is missing, and spares what is dehydrated', async () => {
    const { sync, core, user } = await setUp([device('OLD'), device('KEYS', true)]);
    expect(await sync()).toMatchObject([
      { difference: { kind: 'device_missing', deviceId: 'DEVICE' }, repaired: true },
      { difference: { kind: 'device_left_over', deviceId: 'OLD' }, repaired: true },
    ]);
    expect(core.homeserver.deleted).toEqual([{ localpart: user.localpart, deviceId: 'OLD' }]);
    expect(core.homeserver.upserted).toEqual([{ localpart: user.localpart, deviceId: 'DEVICE' }]);
  });

  it('leaves a device whose session begins while it looks', async () => {
    const { sync, core } = await setUp([device('DEVICE'), device('NEW')]);
    expect(await sync(() => core.begin({ deviceId: 'NEW' }))).toEqual([]);
    expect(core.homeserver.deleted).toEqual([]);
  });

  it('keeps what cannot be told now in the outbox, which the summary counts by kind', async () => {
    const { sync, core, homeserver, user } = await setUp([device('DEVICE'), device('OLD')]);
    core.homeserver.down = true;
    const deps = { ...core, homeserver: { ...homeserver, deleteDevice: core.homeserver.deleteDevice } };
    expect(await sync()).toMatchObject([{ difference: { kind: 'device_left_over' }, repaired: true }]);
    const about = { userId: user.id, now: core.clock.now() };
    await core.db.write(async (tx) => {
      await queueDeviceDeletion(tx, deps, { ...about, deviceId: 'OTHER' });
      await queueTelling(tx, deps, { kind: 'set_locked', ...about, payload: { locked: true } });
    });
    const oldest = core.clock.now();
    const summary = await summariseOutbox(core.db.query);
    expect(summary.sort((one, other) => one.kind.localeCompare(other.kind))).toEqual([
      { kind: 'delete_device', entries: 2, users: 1, oldest, attempts: 1 },
      { kind: 'set_locked', entries: 1, users: 1, oldest, attempts: 0 },
    ]);
    expect(await sync()).toEqual([]);
  });
});
