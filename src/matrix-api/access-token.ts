import type { ApiRequest } from '../http/exchange.ts';
import { MatrixError } from '../protocol/matrix-error.ts';
import { type ActiveAccess, type FindAccessDeps, type InactiveReason, findAccess } from '../sessions/find.ts';

/**
 * Whose request this is. Throws 401 in the words of the Matrix specification: M_MISSING_TOKEN, M_UNKNOWN_TOKEN (with
 * `soft_logout: true` where the token has merely expired), M_USER_LOCKED (with `soft_logout: true`: locked is not logged out).
 */
export async function requireAccess(deps: FindAccessDeps, request: ApiRequest): Promise<ActiveAccess> {
  const verdict = await findAccess(deps, readAccessToken(request));
  switch (verdict.kind) {
    case 'active':
      request.annotate({ sessionId: verdict.access.sessionId });
      return verdict.access;
    case 'locked':
      request.annotate({ sessionId: verdict.access.sessionId });
      throw new MatrixError(401, 'M_USER_LOCKED', 'This account has been locked', {
        members: { soft_logout: true },
      });
    case 'inactive':
      throw unknownToken(verdict.reason);
  }
}

function unknownToken(reason: InactiveReason): MatrixError {
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

/** The access token of the Authorization header, whose scheme counts in any case (RFC 9110 section 11.1). */
function readAccessToken({ headers }: ApiRequest): string {
  const { authorization } = headers;
  if (authorization === undefined) throw missingToken('Missing access token');
  const token = /^bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw missingToken('The Authorization header must hold one Bearer token');
  return token;
}

function missingToken(text: string): MatrixError {
  return new MatrixError(401, 'M_MISSING_TOKEN', text);
}
