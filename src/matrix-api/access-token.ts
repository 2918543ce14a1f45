import type { InternalUserId } from '../protocol/identifiers.ts';
import { readAuthorization } from '../http/bearer.ts';
import type { ApiRequest } from '../http/exchange.ts';
import { MatrixError } from '../protocol/matrix-error.ts';
import { isApiScope } from '../protocol/scope.ts';
import {
  type ActiveAccess,
  type InactiveReason,
  type KnownVerdict,
  knownVerdict,
  type Verify,
} from '../verification/access-verdict.ts';
import type { Database } from '../storage/engine/database.ts';
import { findOwnerOfNewest } from '../storage/records/newest-token.ts';

interface AccessDeps {
  readonly verify: Verify;
}

/** An access token that belongs to a person. */
export interface UserAccess extends ActiveAccess {
  readonly userId: InternalUserId;
  readonly localpart: string;
}

/**
 * Whose request this is. Throws 401 in the words of the Matrix specification: M_MISSING_TOKEN, M_UNKNOWN_TOKEN (with
 * `soft_logout: true` if the token has merely expired), M_USER_LOCKED (with `soft_logout: true`: locked is not logged out).
 */
async function requireAccess(deps: AccessDeps, request: ApiRequest): Promise<ActiveAccess> {
  const verdict = await judgeAccessToken(deps, request);
  switch (verdict.kind) {
    case 'active':
      return verdict.access;
    case 'locked':
      throw new MatrixError(401, 'M_USER_LOCKED', 'This account has been locked', {
        members: { soft_logout: true },
      });
    case 'inactive':
      throw unknownToken(verdict.reason);
  }
}

/** As {@link requireAccess}, and 403 if the token is not for Matrix, or belongs to a client alone. */
export async function requireUser(deps: AccessDeps, request: ApiRequest): Promise<UserAccess> {
  return ofUser(await requireAccess(deps, request));
}

/** Throws 403 if the token belongs to a client alone, or is for other servers only: it has not the scope of the Matrix API. */
export function ofUser(access: ActiveAccess): UserAccess {
  const { userId, localpart } = access;
  if (userId === null || localpart === null) {
    throw new MatrixError(403, 'M_FORBIDDEN', 'This access token belongs to a client, not to a user');
  }
  if (!access.scope.split(' ').some(isApiScope)) {
    throw new MatrixError(403, 'M_FORBIDDEN', 'This access token is not for the Matrix API');
  }
  return { ...access, userId, localpart };
}

/** The verdict on the request's access token, for the routes that work while a user is locked. Throws if there is no token at all. */
export async function judgeAccessToken(deps: AccessDeps, request: ApiRequest): Promise<KnownVerdict> {
  const verdict = await knownVerdict(deps.verify, readAccessToken(request));
  const sessionId = verdict.kind === 'inactive' ? verdict.sessionId : verdict.access.sessionId;
  if (sessionId !== undefined) request.annotate({ sessionId });
  if (verdict.kind === 'inactive' && verdict.detail !== undefined)
    request.annotate({ reason: verdict.detail });
  return verdict;
}

/**
 * Whose access token it is that has merely expired, as a client holds it that was softly logged out. Throws if it is no good for another reason, and
 * where a refresh has replaced it: then only whoever found it somewhere has it, and it has no power over other sessions.
 */
export async function ownerOfExpired(
  { db }: { readonly db: Database },
  { reason, hash }: Pick<Extract<KnownVerdict, { kind: 'inactive' }>, 'reason' | 'hash'>,
): Promise<string> {
  if (reason !== 'expired' || hash === undefined) throw unknownToken(reason);
  const owner = await findOwnerOfNewest(db.query, hash);
  if (owner === undefined) throw unknownToken(reason);
  return owner;
}

/** The refusal of a token that is not good. Only an expired one leaves the session alive (client-server API, "Soft logout"). */
export function unknownToken(reason: InactiveReason): MatrixError {
  return new MatrixError(
    401,
    'M_UNKNOWN_TOKEN',
    reason === 'expired' ? 'Access token has expired' : 'Unrecognised access token',
    {
      members: { soft_logout: reason === 'expired' },
      reason,
    },
  );
}

/**
 * The access token of the Authorization header, or, for clients of the time before
 * version 1.11 of the specification, of the query. Never of both.
 */
function readAccessToken(request: ApiRequest): string {
  const authorization = readAuthorization(request.headers);
  const inQuery = request.query.getAll('access_token');
  if (authorization.kind === 'absent') {
    const [token = '', ...more] = inQuery;
    if (more.length > 0) throw missingToken('access_token is given more than once');
    if (token === '') throw missingToken('Missing access token');
    return token;
  }
  if (inQuery.length > 0) {
    throw missingToken('The access token must be in the Authorization header or in the query, not in both');
  }
  if (authorization.kind === 'bearer') return authorization.token;
  throw missingToken('The Authorization header must hold one Bearer token');
}

function missingToken(text: string): MatrixError {
  return new MatrixError(401, 'M_MISSING_TOKEN', text);
}
