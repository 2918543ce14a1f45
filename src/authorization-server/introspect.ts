import { createHash, timingSafeEqual } from 'node:crypto';
import type { components } from '../generated/authorization-server.ts';
import { type ApiRequest, type Handler, noStore } from '../http/exchange.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { withBothSpellings } from '../protocol/scope.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { type ActiveAccess, findAccess } from '../sessions/find.ts';
import { secondsLeft } from '../sessions/issued-tokens.ts';
import type { AuthorizationServerDeps } from './deps.ts';
import { requireParameter } from './require-parameter.ts';

type Answer = components['schemas']['IntrospectionResponse'];

/**
 * Introspection (RFC 7662) by the homeserver, in the form that Synapse reads: both scope spellings, `device_id`, integer times. What is not a live
 * access token is `{"active":false}`. A locked user's token is 503, because a homeserver cannot express "locked" and would log the
 * client out (rule 7).
 */
export function introspectToken(
  deps: Pick<
    AuthorizationServerDeps,
    'db' | 'clock' | 'issuer' | 'homeserverSecretHash' | 'metrics' | 'onFirstUseLost'
  >,
): Handler<unknown, Answer> {
  return async (request) => {
    authenticateHomeserver(request, deps.homeserverSecretHash);
    const token = requireParameter(request, 'token');
    const verdict = await findAccess(deps, token);
    switch (verdict.kind) {
      case 'active':
        request.annotate({ sessionId: verdict.access.sessionId });
        deps.metrics.count('introspections', { outcome: 'active' });
        return {
          status: 200,
          headers: noStore,
          body: describe(verdict.access, deps.issuer, deps.clock.now()),
        };
      case 'locked':
        deps.metrics.count('introspections', { outcome: 'locked' });
        throw new Unavailable('this account', {
          retryAfterSeconds: 60,
          cause: new Error('the user is locked'),
        });
      case 'inactive':
        request.annotate({ reason: verdict.reason });
        deps.metrics.count('introspections', { outcome: 'inactive' });
        return { status: 200, headers: noStore, body: { active: false } };
    }
  };
}

function describe(access: ActiveAccess, issuer: string, now: number): Answer {
  const issuedAt = Math.floor(access.issuedAt / 1000);
  return {
    active: true,
    scope: withBothSpellings(access.scope.split(' ')).join(' '),
    token_type: 'Bearer',
    sub: access.userId ?? access.clientId ?? access.sessionId,
    iss: issuer,
    iat: issuedAt,
    nbf: issuedAt,
    ...(access.clientId === null ? {} : { client_id: access.clientId }),
    ...(access.localpart === null ? {} : { username: access.localpart }),
    ...(access.deviceId === null ? {} : { device_id: access.deviceId }),
    ...(access.expiresAt === null
      ? {}
      : { exp: Math.floor(access.expiresAt / 1000), expires_in: secondsLeft(access.expiresAt, now) }),
  };
}

/** The homeserver's shared secret as a bearer token (Synapse's `matrix_authentication_service.secret`). */
function authenticateHomeserver({ headers }: ApiRequest, expected: Buffer | undefined): void {
  const secret = /^bearer +([\x21-\x7e]+)$/i.exec(headers.authorization ?? '')?.[1];
  const presented = createHash('sha256')
    .update(secret ?? '')
    .digest();
  if (secret !== undefined && expected !== undefined && timingSafeEqual(presented, expected)) return;
  throw new OAuthError(
    'invalid_client',
    'introspection needs the shared secret of the homeserver as a bearer token',
    {
      headers: { 'www-authenticate': 'Bearer realm="gatehouse"' },
      reason:
        secret === undefined
          ? 'no bearer secret'
          : expected === undefined
            ? 'homeserver.secret is not configured'
            : 'wrong secret',
    },
  );
}
