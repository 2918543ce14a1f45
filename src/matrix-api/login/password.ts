/** `m.login.password`: name and password are the identity provider's, which is asked. */
import type { ApiRequest } from '../../http/exchange.ts';
import { type Reservation, reserveAll } from '../../http/rate-limit.ts';
import { plainText } from '../../texts/catalogue.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';
import { Unavailable } from '../../protocol/unavailable.ts';
import { completeSignIn } from '../../sign-in/complete.ts';
import { countingFailure, countingSignIn, type SignInCountDeps } from '../../sign-in/count-sign-in.ts';
import { SignInRefusal } from '../../sign-in/refusal.ts';
import type { User } from '../../storage/records/users.ts';
import type { UpstreamIdentity } from '../../upstream/login/login.ts';
import { UpstreamRefusal } from '../../upstream/login/refusal.ts';
import { deactivated, type Person } from './begin-session.ts';
import type { LogInDeps } from './deps.ts';
import { type AskedUser, readAskedUser } from './identifier.ts';
import type { LogInBody } from './log-in-body.ts';
import type { PasswordLogin } from './methods.ts';

/**
 * Who has this name and this password. Nobody else than who was asked for is ever signed in, whatever name the provider knows them by. An unknown
 * user, a wrong password and a user who may not log in this way are one answer, reached by the same way: the provider is asked in each case.
 * Refusals count against account and address (429 above the limits); successes, outages and people who are merely not let in do not.
 */
export async function signInByPassword(
  deps: LogInDeps,
  login: PasswordLogin,
  request: ApiRequest<LogInBody>,
): Promise<Person> {
  const { password } = request.body;
  if (password == null) throw new MatrixError(400, 'M_BAD_JSON', 'password is missing');
  const asked = readAskedUser(request.body, deps.serverName);
  const attempt = reserve(login, asked, request.clientAddress);
  try {
    const { identity, localpart } = await askProvider(deps, login, asked, password);
    if (login.allowed?.has(localpart) === false) throw new NotSignedIn('the user is not in allow_users');
    const user = await complete(deps, { providerId: login.provider.id, identity, localpart });
    attempt.giveBack();
    return {
      userId: user.id,
      authenticatedAt: identity.authenticatedAt ?? deps.clock.now(),
      upstreamSid: identity.sid ?? null,
    };
  } catch (error) {
    if (!(error instanceof NotSignedIn)) {
      attempt.giveBack();
      throw error;
    }
    attempt.keep();
    deps.emit('login_refused', {
      provider: login.provider.id,
      reason: error.message,
    });
    throw new MatrixError(403, 'M_FORBIDDEN', 'Invalid username or password', { reason: error.message });
  }
}

/** Counts as a failure against the limits, and has the one answer. The message is for the log. */
class NotSignedIn extends Error {}

/** Counts the attempt before it is made, by address and account. */
function reserve({ failures }: PasswordLogin, asked: AskedUser, address: string): Reservation {
  const ofAddress = [failures.perAddress, address] as const;
  if (asked.kind === 'unknown') return reserveAll([ofAddress]);
  return reserveAll([ofAddress, [failures.perAccount, asked.localpart]]);
}

/** Where no question could have a good answer, there is none: that says nothing about who exists. */
async function askProvider(
  deps: SignInCountDeps,
  { provider, usernameOf }: PasswordLogin,
  asked: AskedUser,
  password: string,
): Promise<{ readonly identity: UpstreamIdentity; readonly localpart: string }> {
  if (asked.kind === 'unknown') throw new NotSignedIn(asked.reason);
  if (password === '') throw new NotSignedIn('the password is empty');
  try {
    const { localpart } = asked;
    return {
      localpart,
      identity: await countingFailure(deps, provider.id, () =>
        provider.checkPassword({ username: usernameOf(localpart), password }),
      ),
    };
  } catch (error) {
    if (!(error instanceof UpstreamRefusal)) throw error;
    throw error.kind === 'denied'
      ? new NotSignedIn(error.reason)
      : new Unavailable('the identity provider', { cause: error });
  }
}

/** The password is right: from here on the person may be told what is wrong with the account. */
async function complete(
  deps: LogInDeps,
  { localpart, ...signIn }: { providerId: string; identity: UpstreamIdentity; localpart: string },
): Promise<User> {
  try {
    return await countingSignIn(deps, signIn.providerId, () =>
      completeSignIn(deps, { ...signIn, expectedLocalpart: localpart }),
    );
  } catch (error) {
    if (!(error instanceof SignInRefusal)) throw error;
    switch (error.kind) {
      case 'other_person':
        throw new NotSignedIn(error.reason);
      case 'deactivated':
        throw deactivated();
      case 'refused':
        deps.emit('login_refused', { provider: signIn.providerId, reason: error.reason });
        throw new MatrixError(403, 'M_FORBIDDEN', plainText('en', error.told), { reason: error.reason });
    }
  }
}
