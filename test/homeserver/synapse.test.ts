import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HomeserverFault } from '../../src/homeserver/calls.ts';
import { type Homeserver, UnknownUser } from '../../src/homeserver/connector.ts';
import { synapseHomeserver } from '../../src/homeserver/synapse.ts';
import { systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { Unavailable } from '../../src/protocol/unavailable.ts';
import { type Fault, type ScriptedSynapse, startScriptedSynapse } from '../support/scripted-synapse.ts';

let synapse: ScriptedSynapse;
let homeserver: Homeserver;

const connectTo = (url: string, secret: string): Homeserver =>
  synapseHomeserver({ url, secret, allowHttp: false, clock: systemClock, random: systemRandom });

beforeEach(async () => {
  synapse = await startScriptedSynapse();
  homeserver = connectTo(synapse.url, synapse.secret);
});

afterEach(async () => {
  await homeserver.close();
  await synapse[Symbol.asyncDispose]();
});

const alice = { localpart: 'alice' };

/** Every verb, about a user and a device. */
const verbs: [string, (to: Homeserver) => Promise<unknown>][] = [
  ['query_user', (to) => to.findUser(alice)],
  ['is_localpart_available', (to) => to.judgeLocalpart({ localpart: 'bob' })],
  ['provision_user', (to) => to.provisionUser({ ...alice, displayname: 'Alice' })],
  ['upsert_device', (to) => to.upsertDevice({ ...alice, deviceId: 'A' })],
  ['update_device_display_name', (to) => to.renameDevice({ ...alice, deviceId: 'A', displayname: 'x' })],
  ['delete_device', (to) => to.deleteDevice({ ...alice, deviceId: 'A' })],
  ['delete_user', (to) => to.deactivateUser({ ...alice, erase: false })],
  ['reactivate_user', (to) => to.reactivateUser(alice)],
  ['allow_cross_signing_reset', (to) => to.allowCrossSigningReset(alice)],
];

describe('users', () => {
  it('are created with a name, keep what is not mentioned, and lose what is taken away', async () => {
    await homeserver.provisionUser({ ...alice, displayname: 'Alice', emails: ['alice@example.org'] });
    await homeserver.provisionUser({ ...alice, avatarUrl: 'mxc://example.org/a', locked: true });
    expect(await homeserver.findUser(alice)).toEqual({
      localpart: 'alice',
      userId: '@alice:example.org',
      displayname: 'Alice',
      avatarUrl: 'mxc://example.org/a',
      deactivated: false,
      suspended: false,
    });
    expect(synapse.users.get('alice')).toMatchObject({ locked: true, emails: ['alice@example.org'] });
    await homeserver.provisionUser({ ...alice, displayname: null, avatarUrl: null });
    expect(await homeserver.findUser(alice)).toMatchObject({ displayname: null, avatarUrl: null });
  });

  it('that are not there are no answer, not a failure', async () => {
    expect(await homeserver.findUser(alice)).toBeUndefined();
  });

  it.each([
    ['carol', 'available'],
    ['alice', 'taken'],
    ['Al ice', 'invalid'],
    ['_bridge_dave', 'reserved'],
  ])('may have the localpart %j: %s', async (localpart, verdict) => {
    await homeserver.provisionUser(alice);
    synapse.reserved.add('_bridge_dave');
    expect(await homeserver.judgeLocalpart({ localpart })).toBe(verdict);
  });

  it('are deactivated and come back', async () => {
    await homeserver.provisionUser(alice);
    await homeserver.deactivateUser({ ...alice, erase: true });
    expect(await homeserver.findUser(alice)).toMatchObject({ deactivated: true });
    await homeserver.reactivateUser(alice);
    expect(await homeserver.findUser(alice)).toMatchObject({ deactivated: false });
  });

  it('may reset their cross-signing keys', async () => {
    await homeserver.provisionUser(alice);
    await homeserver.allowCrossSigningReset(alice);
    expect(synapse.users.get('alice')?.crossSigningReset).toBe(true);
  });
});

describe('devices', () => {
  beforeEach(() => homeserver.provisionUser(alice));
  const devices = (): [string, string | null][] => [...(synapse.users.get('alice')?.devices ?? [])];

  it('are made, named, and deleted, each as often as it is told', async () => {
    for (let time = 0; time < 2; time++)
      await homeserver.upsertDevice({ ...alice, deviceId: 'A', displayname: 'Phone' });
    expect(devices()).toEqual([['A', 'Phone']]);
    await homeserver.renameDevice({ ...alice, deviceId: 'A', displayname: 'Tablet' });
    expect(devices()).toEqual([['A', 'Tablet']]);
    for (let time = 0; time < 2; time++) await homeserver.deleteDevice({ ...alice, deviceId: 'A' });
    expect(devices()).toEqual([]);
    await homeserver.renameDevice({ ...alice, deviceId: 'A', displayname: 'Tablet' });
  });

  it('have names of at most 100 characters, and no character is cut in two', async () => {
    await homeserver.upsertDevice({ ...alice, deviceId: 'A', displayname: '😀'.repeat(150) });
    expect(devices()).toEqual([['A', '😀'.repeat(100)]]);
    await homeserver.renameDevice({ ...alice, deviceId: 'A', displayname: 'x'.repeat(101) });
    expect(devices()).toEqual([['A', 'x'.repeat(100)]]);
  });
});

describe('a user that the homeserver does not have', () => {
  it.each(
    verbs.filter(
      ([verb]) =>
        !['query_user', 'is_localpart_available', 'provision_user', 'update_device_display_name'].includes(
          verb,
        ),
    ),
  )('%s says so, and is not tried again', async (verb, call) => {
    await expect(call(homeserver)).rejects.toThrow(UnknownUser);
    expect(synapse.calls).toEqual([verb]);
  });
});

describe('a homeserver that fails', () => {
  beforeEach(async () => {
    await homeserver.provisionUser(alice);
    synapse.calls.length = 0;
  });

  describe.each(verbs)('%s', (verb, call) => {
    it.each<[string, Fault]>([
      ['a lost answer', { kind: 'cut' }],
      ['500', { kind: 'status', status: 500 }],
      ['502', { kind: 'status', status: 502 }],
    ])('is called again after %s', async (_what, fault) => {
      synapse.fail(verb, fault);
      await call(homeserver);
      expect(synapse.calls).toEqual([verb, verb]);
    });

    it.each<[string, Fault, number]>([
      ['answers that are lost every time', { kind: 'cut' }, 3],
      ['500 every time', { kind: 'status', status: 500 }, 3],
      ['503 with Retry-After', { kind: 'status', status: 503, retryAfter: 7 }, 1],
      ['429', { kind: 'status', status: 429, errcode: 'M_LIMIT_EXCEEDED' }, 1],
      ['403', { kind: 'status', status: 403 }, 1],
      ['401', { kind: 'status', status: 401, errcode: 'M_MISSING_TOKEN' }, 1],
      ['404 of a path that is not there', { kind: 'status', status: 404, errcode: 'M_UNRECOGNIZED' }, 1],
      ['400 of another contract', { kind: 'status', status: 400, errcode: 'M_MISSING_PARAM' }, 1],
    ])('is unavailable after %s', async (_what, fault, times) => {
      synapse.fail(verb, fault, 3);
      const error: unknown = await call(homeserver).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Unavailable);
      expect((error as Unavailable).cause).toBeInstanceOf(HomeserverFault);
      expect(synapse.calls).toHaveLength(times);
    });
  });

  it('says when to come again, if the homeserver did', async () => {
    synapse.fail('*', { kind: 'status', status: 503, retryAfter: 7 });
    await expect(homeserver.findUser(alice)).rejects.toMatchObject({ retryAfterSeconds: 7 });
  });

  it('is left alone after several failures in a row, and asked again after a moment', async () => {
    synapse.fail('*', { kind: 'status', status: 500 }, 100);
    await expect(homeserver.findUser(alice)).rejects.toThrow(Unavailable);
    await expect(homeserver.findUser(alice)).rejects.toThrow(Unavailable);
    const asked = synapse.calls.length;
    for (let time = 0; time < 5; time++)
      await expect(homeserver.findUser(alice)).rejects.toThrow(Unavailable);
    expect(synapse.calls).toHaveLength(asked);
    synapse.heal();
    await expect
      .poll(() => homeserver.findUser(alice).catch(() => undefined), { timeout: 5_000 })
      .toBeDefined();
  });

  it.each([
    ['a wrong secret', (): Homeserver => connectTo(synapse.url, 'another'), /another secret.*must be equal/],
    [
      'another server',
      (): Homeserver => connectTo(`${synapse.url}/elsewhere`, synapse.secret),
      /is not there: enable matrix_authentication_service/,
    ],
    ['nobody', (): Homeserver => connectTo('http://127.0.0.1:1', synapse.secret), /cannot be reached/],
    [
      'plain http to another host',
      (): Homeserver => connectTo('http://192.0.2.1', synapse.secret),
      /only https/,
    ],
  ])('is named in the log: %s', async (_what, connect, reason) => {
    const wrong = connect();
    const error: unknown = await wrong.provisionUser(alice).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Unavailable);
    expect(((error as Unavailable).cause as Error).message).toMatch(reason);
    expect(String((error as Unavailable).cause)).not.toContain(synapse.secret);
    await wrong.close();
  });
});
