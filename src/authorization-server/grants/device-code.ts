import { OAuthError } from '../../protocol/oauth-error.ts';
import { hashSecret, isWellFormedSecret } from '../../protocol/token-format.ts';
import type { IssuedTokens } from '../../sessions/issued-tokens.ts';
import { fitsLimits } from '../../sessions/limits.ts';
import { queueUnusedDevice } from '../../provisioning/outbox.ts';
import { newSessionId, startSession } from '../../sessions/start.ts';
import {
  consumeDeviceGrant,
  type DeviceGrant,
  findDeviceGrant,
  recordPoll,
} from '../../storage/records/device-grants.ts';
import { findUser } from '../../storage/records/users.ts';
import { DEVICE_CODE_GRANT } from '../../clients/client-metadata.ts';
import type { Client } from '../../clients/clients.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { requireParameter } from '../require-parameter.ts';
import { type Grant, policyFor } from './grant.ts';
import { announceDevice, answerWithSession } from './session-answer.ts';

/** What a client that comes too early waits longer from then on, in seconds (RFC 8628 section 3.5). */
const SLOW_DOWN_SECONDS = 5;
/** Answers travel: a poll may come this much early, in milliseconds. */
const TOLERANCE = 500;

/** A grant that a person has allowed. */
type AllowedGrant = DeviceGrant & { readonly user_id: string };

/**
 * Device code grant (RFC 8628 section 3.4). A device code is redeemed once. The homeserver knows user and device before that, and not before a
 * person has agreed (QR login looks for the device).
 */
export function deviceCodeGrant(deps: AuthorizationServerDeps): Grant {
  return async (request, client) => {
    const code = requireParameter(request, 'device_code');
    if (!client.metadata.grant_types.includes(DEVICE_CODE_GRANT)) {
      throw new OAuthError('unauthorized_client', 'the client is not registered for the device grant');
    }
    const grant = await findGrant(deps, code);
    if (grant === undefined) throw invalidGrant('unknown device code');
    if (grant.client_id !== client.id) throw invalidGrant("another client's device code");
    const allowed = await judge(deps, grant);
    const tokens = await redeem(deps, { grant: allowed, client });
    request.annotate({ sessionId: tokens.sessionId, userId: allowed.user_id });
    deps.emit('session_started', {
      sessionId: tokens.sessionId,
      clientId: client.id,
      userId: allowed.user_id,
      deviceId: grant.device_id,
    });
    return answerWithSession(deps, {
      tokens,
      scope: grant.scope,
      userId: allowed.user_id,
      clientId: client.id,
      nonce: null,
      authenticatedAt: grant.authenticated_at,
    });
  };
}

async function findGrant(deps: AuthorizationServerDeps, code: string): Promise<DeviceGrant | undefined> {
  return isWellFormedSecret('deviceCode', code)
    ? findDeviceGrant(deps.db.query, hashSecret(code))
    : undefined;
}

/** The refusals of RFC 8628 section 3.5. Only a client that would be told to wait can come too early. */
async function judge(deps: AuthorizationServerDeps, grant: DeviceGrant): Promise<AllowedGrant> {
  const now = deps.clock.now();
  if (grant.consumed_at !== null) throw invalidGrant('the device code was used before');
  if (grant.expires_at <= now) throw new OAuthError('expired_token', 'the device code has expired');
  if (grant.decision === 'denied') {
    throw new OAuthError('access_denied', 'the person did not allow the sign-in');
  }
  const { user_id } = grant;
  if (grant.decision === 'allowed' && user_id !== null) return { ...grant, user_id };
  const wait = grant.interval_seconds * 1000 - TOLERANCE;
  const tooEarly = grant.polled_at !== null && now < grant.polled_at + wait;
  const intervalSeconds = grant.interval_seconds + (tooEarly ? SLOW_DOWN_SECONDS : 0);
  await deps.db.writeSoon((tx) => recordPoll(tx, { hash: grant.hash, at: now, intervalSeconds }));
  throw tooEarly
    ? new OAuthError('slow_down', `poll every ${String(intervalSeconds)} seconds from now on`)
    : new OAuthError('authorization_pending', 'nobody has decided yet');
}

type Redemption = { readonly tokens: IssuedTokens } | { readonly refused: string };

async function redeem(
  deps: AuthorizationServerDeps,
  { grant, client }: { grant: AllowedGrant; client: Client },
): Promise<IssuedTokens> {
  const device = { userId: grant.user_id, deviceId: grant.device_id };
  // A look before the homeserver is told; what counts is the look within the transaction.
  const gone = await refusalOf(deps.db.query, grant);
  if (gone !== undefined) throw invalidGrant(gone);
  if (!(await announceDevice(deps, { ...device, client }))) throw invalidGrant('the user is deactivated');
  const redemption = await deps.db.write(async (tx): Promise<Redemption> => {
    const now = deps.clock.now();
    const id = newSessionId(now, deps.random);
    if (!(await consumeDeviceGrant(tx, { hash: grant.hash, at: now, sessionId: id }))) {
      return { refused: 'the device code was used before' };
    }
    const fits = await fitsLimits(tx, deps.sessionLimits, { ...device, clientId: client.id });
    const refused = fits ? await refusalOf(tx, grant) : 'the user has as many sessions as they may have';
    const tokens =
      refused === undefined
        ? await startSession(
            tx,
            { ...deps, policy: policyFor(deps.policy, client), now },
            {
              id,
              ...device,
              clientId: client.id,
              scope: grant.scope,
              origin: 'device_code',
              authenticatedAt: grant.authenticated_at,
              upstreamSid: grant.upstream_sid,
            },
          )
        : undefined;
    if (tokens !== undefined) return { tokens };
    await queueUnusedDevice(tx, deps, { ...device, now });
    return { refused: refused ?? 'the user is deactivated' };
  });
  if ('refused' in redemption) throw invalidGrant(redemption.refused);
  return redemption.tokens;
}

/** A person who was locked or deactivated after agreeing gets no session. */
async function refusalOf(
  db: Parameters<typeof findUser>[0],
  grant: AllowedGrant,
): Promise<string | undefined> {
  const user = await findUser(db, grant.user_id);
  if (user === undefined || user.deactivated_at !== null) return 'the user is deactivated';
  return user.locked_at === null ? undefined : 'the user is locked';
}

/** One text for every refusal; the exact reason goes to the log. */
function invalidGrant(reason: string): OAuthError {
  return new OAuthError('invalid_grant', 'the device code is not valid, or not for this client', { reason });
}
