/** The token store of ejabberd (`oauth_db_type: rest`): it asks whose a token is, and takes whatever else but 404 for an outage, which it keeps. */
import type { operations } from '../generated/verification.ts';
import { readAuthorization } from '../http/bearer.ts';
import { type ApiRequest, noStore } from '../http/exchange.ts';
import type { OperationHandler } from '../http/operation-handler.ts';
import type { SecretGuesses } from '../http/secret-guesses.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { isSameSecret } from '../protocol/same-secret.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import type { JudgeToken } from '../verification/any-token.ts';

export interface EjabberdDeps {
  readonly judge: JudgeToken;
  readonly secret: Buffer;
  readonly secretGuesses: SecretGuesses;
  /** JID of the person of a localpart. */
  readonly jidOf: (localpart: string) => string | undefined;
}

/** Whose a token is, with its scopes as a list and the end of it as a number; 404 for whatever is no live token of a person. */
export function lookUpToken(deps: EjabberdDeps): OperationHandler<operations, 'lookUpToken'> {
  return async (request) => {
    requireEjabberd(request, deps);
    const verdict = await deps.judge(request.body.token);
    if (verdict.kind === 'unavailable') throw verdict.error;
    // A lock passes; what ejabberd is told that there is no token it keeps for an hour.
    if (verdict.kind === 'locked')
      throw new Unavailable('this account', { cause: new Error('the user is locked') });
    if (verdict.kind === 'inactive') throw unknown(verdict.reason);
    const { localpart, scope, expiresAt } = verdict.token;
    const user = localpart === undefined ? undefined : deps.jidOf(localpart);
    if (user === undefined) throw unknown('the token belongs to a client alone');
    const expire = Math.floor((expiresAt ?? LATEST) / 1000);
    return { status: 200, headers: noStore, body: { user, scope: [...scope], expire } };
  };
}

/** The end of a token that has none: the last second that ejabberd can write as a date. */
const LATEST = 253_402_300_799_000;

/** ejabberd issues no tokens beside ours, and has no clients of its own: both would be a second store. */
export function refuseToStore(
  deps: EjabberdDeps,
): OperationHandler<operations, 'storeToken' | 'lookUpClient' | 'storeClient'> {
  return (request) => {
    requireEjabberd(request, deps);
    if (request.operationId === 'lookUpClient') throw unknown('clients are not told to ejabberd');
    throw new OAuthError(
      'access_denied',
      'tokens and clients are made here: see gatehouse tokens and gatehouse clients',
      {
        status: 403,
      },
    );
  };
}

function unknown(reason: string): OAuthError {
  return new OAuthError('invalid_request', 'there is none', { status: 404, reason });
}

function requireEjabberd(request: ApiRequest, { secret, secretGuesses }: EjabberdDeps): void {
  const authorization = readAuthorization(request.headers);
  if (authorization.kind === 'bearer') {
    if (isSameSecret(authorization.token, secret)) return;
    const { clientAddress } = request;
    secretGuesses.wrong({ owner: { server: 'ejabberd' }, clientAddress, never4xx: false }, 'wrong secret');
  }
  throw new OAuthError('invalid_client', 'this needs ejabberd.secret as a bearer token', {
    headers: { 'www-authenticate': 'Bearer realm="gatehouse"' },
    reason: authorization.kind === 'bearer' ? 'wrong secret' : 'no bearer secret',
  });
}
