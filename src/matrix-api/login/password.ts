/** `m.login.password`: name and password are the identity provider's, which is asked. */
import type { ApiRequest } from '../../http/exchange.ts';
import { plainText } from '../../texts/catalogue.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';
import { type PasswordLogin, signInByPassword } from '../../sign-in/password.ts';
import type { SignInRefusal } from '../../sign-in/refusal.ts';
import { deactivated, type Person } from './begin-session.ts';
import type { LogInDeps } from './deps.ts';
import { readAskedUser } from './identifier.ts';
import type { LogInBody } from './log-in-body.ts';

/** Who has this name and this password, in the words of the Matrix specification. */
export async function logInByPassword(
  deps: LogInDeps,
  login: PasswordLogin,
  request: ApiRequest<LogInBody>,
): Promise<Person> {
  const { password } = request.body;
  if (password == null) throw new MatrixError(400, 'M_BAD_JSON', 'password is missing');
  const asked = readAskedUser(request.body, deps.serverName);
  const outcome = await signInByPassword(deps, login, { asked, password, address: request.clientAddress });
  switch (outcome.kind) {
    case 'signed_in':
      return {
        userId: outcome.user.id,
        authenticatedAt: outcome.identity.authenticatedAt ?? deps.clock.now(),
        upstreamSid: outcome.identity.sid ?? null,
      };
    case 'refused':
      throw new MatrixError(403, 'M_FORBIDDEN', 'Invalid username or password', { reason: outcome.reason });
    case 'not_let_in':
      throw notLetIn(outcome.refusal);
  }
}

/** The password is right: the person may be told what is wrong with the account. */
function notLetIn({ kind, told, reason }: SignInRefusal): MatrixError {
  return kind === 'deactivated'
    ? deactivated()
    : new MatrixError(403, 'M_FORBIDDEN', plainText('en', told), { reason });
}
