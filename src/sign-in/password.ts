/** Signing in with a name and a password that are the identity provider's, which is asked: for Matrix's own login, and for the password grant. */
import type { AddressLimit } from '../http/address-limit.ts';
import { type RateLimiter, type Reservation, reserveAll } from '../http/rate-limit.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import type { User } from '../storage/records/users.ts';
import type { UpstreamIdentity } from '../upstream/login/login.ts';
import { UpstreamRefusal } from '../upstream/login/refusal.ts';
import type { Provider } from '../upstream/provider.ts';
import { completeSignIn, type CompletionDeps } from './complete.ts';
import { countingFailure, countingSignIn, type SignInCountDeps } from './count-sign-in.ts';
import { SignInRefusal } from './refusal.ts';

/** Who is asked, and who may use it. */
export interface PasswordLogin {
  readonly provider: Pick<Provider, 'id' | 'checkPassword'>;
  /** What the provider calls the person of a localpart. */
  readonly usernameOf: (localpart: string) => string;
  /** Who may use it; undefined: everybody. */
  readonly allowed: ReadonlySet<string> | undefined;
  readonly failures: {
    /** By localpart, whether there is such a user or not. */
    readonly perAccount: RateLimiter;
    readonly perAddress: AddressLimit;
  };
}

/** The password grant, as the operator switched it on. */
export interface PasswordGrant {
  readonly login: PasswordLogin;
  /** The localpart that a name stands for; undefined if it stands for none. */
  readonly localpartOf: (name: string) => string | undefined;
}

/** Whom a client wants to sign in. `unknown`: nobody on this server, as far as that can be told without asking anybody. */
export type AskedUser =
  | { readonly kind: 'localpart'; readonly localpart: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** `refused`: the one answer for an unknown user, a wrong password and a user who may not sign in this way; the reason is for the log. `not_let_in`: the password is right, so the person may be told. */
export type PasswordOutcome =
  | { readonly kind: 'signed_in'; readonly user: User; readonly identity: UpstreamIdentity }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'not_let_in'; readonly refusal: SignInRefusal };

/**
 * Who has this name and this password. Nobody else than who was asked for is ever signed in, whatever name the provider knows them by, and the provider is asked in each case. Refusals
 * count against account and address (429 above the limits); successes, outages and people who are merely not let in do not.
 */
export async function signInByPassword(
  deps: CompletionDeps & SignInCountDeps,
  login: PasswordLogin,
  attempt: { readonly asked: AskedUser; readonly password: string; readonly address: string },
): Promise<PasswordOutcome> {
  const reservation = reserve(login, attempt);
  let outcome: PasswordOutcome;
  try {
    outcome = await judge(deps, login, attempt);
  } catch (error) {
    reservation.giveBack();
    throw error;
  }
  if (outcome.kind === 'refused') reservation.keep();
  else reservation.giveBack();
  if (outcome.kind !== 'signed_in' && !isDeactivated(outcome)) {
    const reason = outcome.kind === 'refused' ? outcome.reason : outcome.refusal.reason;
    deps.emit('login_refused', { provider: login.provider.id, reason });
  }
  return outcome;
}

function isDeactivated(outcome: PasswordOutcome): boolean {
  return outcome.kind === 'not_let_in' && outcome.refusal.kind === 'deactivated';
}

/** Counts the attempt before it is made, by address and account. */
function reserve(
  { failures }: PasswordLogin,
  { asked, address }: { readonly asked: AskedUser; readonly address: string },
): Reservation {
  const ofAddress = [failures.perAddress, address] as const;
  if (asked.kind === 'unknown') return reserveAll([ofAddress]);
  return reserveAll([ofAddress, [failures.perAccount, asked.localpart]]);
}

/** Where no question could have a good answer, there is none: that says nothing about who exists. */
async function judge(
  deps: CompletionDeps & SignInCountDeps,
  { provider, usernameOf, allowed }: PasswordLogin,
  { asked, password }: { readonly asked: AskedUser; readonly password: string },
): Promise<PasswordOutcome> {
  if (asked.kind === 'unknown') return { kind: 'refused', reason: asked.reason };
  if (password === '') return { kind: 'refused', reason: 'the password is empty' };
  const { localpart } = asked;
  let identity: UpstreamIdentity;
  try {
    identity = await countingFailure(deps, provider.id, () =>
      provider.checkPassword({ username: usernameOf(localpart), password }),
    );
  } catch (error) {
    if (!(error instanceof UpstreamRefusal)) throw error;
    if (error.kind === 'denied') return { kind: 'refused', reason: error.reason };
    throw new Unavailable('the identity provider', { cause: error });
  }
  if (allowed?.has(localpart) === false) return { kind: 'refused', reason: 'the user is not in allow_users' };
  return complete(deps, { providerId: provider.id, identity, expectedLocalpart: localpart });
}

async function complete(
  deps: CompletionDeps & SignInCountDeps,
  signIn: { providerId: string; identity: UpstreamIdentity; expectedLocalpart: string },
): Promise<PasswordOutcome> {
  try {
    const user = await countingSignIn(deps, signIn.providerId, () => completeSignIn(deps, signIn));
    return { kind: 'signed_in', user, identity: signIn.identity };
  } catch (error) {
    if (!(error instanceof SignInRefusal)) throw error;
    if (error.kind === 'other_person') return { kind: 'refused', reason: error.reason };
    return { kind: 'not_let_in', refusal: error };
  }
}
