import { MatrixError } from '../../protocol/matrix-error.ts';
import { hashSecret, isWellFormedSecret } from '../../protocol/token-format.ts';
import { findLoginTokenOwner, redeemLoginToken } from '../../sessions/login-tokens.ts';
import type { Person } from './begin-session.ts';
import type { LogInDeps } from './deps.ts';
import type { LogInBody } from './log-in-body.ts';

/**
 * `m.login.token`: whom the login token of a single sign-on names. It is redeemed with the session that it is for, not before: while the homeserver
 * cannot be told, it stays good.
 */
export async function signInByToken(deps: LogInDeps, { token }: LogInBody): Promise<Person> {
  if (token == null) throw new MatrixError(400, 'M_BAD_JSON', 'token is missing');
  if (!isWellFormedSecret('loginToken', token)) throw invalidToken(deps, 'malformed');
  const hash = hashSecret(token);
  const owner = await findLoginTokenOwner(deps.db.query, { hash, now: deps.clock.now() });
  if (owner === undefined) throw invalidToken(deps, 'unknown, used or too old');
  return {
    ...owner,
    redeem: async (tx, now) => (await redeemLoginToken(tx, { hash, now })) !== undefined,
    spent: () => invalidToken(deps, 'used by somebody else at the same moment'),
  };
}

function invalidToken({ emit }: LogInDeps, reason: string): MatrixError {
  emit('login_refused', { reason: `login token: ${reason}` });
  return new MatrixError(403, 'M_FORBIDDEN', 'Invalid login token', { reason: `login token: ${reason}` });
}
