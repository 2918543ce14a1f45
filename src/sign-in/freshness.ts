import type { SignIn } from '../storage/records/sign-ins.ts';
import type { UpstreamIdentity } from '../upstream/login/login.ts';
import { message } from '../texts/message.ts';
import { SignInRefusal } from './refusal.ts';

/** How far the IdP's clock may be behind ours, in milliseconds. */
const SKEW = 30_000;

/**
 * The oldest authentication, in seconds before the sign-in began, that a client accepts: `max_age`, or 0 with `prompt=login`; `undefined`
 * where any will do (OpenID Connect Core section 3.1.2.1).
 */
export function wantedMaxAge({
  prompt,
  max_age: maxAge,
}: Pick<SignIn, 'prompt' | 'max_age'>): number | undefined {
  if (prompt?.split(' ').includes('login') === true) return 0;
  return maxAge ?? undefined;
}

/**
 * Throws `SignInRefusal` if a client asked for a recent authentication and the IdP did not say when it was, or says that it was earlier: an IdP
 * that ignores `prompt` and `max_age` must not pass for one that obeyed.
 */
export function requireFreshAuthentication(
  signIn: Pick<SignIn, 'prompt' | 'max_age' | 'created_at'>,
  { authenticatedAt }: Pick<UpstreamIdentity, 'authenticatedAt'>,
): void {
  const maxAge = wantedMaxAge(signIn);
  if (maxAge === undefined) return;
  if (authenticatedAt === undefined) {
    throw new SignInRefusal(
      message('sign-in.age-unknown'),
      'max_age or prompt=login was asked for, and the IdP gives no auth_time',
    );
  }
  if (authenticatedAt + SKEW >= signIn.created_at - maxAge * 1000) return;
  throw new SignInRefusal(
    message('sign-in.too-old'),
    'the IdP authenticated the person earlier than max_age or prompt=login allows',
  );
}
