/** Sessions of clients without OAuth, started at the database as login would: for the tests of what comes after. */
import { type Clock, systemClock, systemRandom } from '../../src/protocol/clock.ts';
import { newRecordId } from '../../src/protocol/identifiers.ts';
import { newSessionId } from '../../src/sessions/start.ts';
import { startLegacySession } from '../../src/sessions/start-legacy.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { findUserByLocalpart, insertUser } from '../../src/storage/records/users.ts';
import { type Answer, ask } from './oauth-client.ts';

export interface LegacySession {
  readonly userId: string;
  readonly deviceId: string;
  readonly sessionId: string;
  readonly accessToken: string;
  /** Empty where the client cannot refresh. */
  readonly refreshToken: string;
}

export interface LegacyOptions {
  readonly localpart?: string;
  readonly deviceId?: string;
  readonly deviceName?: string;
  /** Default true. */
  readonly refreshable?: boolean;
  readonly clock?: Clock;
  /** Life of its first access token in milliseconds. */
  readonly ttl?: number;
}

let devices = 0;

/** Signs a user in, by default alice on a new device; whoever is not known yet is made, without a link to an IdP. */
export async function startLegacy(db: Database, options: LegacyOptions = {}): Promise<LegacySession> {
  const { localpart = 'alice', refreshable = true, clock = systemClock, ttl = 600_000 } = options;
  const deviceId = options.deviceId ?? `LEGACY${String(++devices)}`;
  const now = clock.now();
  return db.write(async (tx) => {
    const id = newSessionId(now, systemRandom);
    await insertUser(tx, {
      id: newRecordId(now, systemRandom),
      localpart,
      displayname: null,
      created_at: now,
      locked_at: null,
      deactivated_at: null,
    });
    const user = await findUserByLocalpart(tx, localpart);
    const started = await startLegacySession(
      tx,
      { policy: { accessTokenTtl: ttl, refreshReuseGrace: 0 }, random: systemRandom, now },
      {
        id,
        userId: user?.id ?? '',
        deviceId,
        deviceName: options.deviceName ?? null,
        authenticatedAt: null,
        refreshable,
      },
    );
    if (started === undefined) throw new Error('no session was started');
    return {
      userId: user?.id ?? '',
      deviceId,
      sessionId: started.sessionId,
      accessToken: started.accessToken,
      refreshToken: started.refresh?.token ?? '',
    };
  });
}

/** A request to a route below `/_matrix/client` with an access token and, where there is one, a JSON body. */
export function askMatrix(
  at: { url: string },
  request: string,
  options: { token?: string; json?: unknown; body?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const [method = 'GET', path = ''] = request.split(' ');
  const { token, json, body = json === undefined ? undefined : JSON.stringify(json), headers = {} } = options;
  return ask(`${at.url}_matrix/client/${path}`, {
    method,
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
}
