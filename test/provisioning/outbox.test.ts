/** What the homeserver must still be told: kept until it is acknowledged, in order per user, against a peer that fails for a while. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Homeserver } from '../../src/homeserver/connector.ts';
import { synapseHomeserver } from '../../src/homeserver/synapse.ts';
import { deactivatePerson, lockPerson, unlockPerson } from '../../src/people/people.ts';
import { deliverOutbox } from '../../src/provisioning/deliver.ts';
import {
  keepDevice,
  queueDeviceDeletion,
  queueTelling,
  type Telling,
} from '../../src/provisioning/outbox.ts';
import { inTurn } from '../../src/provisioning/turns.ts';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { endSession } from '../../src/sessions/end.ts';
import { nameDevice } from '../../src/sessions/name-device.ts';
import type { OutboxKind } from '../../src/storage/records/outbox.ts';
import { MINUTE, sessionCore } from '../sessions/support.ts';
import { forEachEngine } from '../support/database.ts';
import {
  type ScriptedSynapse,
  type ScriptedUser,
  startScriptedSynapse,
} from '../support/scripted-synapse.ts';

/** One of each kind; a kind that is missing here does not compile. */
const tellings: { readonly [Kind in OutboxKind]: Extract<Telling, { kind: Kind }>['payload'] } = {
  upsert_device: { displayname: 'Phone' },
  delete_device: {},
  rename_device: { displayname: 'Tablet' },
  set_profile: { displayname: 'Alice', emails: ['alice@example.org'], avatarUrl: 'mxc://example.org/a' },
  set_locked: { locked: true },
  deactivate_user: { erase: true },
  reactivate_user: {},
};

/** What the homeserver has after each, of a user with the device D and no session on it. */
const effects: { readonly [Kind in OutboxKind]: (user: ScriptedUser | undefined) => unknown } = {
  upsert_device: (user) => expect(user?.devices.get('D')).toBe('Phone'),
  delete_device: (user) => expect(user?.devices.has('D')).toBe(false),
  rename_device: (user) => expect(user?.devices.get('D')).toBe('Tablet'),
  set_profile: (user) =>
    expect(user).toMatchObject({
      displayname: 'Alice',
      emails: ['alice@example.org'],
      avatarUrl: 'mxc://example.org/a',
    }),
  set_locked: (user) => expect(user?.locked).toBe(true),
  deactivate_user: (user) => expect(user?.deactivated).toBe(true),
  reactivate_user: (user) => expect(user?.deactivated).toBe(false),
};

forEachEngine((engine) => {
  let synapse: ScriptedSynapse;
  let homeserver: Homeserver;
  let core: Awaited<ReturnType<typeof sessionCore>>;
  let deps: Omit<typeof core, 'homeserver'> & { homeserver: Homeserver };
  const user = (): ScriptedUser | undefined => synapse.users.get(`user-${core.userId}`);
  const left = async (): Promise<string[]> =>
    (
      await core.db.query.selectFrom('outbox').select('kind').orderBy('created_at').orderBy('id').execute()
    ).map(({ kind }) => kind);
  const queue = async (kind: OutboxKind, deviceId = 'D'): Promise<void> => {
    core.clock.advance(1);
    const telling = { kind, userId: core.userId, deviceId, payload: tellings[kind] } as Telling;
    await core.db.write((tx) => queueTelling(tx, deps, { ...telling, now: core.clock.now() }));
  };

  beforeEach(async () => {
    synapse = await startScriptedSynapse();
    const { url, secret } = synapse;
    homeserver = synapseHomeserver({
      url,
      secret,
      allowHttp: false,
      clock: systemClock,
      random: systemRandom,
    });
    core = await sessionCore(await engine.open());
    deps = { ...core, homeserver };
    await homeserver.provisionUser({ localpart: `user-${core.userId}` });
    await homeserver.upsertDevice({ localpart: `user-${core.userId}`, deviceId: 'D' });
    synapse.calls.length = 0;
  });
  afterEach(async () => {
    await homeserver.close();
    await synapse[Symbol.asyncDispose]();
  });

  describe.each(Object.keys(tellings) as OutboxKind[])('%s', (kind) => {
    it('reaches the homeserver, and is gone then', async () => {
      await queue(kind);
      expect(await deliverOutbox(deps)).toBe(1);
      effects[kind](user());
      expect(await left()).toEqual([]);
    });

    it('stays while the homeserver fails, and reaches it afterwards', async () => {
      await queue(kind);
      synapse.fail('*', { kind: 'status', status: 503, retryAfter: 1 });
      expect(await deliverOutbox(deps)).toBe(0);
      expect(await left()).toEqual([kind]);
      expect(await deliverOutbox(deps)).toBe(0);
      core.clock.advance(7_500);
      expect(await deliverOutbox(deps)).toBe(1);
      effects[kind](user());
    });

    it('is carried out twice if its answer was lost, which does no harm', async () => {
      await queue(kind);
      synapse.fail('*', { kind: 'cut' });
      expect(await deliverOutbox(deps)).toBe(1);
      effects[kind](user());
      expect(await left()).toEqual([]);
    });

    it('is dropped if the homeserver has no such user, as nothing can be told then', async () => {
      synapse.users.clear();
      await queue(kind);
      expect(await deliverOutbox(deps)).toBe(1);
      expect(await left()).toEqual([]);
    });
  });

  it('one user hears everything in order, also behind an entry that failed; others do not wait', async () => {
    const kinds: OutboxKind[] = ['set_locked', 'rename_device', 'set_profile', 'deactivate_user'];
    for (const kind of kinds) await queue(kind);
    synapse.fail('provision_user', { kind: 'status', status: 403 });
    expect(await deliverOutbox(deps)).toBe(0);
    expect(await left()).toEqual(kinds);
    expect(synapse.calls).toEqual(['provision_user']);
    core.clock.advance(7_500);
    synapse.calls.length = 0;
    expect(await deliverOutbox(deps)).toBe(4);
    expect(synapse.calls).toEqual([
      'provision_user',
      'update_device_display_name',
      'provision_user',
      'delete_user',
    ]);
  });

  it('a failure is tried again ever more rarely, at least every quarter of an hour', async () => {
    await queue('set_locked');
    synapse.fail('*', { kind: 'status', status: 403 }, 1000);
    let rounds = 0;
    for (let minute = 0; minute < 180; minute++) {
      core.clock.advance(MINUTE);
      const before = synapse.calls.length;
      await deliverOutbox(deps);
      if (synapse.calls.length > before) rounds++;
      // The circuit of the connector rests by the system's clock; here only the outbox is looked at.
      synapse.heal();
      synapse.fail('*', { kind: 'status', status: 403 }, 1000);
    }
    expect(rounds).toBeLessThan(40);
    expect(await left()).toEqual(['set_locked']);
  });

  it('a session that begins on a device takes back what would delete it, and has it made once more', async () => {
    await queue('delete_device');
    await queue('delete_device', 'ANOTHER');
    const device = { userId: core.userId, deviceId: 'D', displayname: 'Phone', now: core.clock.now() };
    await core.db.write((tx) => keepDevice(tx, deps, device));
    expect((await left()).sort()).toEqual(['delete_device', 'upsert_device']);
    await core.db.write((tx) => keepDevice(tx, deps, { ...device, deviceId: 'NEW' }));
    expect(await left()).toHaveLength(2);
  });

  it('a device that a live session holds by then is not deleted', async () => {
    await core.begin({ deviceId: 'D' });
    await core.db.write((tx) =>
      queueDeviceDeletion(tx, deps, { userId: core.userId, deviceId: 'D', now: core.clock.now() }),
    );
    expect(await deliverOutbox(deps)).toBe(1);
    expect(synapse.calls).toEqual([]);
    expect(user()?.devices.has('D')).toBe(true);
  });

  it.each<[string, () => Promise<unknown>, string[]]>([
    ['locking', () => lockPerson(deps, core.userId), ['provision_user']],
    [
      'unlocking',
      async () => {
        await lockPerson(core, core.userId);
        await unlockPerson(deps, core.userId);
      },
      ['provision_user'],
    ],
    ['deactivating', () => deactivatePerson(deps, core.userId), ['delete_user']],
    [
      'naming a device',
      async () => {
        await core.begin({ deviceId: 'D' });
        await nameDevice(deps, { userId: core.userId, deviceId: 'D', name: 'Tablet' });
      },
      ['update_device_display_name'],
    ],
    [
      'ending a session',
      async () => {
        const { sessionId } = await core.begin({ deviceId: 'D' });
        await endSession(deps, { sessionId, reason: 'revoked' });
      },
      ['delete_device'],
    ],
  ])('%s is told at once, or as soon as it can be', async (_what, act, calls) => {
    await act();
    expect(synapse.calls).toEqual(calls);
    expect(await left()).toEqual([]);
  });

  it('what is told of one user is told one thing after the other', async () => {
    const order: string[] = [];
    const slow = inTurn(homeserver, 'a', async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      order.push('first');
      throw new Error('no matter');
    });
    const next = inTurn(homeserver, 'a', () => Promise.resolve(order.push('second')));
    const other = inTurn(homeserver, 'b', () => Promise.resolve(order.push('other')));
    await expect(slow).rejects.toThrow('no matter');
    await Promise.all([next, other]);
    expect(order).toEqual(['other', 'first', 'second']);
  });
});
