/** The homeserver comes first: what it cannot be told does not happen, and what then does not happen is taken back there. */
import { expect, it } from 'vitest';
import { beginSession, type Person } from '../../../src/matrix-api/login/begin-session.ts';
import { Unavailable } from '../../../src/protocol/unavailable.ts';
import { MatrixError } from '../../../src/protocol/matrix-error.ts';
import { hashSecret } from '../../../src/protocol/token-format.ts';
import { findAccess } from '../../../src/verification/own-token.ts';
import type { SessionLimits } from '../../../src/sessions/limits.ts';
import { issueLoginToken, redeemLoginToken } from '../../../src/sessions/login-tokens.ts';
import { deliverOutbox } from '../../../src/provisioning/deliver.ts';
import { deactivatePerson } from '../../../src/people/people.ts';
import { listSessionRows } from '../../../src/storage/records/session-list.ts';
import { findUser } from '../../../src/storage/records/users.ts';
import { forEachEngine } from '../../support/database.ts';
import { type Core, sessionCore } from '../../sessions/support.ts';

const phone = { id: 'PHONE', name: 'My phone', refreshable: false };

forEachEngine((engine) => {
  const begin = (
    core: Core,
    more: { person?: Partial<Person>; limits?: Partial<SessionLimits>; homeserver?: Core['homeserver'] } = {},
  ): ReturnType<typeof beginSession> =>
    beginSession(
      {
        ...core,
        emit: () => undefined,
        sessionLimits: { perUser: 0, perClient: 0, ...more.limits },
        homeserver: more.homeserver ?? core.homeserver,
      },
      { userId: core.userId, authenticatedAt: 5, upstreamSid: 'sid', ...more.person },
      phone,
    );
  const sessionsOf = (core: Core): ReturnType<typeof listSessionRows> =>
    listSessionRows(core.db.query, { userId: core.userId, limit: 10 });
  const refusalOf = async (beginning: Promise<unknown>): Promise<unknown> => {
    const error: unknown = await beginning.catch((caught: unknown) => caught);
    return error instanceof MatrixError ? [error.status, error.errcode] : error;
  };

  it('user and device are told, with its name, before there is a session', async () => {
    const core = await sessionCore(await engine.open());
    let before: number | undefined;
    const homeserver = {
      ...core.homeserver,
      upsertDevice: async (device: Parameters<Core['homeserver']['upsertDevice']>[0]) => {
        before = (await sessionsOf(core)).length;
        await core.homeserver.upsertDevice(device);
      },
    };
    const { tokens } = await begin(core, { homeserver });
    expect(before).toBe(0);
    const localpart = (await findUser(core.db.query, core.userId))?.localpart;
    expect(core.homeserver.upserted).toEqual([{ localpart, deviceId: 'PHONE', displayname: 'My phone' }]);
    const [session] = await sessionsOf(core);
    expect(session).toMatchObject({
      client_id: null,
      device_id: 'PHONE',
      device_name: 'My phone',
      origin: 'legacy_login',
      scope: 'urn:matrix:client:api:* urn:matrix:client:device:PHONE',
      authenticated_at: 5,
      upstream_sid: 'sid',
    });
    expect(await findAccess(core, tokens.accessToken)).toMatchObject({
      kind: 'active',
      access: { sessionId: session?.id, expiresAt: null, clientId: null },
    });
  });

  it('a homeserver that is down: Unavailable, no session, and the login token stays good', async () => {
    const core = await sessionCore(await engine.open());
    const owner = { userId: core.userId, authenticatedAt: null, upstreamSid: null };
    const token = await core.db.write((tx) => issueLoginToken(tx, { ...core, loginTokenTtl: 1000 }, owner));
    const redeem: Person['redeem'] = async (tx, now) =>
      (await redeemLoginToken(tx, { hash: hashSecret(token), now })) !== undefined;
    core.homeserver.down = true;
    await expect(begin(core, { person: { redeem } })).rejects.toThrow(Unavailable);
    expect(await sessionsOf(core)).toEqual([]);
    core.homeserver.down = false;
    await begin(core, { person: { redeem } });
    expect(await sessionsOf(core)).toHaveLength(1);
  });

  it('the device of a login that was beaten to it is taken back, unless a session has it', async () => {
    const core = await sessionCore(await engine.open());
    const spent = (): MatrixError => new MatrixError(403, 'M_FORBIDDEN', 'spent');
    const person = { redeem: () => Promise.resolve(false), spent };
    expect(await refusalOf(begin(core, { person }))).toEqual([403, 'M_FORBIDDEN']);
    await deliverOutbox(core);
    expect(core.homeserver.deleted.map(({ deviceId }) => deviceId)).toEqual(['PHONE']);
    await core.begin({ deviceId: 'PHONE' });
    expect(await refusalOf(begin(core, { person }))).toEqual([403, 'M_FORBIDDEN']);
    await deliverOutbox(core);
    expect(core.homeserver.deleted).toHaveLength(1);
  });

  it('too many sessions are seen before the homeserver is told, and again at the last moment', async () => {
    const core = await sessionCore(await engine.open());
    await core.begin({ deviceId: 'ONE' });
    expect(await refusalOf(begin(core, { limits: { perUser: 1 } }))).toEqual([403, 'M_FORBIDDEN']);
    expect(core.homeserver.upserted).toEqual([]);
    const homeserver = {
      ...core.homeserver,
      upsertDevice: async (device: Parameters<Core['homeserver']['upsertDevice']>[0]) => {
        await core.begin({ deviceId: 'TWO' });
        await core.homeserver.upsertDevice(device);
      },
    };
    let redeemed = false;
    const redeem = (): Promise<boolean> => {
      redeemed = true;
      return Promise.resolve(true);
    };
    const last = begin(core, { limits: { perUser: 2 }, homeserver, person: { redeem } });
    expect(await refusalOf(last)).toEqual([403, 'M_FORBIDDEN']);
    expect(redeemed).toBe(false);
    await deliverOutbox(core);
    expect(core.homeserver.deleted.map(({ deviceId }) => deviceId)).toEqual(['PHONE']);
  });

  it('who is deactivated meanwhile gets no session', async () => {
    const core = await sessionCore(await engine.open());
    const homeserver = {
      ...core.homeserver,
      upsertDevice: async () => {
        await deactivatePerson(core, core.userId);
      },
    };
    expect(await refusalOf(begin(core, { homeserver }))).toEqual([403, 'M_USER_DEACTIVATED']);
    expect(await refusalOf(begin(core))).toEqual([403, 'M_USER_DEACTIVATED']);
    expect(await sessionsOf(core)).toEqual([]);
  });
});
