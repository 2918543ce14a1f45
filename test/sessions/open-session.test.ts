/** How a session begins is one rule for every grant and login: what stands in the way redeems nothing, and the same code or token works afterwards. */
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { AuthorizationServerDeps } from '../../src/authorization-server/deps.ts';
import { authorizationCodeGrant } from '../../src/authorization-server/grants/authorization-code.ts';
import { deviceCodeGrant } from '../../src/authorization-server/grants/device-code.ts';
import { DEVICE_CODE_GRANT } from '../../src/clients/client-metadata.ts';
import type { Client } from '../../src/clients/clients.ts';
import type { ApiRequest } from '../../src/http/exchange.ts';
import { beginSession } from '../../src/matrix-api/login/begin-session.ts';
import type { LogInDeps } from '../../src/matrix-api/login/deps.ts';
import { signInByToken } from '../../src/matrix-api/login/token.ts';
import { deliverOutbox } from '../../src/provisioning/deliver.ts';
import { systemRandom } from '../../src/protocol/clock.ts';
import { hashSecret, issueSecret } from '../../src/protocol/token-format.ts';
import { endSessions } from '../../src/sessions/end-many.ts';
import { issueLoginToken } from '../../src/sessions/login-tokens.ts';
import { createSealer } from '../../src/storage/sealed.ts';
import { insertAuthorizationCode } from '../../src/storage/records/authorizations.ts';
import { insertDeviceGrant } from '../../src/storage/records/device-grants.ts';
import { listSessionRows } from '../../src/storage/records/session-list.ts';
import { forEachEngine } from '../support/database.ts';
import { type Core, SCOPE, sessionCore } from './support.ts';

const REDIRECT_URI = 'https://app.example.org/back';
const VERIFIER = 'v'.repeat(43);

/** Somebody who holds a proof that can be redeemed for a session on the device DEVICE. */
interface Holder {
  /** Redeems it; resolves to the id of the session. */
  redeem(): Promise<string>;
}

/** A grant type or login: gives its proof. */
type Way = (core: Core, limit: number) => Promise<Holder>;

const depsOf = (core: Core, limit: number): AuthorizationServerDeps & LogInDeps =>
  ({
    ...core,
    sessionLimits: { perUser: limit, perClient: 0 },
    issuer: 'https://auth.example.org/',
  }) as unknown as AuthorizationServerDeps & LogInDeps;

const clientOf = (core: Core): Client =>
  ({
    id: core.clientId,
    metadata: { grant_types: ['authorization_code', DEVICE_CODE_GRANT], redirect_uris: [REDIRECT_URI] },
    secretHash: null,
  }) as unknown as Client;

const ofForm = (form: Record<string, string>): ApiRequest =>
  ({ form: new Map(Object.entries(form)), annotate: () => undefined }) as unknown as ApiRequest;

const sessionIdIn = (core: Core): string =>
  core.events.findLast(({ event }) => event === 'session_started')?.sessionId ?? 'none';

const codeGrant: Way = async (core, limit) => {
  const code = issueSecret('authorizationCode', systemRandom);
  await core.db.write((tx) =>
    insertAuthorizationCode(tx, createSealer(randomBytes(32), systemRandom), {
      hash: hashSecret(code),
      client_id: core.clientId,
      redirect_uri: REDIRECT_URI,
      code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
      scope: SCOPE,
      nonce: null,
      user_id: core.userId,
      device_id: 'DEVICE',
      authenticated_at: null,
      upstream_sid: null,
      created_at: core.clock.now(),
      expires_at: core.clock.now() + 300_000,
      consumed_at: null,
      session_id: null,
      misses: 0,
    }),
  );
  const grant = authorizationCodeGrant(depsOf(core, limit));
  const form = ofForm({ code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER });
  return {
    redeem: async () => {
      await grant(form, clientOf(core));
      return sessionIdIn(core);
    },
  };
};

const deviceGrant: Way = async (core, limit) => {
  const code = issueSecret('deviceCode', systemRandom);
  await core.db.write((tx) =>
    insertDeviceGrant(tx, {
      hash: hashSecret(code),
      user_code_hash: hashSecret(`user ${code}`),
      client_id: core.clientId,
      scope: SCOPE,
      device_id: 'DEVICE',
      address: '192.0.2.1',
      created_at: core.clock.now(),
      expires_at: core.clock.now() + 900_000,
      interval_seconds: 5,
      polled_at: null,
      sign_in_id: null,
      user_id: core.userId,
      decision: 'allowed',
      authenticated_at: null,
      upstream_sid: null,
      consumed_at: null,
      session_id: null,
    }),
  );
  const grant = deviceCodeGrant(depsOf(core, limit));
  return {
    redeem: async () => {
      await grant(ofForm({ device_code: code }), clientOf(core));
      return sessionIdIn(core);
    },
  };
};

const legacyLogin: Way = async (core, limit) => {
  const deps = depsOf(core, limit);
  const token = await core.db.write((tx) =>
    issueLoginToken(
      tx,
      { ...core, loginTokenTtl: 300_000 },
      { userId: core.userId, authenticatedAt: null, upstreamSid: null },
    ),
  );
  return {
    redeem: async () => {
      const person = await signInByToken(deps, { type: 'm.login.token', token });
      const device = { id: 'DEVICE', name: null, refreshable: true };
      return (await beginSession(deps, person, device)).tokens.sessionId;
    },
  };
};

const ways: [string, Way][] = [
  ['the authorization code grant', codeGrant],
  ['the device grant', deviceGrant],
  ['legacy login', legacyLogin],
];

const setUser = (
  core: Core,
  values: { locked_at?: number | null; deactivated_at?: number },
): Promise<unknown> =>
  core.db.write((tx) => tx.updateTable('users').set(values).where('id', '=', core.userId).execute());
const live = async (core: Core): Promise<string[]> =>
  (await listSessionRows(core.db.query, { userId: core.userId, limit: 10 })).map(({ id }) => id);

/** What stands in the way, and how it goes away again. */
interface Obstacle {
  readonly arise: (core: Core) => Promise<unknown>;
  readonly pass: (core: Core) => Promise<unknown>;
}

const locked: Obstacle = {
  arise: (core) => setUser(core, { locked_at: 1 }),
  pass: (core) => setUser(core, { locked_at: null }),
};
const crowded: Obstacle = {
  arise: (core) => core.begin({ deviceId: 'ANOTHER' }),
  pass: (core) => endSessions(core, { of: { userId: core.userId }, reason: 'ended_by_user' }),
};
const outage: Obstacle = {
  arise: (core) => Promise.resolve((core.homeserver.down = true)),
  pass: (core) => Promise.resolve((core.homeserver.down = false)),
};

/** The obstacle arises while the homeserver is being told. */
const meanwhile = (core: Core, { arise }: Obstacle): void => {
  const { upsertDevice } = core.homeserver;
  let pending = true;
  core.homeserver.upsertDevice = async (device) => {
    await upsertDevice(device);
    if (pending) await arise(core);
    pending = false;
  };
};

describe.each(ways)('%s', (_name, way) => {
  forEachEngine((engine) => {
    const begin = async (limit = 1): Promise<{ core: Core; holder: Holder }> => {
      const core = await sessionCore(await engine.open());
      return { core, holder: await way(core, limit) };
    };

    test('starts the session, tells the homeserver first, and says so once', async () => {
      const { core, holder } = await begin();
      const sessionId = await holder.redeem();
      expect(await live(core)).toEqual([sessionId]);
      expect(core.homeserver.upserted.map(({ deviceId }) => deviceId)).toEqual(['DEVICE']);
      expect(core.events).toEqual([
        expect.objectContaining({
          event: 'session_started',
          sessionId,
          userId: core.userId,
        }),
      ]);
    });

    test('replaces a session on the same device, and says that too', async () => {
      const { core, holder } = await begin();
      const before = await core.begin({ deviceId: 'DEVICE' });
      const sessionId = await holder.redeem();
      expect(await live(core)).toEqual([sessionId]);
      expect(core.events.map(({ event, sessionId: id }) => [event, id])).toEqual([
        ['session_replaced', before.sessionId],
        ['session_started', sessionId],
      ]);
    });

    test.each([
      ['the user is locked', locked, true],
      ['the user has as many sessions as they may have', crowded, true],
      ['the homeserver is down', outage, false],
    ])('redeems nothing while %s', async (_obstacle, obstacle, isTold) => {
      const { core, holder } = await begin();
      await obstacle.arise(core);
      const before = await live(core);
      for (let attempt = 0; attempt < 2; attempt++) {
        await expect(holder.redeem()).rejects.toMatchObject({
          name: isTold ? expect.stringMatching(/^(OAuth|Matrix)Error$/) : 'Unavailable',
        });
      }
      expect(await live(core)).toEqual(before);
      expect(core.homeserver.upserted).toEqual([]);
      // An honest second try is no attack: no warning, and no session ends.
      expect(core.events).toEqual([]);
      await obstacle.pass(core);
      const sessionId = await holder.redeem();
      expect(await live(core)).toEqual([sessionId]);
    });

    test.each([
      ['locked', locked],
      ['crowded', crowded],
    ])(
      'notices at the last moment that the user is %s, and takes the device back',
      async (_obstacle, obstacle) => {
        const { core, holder } = await begin();
        meanwhile(core, obstacle);
        await expect(holder.redeem()).rejects.toMatchObject({ name: expect.stringMatching(/Error$/) });
        await deliverOutbox(core);
        expect(core.homeserver.deleted.map(({ deviceId }) => deviceId)).toEqual(['DEVICE']);
        await obstacle.pass(core);
        expect(await live(core)).toEqual([]);
        const sessionId = await holder.redeem();
        expect(await live(core)).toEqual([sessionId]);
      },
    );

    test('gives a deactivated user nothing', async () => {
      const { core, holder } = await begin();
      await setUser(core, { deactivated_at: 1 });
      await expect(holder.redeem()).rejects.toThrow();
      expect(core.homeserver.upserted).toEqual([]);
      expect(await live(core)).toEqual([]);
    });

    test('gives the last place to one of two that come at once', async () => {
      const core = await sessionCore(await engine.open());
      await core.begin({ deviceId: 'ONE' });
      const holder = await way(core, 2);
      const other = beginSession(
        depsOf(core, 2),
        { userId: core.userId, authenticatedAt: null, upstreamSid: null },
        { id: 'TWO', name: null, refreshable: true },
      );
      const outcomes = await Promise.allSettled([holder.redeem(), other]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(await live(core)).toHaveLength(2);
    });

    test('is redeemed once, whoever else comes', async () => {
      const { core, holder } = await begin(0);
      const outcomes = await Promise.allSettled([holder.redeem(), holder.redeem(), holder.redeem()]);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const started = core.events.filter(({ event }) => event === 'session_started');
      expect(started).toHaveLength(1);
    });
  });
});

forEachEngine((engine) => {
  test('a used code ends its session also while the user is locked or has as many sessions as they may have', async () => {
    for (const obstacle of [locked, crowded]) {
      const core = await sessionCore(await engine.open());
      const holder = await codeGrant(core, 1);
      const sessionId = await holder.redeem();
      await obstacle.arise(core);
      await expect(holder.redeem()).rejects.toMatchObject({ code: 'invalid_grant' });
      expect(await live(core)).not.toContain(sessionId);
      expect(core.events.map(({ event }) => event)).toContain('code_reused');
    }
  });
});
