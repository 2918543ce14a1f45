import { createHash } from 'node:crypto';
import { OAuthError } from '../../protocol/oauth-error.ts';
import { hashSecret, isWellFormedSecret } from '../../protocol/token-format.ts';
import { endSessionIn, deliverEnding } from '../../sessions/end.ts';
import type { IssuedTokens } from '../../sessions/issued-tokens.ts';
import { fitsLimits } from '../../sessions/limits.ts';
import { queueUnusedDevice } from '../../provisioning/outbox.ts';
import { newSessionId, startSession } from '../../sessions/start.ts';
import {
  type AuthorizationCode,
  consumeAuthorizationCode,
  countVerifierMiss,
  findAuthorizationCode,
} from '../../storage/records/authorizations.ts';
import type { Client } from '../../clients/clients.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { requireParameter } from '../require-parameter.ts';
import { type Grant, policyFor } from './grant.ts';
import { announceDevice, answerWithSession } from './session-answer.ts';

/** Wrong verifiers that burn a code. */
const VERIFIER_MISSES = 5;

type Redemption =
  | { readonly kind: 'redeemed'; readonly tokens: IssuedTokens }
  | { readonly kind: 'replayed'; readonly sessionId: string | null }
  | { readonly kind: 'user_gone' }
  | { readonly kind: 'crowded' };

/**
 * Authorization code grant (RFC 6749 section 4.1.3, RFC 7636 section 4.6). PKCE is checked before a replay is judged: who has no verifier ends
 * nobody's session. The homeserver knows user and device before the code is consumed.
 */
export function authorizationCodeGrant(deps: AuthorizationServerDeps): Grant {
  return async (request, client) => {
    const code = requireParameter(request, 'code');
    const redirectUri = requireParameter(request, 'redirect_uri');
    const verifier = requireParameter(request, 'code_verifier');
    if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) {
      throw new OAuthError('invalid_request', 'code_verifier must be 43 to 128 unreserved characters');
    }
    const record = await findCode(deps, code);
    if (record === undefined) throw invalidGrant('unknown code');
    if (record.client_id !== client.id) throw invalidGrant("another client's code");
    if (record.redirect_uri !== redirectUri) throw invalidGrant('redirect_uri differs');
    if (createHash('sha256').update(verifier).digest('base64url') !== record.code_challenge) {
      await deps.db.write((tx) =>
        countVerifierMiss(tx, { hash: record.hash, at: deps.clock.now(), limit: VERIFIER_MISSES }),
      );
      throw invalidGrant('wrong code_verifier');
    }
    if (record.consumed_at === null && record.expires_at <= deps.clock.now())
      throw invalidGrant('expired code');
    const tokens = await redeem(deps, { record, client });
    request.annotate({ sessionId: tokens.sessionId, userId: record.user_id });
    deps.emit('session_started', {
      sessionId: tokens.sessionId,
      clientId: client.id,
      userId: record.user_id,
      deviceId: record.device_id,
    });
    return answerWithSession(deps, {
      tokens,
      scope: record.scope,
      userId: record.user_id,
      clientId: client.id,
      nonce: record.nonce,
      authenticatedAt: record.authenticated_at,
    });
  };
}

async function findCode(deps: AuthorizationServerDeps, code: string): Promise<AuthorizationCode | undefined> {
  if (!isWellFormedSecret('authorizationCode', code)) return undefined;
  return findAuthorizationCode(deps.db.query, hashSecret(code));
}

async function redeem(
  deps: AuthorizationServerDeps,
  { record, client }: { record: AuthorizationCode; client: Client },
): Promise<IssuedTokens> {
  const device = { userId: record.user_id, deviceId: record.device_id };
  // Homeserver first (homeserver first). One that cannot be told leaves the code unconsumed: the client may try again.
  if (record.consumed_at === null && !(await announceDevice(deps, { ...device, client }))) {
    throw invalidGrant('the user is deactivated');
  }
  const redemption = await deps.db.write(async (tx): Promise<Redemption> => {
    const now = deps.clock.now();
    const id = newSessionId(now, deps.random);
    if (!(await consumeAuthorizationCode(tx, { hash: record.hash, at: now, sessionId: id }))) {
      const sessionId = (await findAuthorizationCode(tx, record.hash))?.session_id ?? null;
      if (sessionId !== null) await endSessionIn(tx, deps, { sessionId, reason: 'code_replayed', now });
      return { kind: 'replayed', sessionId };
    }
    if (!(await fitsLimits(tx, deps.sessionLimits, { ...device, clientId: client.id }))) {
      await queueUnusedDevice(tx, deps, { ...device, now });
      return { kind: 'crowded' };
    }
    const tokens = await startSession(
      tx,
      { ...deps, policy: policyFor(deps.policy, client), now },
      {
        id,
        ...device,
        clientId: client.id,
        scope: record.scope,
        origin: 'authorization_code',
        authenticatedAt: record.authenticated_at,
        upstreamSid: record.upstream_sid,
      },
    );
    if (tokens !== undefined) return { kind: 'redeemed', tokens };
    await queueUnusedDevice(tx, deps, { ...device, now });
    return { kind: 'user_gone' };
  });
  switch (redemption.kind) {
    case 'redeemed':
      return redemption.tokens;
    case 'replayed':
      await deliverEnding(deps, redemption.sessionId ?? undefined);
      if (redemption.sessionId !== null) {
        deps.emit('code_reused', { sessionId: redemption.sessionId, clientId: client.id });
      }
      throw invalidGrant('the code was used before');
    case 'user_gone':
      throw invalidGrant('the user is deactivated');
    case 'crowded':
      throw invalidGrant('the user has as many sessions as they may have');
  }
}

/** One text for every refusal; the exact reason goes to the log. */
function invalidGrant(reason: string): OAuthError {
  return new OAuthError(
    'invalid_grant',
    'the code is not valid, or not for this client, redirect URI and verifier',
    { reason },
  );
}
