import { OAuthError } from '../../protocol/oauth-error.ts';
import { hashSecret, isWellFormedSecret } from '../../protocol/token-format.ts';
import type { IssuedTokens } from '../../sessions/issued-tokens.ts';
import { openSession, refusalText } from '../../sessions/open-session.ts';
import { startSession } from '../../sessions/start.ts';
import {
  consumeDeviceGrant,
  type DeviceGrant,
  findDeviceGrant,
  recordPoll,
} from '../../storage/records/device-grants.ts';
import { DEVICE_CODE_GRANT } from '../../clients/client-metadata.ts';
import { type Client, clientName } from '../../clients/clients.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { requireParameter } from '../require-parameter.ts';
import { type Grant, policyFor } from './grant.ts';
import { answerWithSession } from './session-answer.ts';

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
    return answerWithSession(deps, {
      tokens,
      scope: grant.scope,
      userId: allowed.user_id,
      client,
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

async function redeem(
  deps: AuthorizationServerDeps,
  { grant, client }: { grant: AllowedGrant; client: Client },
): Promise<IssuedTokens> {
  const policy = policyFor(deps.policy, client);
  const opened = await openSession(deps, {
    userId: grant.user_id,
    clientId: client.id,
    device: grant.device_id === null ? null : { id: grant.device_id, displayname: clientName(client) },
    redeem: (tx, { now, sessionId }) => consumeDeviceGrant(tx, { hash: grant.hash, at: now, sessionId }),
    start: (tx, { now, sessionId }) =>
      startSession(
        tx,
        { policy, random: deps.random, now },
        {
          id: sessionId,
          userId: grant.user_id,
          clientId: client.id,
          deviceId: grant.device_id,
          scope: grant.scope,
          origin: 'device_code',
          authenticatedAt: grant.authenticated_at,
          upstreamSid: grant.upstream_sid,
        },
      ),
  });
  if (opened.kind === 'opened') return opened.started;
  throw invalidGrant(refusalText[opened.reason]);
}

/** One text for every refusal; the exact reason goes to the log. */
function invalidGrant(reason: string): OAuthError {
  return new OAuthError('invalid_grant', 'the device code is not valid, or not for this client', { reason });
}
