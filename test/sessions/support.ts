/** A session core over a real database, with a homeserver that writes down what it is told. */
import { createSecretKey, randomBytes } from 'node:crypto';
import { noHomeserver } from '../../src/homeserver/none.ts';
import type { Homeserver, HomeserverDevice } from '../../src/homeserver/connector.ts';
import type { EventDetails, EventName } from '../../src/observability/events.ts';
import { systemRandom } from '../../src/protocol/clock.ts';
import { newRecordId } from '../../src/protocol/identifiers.ts';
import { Unavailable } from '../../src/protocol/unavailable.ts';
import type { IssuedTokens } from '../../src/sessions/issued-tokens.ts';
import type { RotationDeps } from '../../src/sessions/rotate.ts';
import { newSessionId, startSession } from '../../src/sessions/start.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { insertClient } from '../../src/storage/records/clients.ts';
import { insertUser } from '../../src/storage/records/users.ts';
import { type TestClock, testClock } from '../support/clock.ts';

export const MINUTE = 60_000;
export const SCOPE = 'urn:matrix:client:api:* urn:matrix:client:device:DEVICE';

export interface ScriptedHomeserver extends Homeserver {
  readonly deleted: HomeserverDevice[];
  readonly upserted: HomeserverDevice[];
  down: boolean;
}

function scriptedHomeserver(): ScriptedHomeserver {
  const homeserver = {
    ...noHomeserver,
    listens: true,
    down: false,
    deleted: [] as HomeserverDevice[],
    upserted: [] as HomeserverDevice[],
    tell<T>(list: T[], entry: T): Promise<void> {
      if (homeserver.down) return Promise.reject(new Unavailable('the homeserver'));
      list.push(entry);
      return Promise.resolve();
    },
    upsertDevice: (device: HomeserverDevice) => homeserver.tell(homeserver.upserted, device),
    deleteDevice: (device: HomeserverDevice) => homeserver.tell(homeserver.deleted, device),
  };
  return homeserver;
}

/** An event that was emitted. */
export type Emitted = EventDetails & { readonly event: EventName };

export interface Core extends RotationDeps {
  /** What was emitted, in order. */
  readonly events: Emitted[];
  readonly clock: TestClock;
  readonly homeserver: ScriptedHomeserver;
  readonly clientId: string;
  readonly userId: string;
  /** Starts a session as a grant would. */
  begin(device?: { deviceId?: string; scope?: string }): Promise<IssuedTokens>;
}

export async function sessionCore(db: Database, grace = 30_000): Promise<Core> {
  const clock = testClock();
  const random = systemRandom;
  const userId = newRecordId(clock.now(), random);
  const clientId = newRecordId(clock.now(), random);
  await db.write(async (tx) => {
    await insertUser(tx, {
      id: userId,
      localpart: `user-${userId}`,
      displayname: null,
      created_at: clock.now(),
      locked_at: null,
      deactivated_at: null,
    });
    await insertClient(tx, {
      id: clientId,
      metadata_json: '{}',
      metadata_hash: null,
      secret_hash: null,
      created_at: clock.now(),
      last_used_at: clock.now(),
    });
  });
  const events: Emitted[] = [];
  const deps: RotationDeps = {
    db,
    clock,
    random,
    policy: { accessTokenTtl: 10 * MINUTE, refreshReuseGrace: grace },
    derivationKey: createSecretKey(randomBytes(32)),
    homeserver: scriptedHomeserver(),
    log: { warn: () => undefined },
    emit: (event, details) => void events.push({ event, ...details }),
  };
  return {
    ...deps,
    events,
    clock,
    homeserver: deps.homeserver as ScriptedHomeserver,
    clientId,
    userId,
    begin: async ({ deviceId = 'DEVICE', scope = SCOPE } = {}) => {
      const tokens = await db.write((tx) =>
        startSession(
          tx,
          { ...deps, now: clock.now() },
          {
            id: newSessionId(clock.now(), random),
            userId,
            clientId,
            deviceId,
            scope,
            origin: 'authorization_code',
            authenticatedAt: null,
          },
        ),
      );
      if (tokens === undefined) throw new Error('no session was started');
      return tokens;
    },
  };
}
