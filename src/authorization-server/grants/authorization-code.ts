import { createHash } from 'node:crypto';
import { OAuthError } from '../../protocol/oauth-error.ts';
import { hashSecret, isWellFormedSecret } from '../../protocol/token-format.ts';
import { endSession } from '../../sessions/end.ts';
import type { IssuedTokens } from '../../sessions/issued-tokens.ts';
import { openSession, refusalText } from '../../sessions/open-session.ts';
import { startSession } from '../../sessions/start.ts';
import {
  type AuthorizationCode,
  consumeAuthorizationCode,
  countVerifierMiss,
  findAuthorizationCode,
  nonceOf,
} from '../../storage/records/authorizations.ts';
import { type Client, clientName } from '../../clients/clients.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { requireParameter } from '../require-parameter.ts';
import { type Grant, policyFor } from './grant.ts';
import { answerWithSession } from './session-answer.ts';

/** Wrong verifiers that burn a code. */
const VERIFIER_MISSES = 5;

/**
 * Authorization code grant (RFC 6749 section 4.1.3, RFC 7636 section 4.6). PKCE is checked before a replay is judged: a caller without the verifier ends
 * no session. The homeserver knows user and device before the code is consumed.
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
    return answerWithSession(deps, {
      tokens,
      scope: record.scope,
      userId: record.user_id,
      client,
      nonce: nonceOf(deps.sealer, record),
      authenticatedAt: record.authenticated_at,
    });
  };
}

async function findCode(deps: AuthorizationServerDeps, code: string): Promise<AuthorizationCode | undefined> {
  if (!isWellFormedSecret('authorizationCode', code)) return undefined;
  return findAuthorizationCode(deps.db.query, hashSecret(code));
}

/** A code that the homeserver, the limits or a lock stand in the way of stays good: the client may try again. */
async function redeem(
  deps: AuthorizationServerDeps,
  { record, client }: { record: AuthorizationCode; client: Client },
): Promise<IssuedTokens> {
  if (record.consumed_at !== null) return refuseReplay(deps, record);
  const policy = policyFor(deps.policy, client);
  const opened = await openSession(deps, {
    userId: record.user_id,
    clientId: client.id,
    device: record.device_id === null ? null : { id: record.device_id, displayname: clientName(client) },
    redeem: (tx, { now, sessionId }) =>
      consumeAuthorizationCode(tx, { hash: record.hash, at: now, sessionId }),
    start: (tx, { now, sessionId }) =>
      startSession(
        tx,
        { policy, random: deps.random, now },
        {
          id: sessionId,
          userId: record.user_id,
          clientId: client.id,
          deviceId: record.device_id,
          scope: record.scope,
          origin: 'authorization_code',
          authenticatedAt: record.authenticated_at,
          upstreamSid: record.upstream_sid,
        },
      ),
  });
  if (opened.kind === 'opened') return opened.started;
  if (opened.reason === 'spent') return refuseReplay(deps, record);
  throw invalidGrant(refusalText[opened.reason]);
}

/** A code that comes a second time ends the session that came from it (RFC 6749 section 4.1.2); one that wrong verifiers burned has none. */
async function refuseReplay(
  deps: AuthorizationServerDeps,
  { hash, client_id }: AuthorizationCode,
): Promise<never> {
  const sessionId = (await findAuthorizationCode(deps.db.query, hash))?.session_id ?? null;
  if (sessionId !== null) {
    await endSession(deps, { sessionId, reason: 'code_replayed' });
    deps.emit('code_reused', { sessionId, clientId: client_id });
  }
  throw invalidGrant('the code was used before');
}

/** One text for every refusal; the exact reason goes to the log. */
function invalidGrant(reason: string): OAuthError {
  return new OAuthError(
    'invalid_grant',
    'the code is not valid, or not for this client, redirect URI and verifier',
    { reason },
  );
}
