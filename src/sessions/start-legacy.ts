/** Sessions without a client: Matrix's own login. */
import type { DeviceId, SessionId } from '../protocol/identifiers.ts';
import type { Kysely } from 'kysely';
import type { Random } from '../protocol/clock.ts';
import { legacyScope } from '../protocol/scope.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import type { Schema } from '../storage/schema.ts';
import { insertAccessToken } from '../storage/records/tokens.ts';
import { randomPair } from './issued-tokens.ts';
import { storePair } from './pairs.ts';
import type { SessionPolicy } from './policy.ts';
import { type NewSession, type Started, storeSession } from './start.ts';

/** A legacy session that is about to start. */
export interface NewLegacySession extends Omit<NewSession, 'clientId' | 'scope' | 'origin' | 'deviceId'> {
  readonly deviceId: DeviceId;
  /** The client can refresh: the access token then expires. Otherwise it lives as long as the session. */
  readonly refreshable: boolean;
}

export interface LegacyTokens {
  readonly sessionId: SessionId;
  readonly accessToken: string;
  /** Both are there exactly if the client can refresh. */
  readonly refresh?: { readonly token: string; readonly expiresInSeconds: number };
}

/**
 * Starts a legacy session within the caller's transaction, replacing a live one on the same device as `startSession` does. `undefined` if the
 * user is deactivated.
 */
export async function startLegacySession(
  tx: Kysely<Schema>,
  deps: { policy: SessionPolicy; random: Random; now: number },
  { refreshable, ...session }: NewLegacySession,
): Promise<Started<LegacyTokens> | undefined> {
  const { policy, random, now } = deps;
  const scope = legacyScope(session.deviceId);
  const stored = await storeSession(
    tx,
    { now },
    { ...session, clientId: null, scope, origin: 'legacy_login' },
  );
  if (stored === undefined) return undefined;
  const { replaced, ...opened } = stored;
  const replacing = replaced === undefined ? {} : { replaced };
  if (refreshable) {
    const expiresAt = now + policy.accessTokenTtl;
    const pair = await storePair(tx, { session: opened, ...randomPair(random), scope: null, now, expiresAt });
    const refresh = { token: pair.refreshToken, expiresInSeconds: pair.expiresInSeconds };
    return { sessionId: opened.id, accessToken: pair.accessToken, refresh, ...replacing };
  }
  const accessToken = issueSecret('accessToken', random);
  await insertAccessToken(tx, {
    hash: hashSecret(accessToken),
    session_id: opened.id,
    refresh_hash: null,
    scope: null,
    created_at: now,
    expires_at: null,
    first_used_at: null,
  });
  return { sessionId: opened.id, accessToken, ...replacing };
}
