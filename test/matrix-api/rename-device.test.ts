/** Naming a device where there is a homeserver that has to be told. */
import { beforeEach, expect, it } from 'vitest';
import type { ApiRequest } from '../../src/http/exchange.ts';
import type { Homeserver, HomeserverDevice } from '../../src/homeserver/connector.ts';
import { updateDevice } from '../../src/matrix-api/devices/rename.ts';
import { Unavailable } from '../../src/protocol/unavailable.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { findDevice } from '../../src/storage/records/devices.ts';
import { ownTokens } from '../../src/verification/own-token.ts';
import { deliverOutbox } from '../../src/provisioning/deliver.ts';
import { createVerify } from '../../src/verification/verify.ts';
import { type Core, sessionCore } from '../sessions/support.ts';
import { opaqueTokens } from '../support/opaque-tokens.ts';
import { forEachEngine } from '../support/database.ts';

forEachEngine((engine) => {
  let db: Database;
  let core: Core;
  let told: HomeserverDevice[];
  let isDown: boolean;
  let homeserver: Homeserver;
  let rename: (deviceId: string, body: object) => Promise<{ status: number }>;
  beforeEach(async () => {
    db ??= await engine.open();
    core = await sessionCore(db);
    told = [];
    isDown = false;
    const { accessToken } = await core.begin({ deviceId: 'D' });
    homeserver = {
      ...core.homeserver,
      renameDevice: (device) => {
        if (isDown) return Promise.reject(new Unavailable('the homeserver'));
        told.push(device);
        return Promise.resolve();
      },
    };
    const handler = updateDevice({
      ...core,
      verify: createVerify([ownTokens({ ...core, ownTokens: opaqueTokens })]),
      homeserver,
    });
    rename = async (deviceId, body) =>
      handler({
        params: { deviceId },
        query: new URLSearchParams(),
        headers: { authorization: `Bearer ${accessToken}` },
        body,
        annotate: () => undefined,
      } as unknown as ApiRequest<object>);
  });
  const name = async (): Promise<string | null | undefined> =>
    (await findDevice(db.query, { userId: core.userId, deviceId: 'D' }))?.device_name;

  it('tells it, and then both know', async () => {
    expect(await rename('D', { display_name: 'Phone' })).toMatchObject({ status: 200 });
    const localpart = `user-${core.userId}`;
    expect(told).toEqual([{ localpart, deviceId: 'D', displayname: 'Phone' }]);
    expect(await name()).toBe('Phone');
    await rename('D', { display_name: '' });
    expect(told[1]).toEqual({ localpart, deviceId: 'D', displayname: '' });
    expect(await name()).toBeNull();
  });

  it('tells it nothing of a device that is not there, or without a name', async () => {
    await expect(rename('OTHER', { display_name: 'x' })).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
    await rename('D', {});
    expect(told).toEqual([]);
  });

  it('names the device while it cannot be told, and tells it later', async () => {
    isDown = true;
    expect(await rename('D', { display_name: 'Phone' })).toMatchObject({ status: 200 });
    expect(await name()).toBe('Phone');
    expect(told).toEqual([]);
    isDown = false;
    core.clock.advance(7_500);
    expect(await deliverOutbox({ ...core, homeserver })).toBe(1);
    expect(told).toEqual([{ localpart: `user-${core.userId}`, deviceId: 'D', displayname: 'Phone' }]);
  });
});
