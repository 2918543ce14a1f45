/** The one cookie session that there is: for the account page alone, half an hour long, its secret hashed in the database. */
import { clearCookie, readCookies, setCookie } from '../http/cookies.ts';
import { type ApiRequest, type Handler, noStore, type Reply } from '../http/exchange.ts';
import { type SecretHash, hashSecret, isWellFormedSecret, issueSecret } from '../protocol/token-format.ts';
import { PageRefusal } from '../http/pages/page-refusal.ts';
import { message } from '../texts/message.ts';
import { beginSignIn } from '../sign-in/begin.ts';
import { releaseBrowser } from '../sign-in/browser-binding.ts';
import { requireIdentified } from '../sign-in/current.ts';
import type { SignInPurpose } from '../sign-in/deps.ts';
import {
  deleteAccountSession,
  findAccountPlace,
  findAccountSession,
  insertAccountRequest,
  insertAccountSession,
} from '../storage/records/account-sessions.ts';
import { finishSignIn } from '../storage/records/sign-ins.ts';
import { findUser, type User } from '../storage/records/users.ts';
import type { AccountDeps } from './deps.ts';
import { overview, type AccountPlace, urlOf } from './place.ts';

const COOKIE = 'account';
/** How many cookies of the same name are looked at. */
const DUPLICATES = 5;
const LIFETIME = 30 * 60_000;
/** What ends much needs a sign-in at the IdP this recent, in milliseconds; one that is asked for may be this old, in seconds. */
const RECENT = 15 * 60_000;
const MAX_AGE_SECONDS = 600;

/** Somebody who is signed in to the account page. */
export interface Visit {
  readonly user: User;
  /** The cookie's value: forms are bound to it. */
  readonly secret: string;
  readonly hash: SecretHash;
  /** The person proved at the IdP a short while ago who they are. */
  readonly isRecent: boolean;
}

/**
 * The cookie's values as they came, whether they are still good or not. There can be several, because a cookie of this name may have been set for another
 * path or domain: if only one of them counted, and not ours, signing in again would never help.
 */
export function visitSecrets(issuer: string, request: ApiRequest): string[] {
  return readCookies(issuer, request, COOKIE)
    .filter((secret) => isWellFormedSecret('accountSession', secret))
    .slice(0, DUPLICATES);
}

/** Who is there; `undefined` if nobody is signed in: no cookie, a broken one, one that is over, a user who was deactivated. */
export async function findVisit(deps: AccountDeps, request: ApiRequest): Promise<Visit | undefined> {
  for (const secret of visitSecrets(deps.issuer, request)) {
    const visit = await findVisitOf(deps, request, secret);
    if (visit !== undefined) return visit;
  }
  return undefined;
}

async function findVisitOf(
  deps: AccountDeps,
  request: ApiRequest,
  secret: string,
): Promise<Visit | undefined> {
  const now = deps.clock.now();
  const hash = hashSecret(secret);
  const session = await findAccountSession(deps.db.query, hash);
  if (session === undefined || session.expires_at <= now) return undefined;
  const user = await findUser(deps.db.query, session.user_id);
  if (user === undefined || user.deactivated_at !== null) return undefined;
  request.annotate({ userId: user.id });
  const { authenticated_at: authenticatedAt } = session;
  return { user, secret, hash, isRecent: authenticatedAt !== null && authenticatedAt > now - RECENT };
}

/** Sends the browser to sign in, and afterwards to the place. `recent`: the IdP is to make sure that it is still the same person. */
export function signInFor(
  deps: AccountDeps,
  request: ApiRequest,
  to: { place: AccountPlace; recent?: boolean },
): Promise<Reply> {
  deps.signInGuard.take(request.clientAddress);
  return beginSignIn(deps, {
    request,
    purpose: 'account',
    ...(to.recent === true ? { maxAgeSeconds: MAX_AGE_SECONDS } : {}),
    remember: (tx, signInId) => insertAccountRequest(tx, { sign_in_id: signInId, place: to.place }),
  });
}

/** After a sign-in for the account page comes the page that makes the cookie. */
export function accountPurpose({ issuer }: { issuer: string }): SignInPurpose {
  return {
    // The account page says so itself.
    admitsLocked: true,
    next: (signIn) => urlOf(issuer, `account/welcome/${signIn.id}`),
    wayBack: () => Promise.resolve(undefined),
  };
}

/** Makes the cookie, once, in the browser that the sign-in is bound to, and goes on to where the person wanted to go. */
export function welcome(deps: AccountDeps): Handler {
  return async (request) => {
    const signIn = await requireIdentified(deps, request, 'account');
    const place = (await findAccountPlace(deps.db.query, signIn.id)) ?? overview();
    const secret = issueSecret('accountSession', deps.random);
    const earlier = visitSecrets(deps.issuer, request);
    const now = deps.clock.now();
    const won = await deps.db.write(async (tx) => {
      if (!(await finishSignIn(tx, { id: signIn.id, at: now }))) return false;
      for (const old of earlier) await deleteAccountSession(tx, hashSecret(old));
      await insertAccountSession(tx, {
        hash: hashSecret(secret),
        user_id: signIn.user_id,
        authenticated_at: signIn.authenticated_at,
        upstream_sid: signIn.upstream_sid,
        created_at: now,
        expires_at: now + LIFETIME,
      });
      return true;
    });
    if (!won) throw new PageRefusal(message('sign-in.answered'));
    const options = { maxAgeSeconds: LIFETIME / 1000 };
    return {
      status: 303,
      headers: {
        ...noStore,
        location: urlOf(deps.issuer, place),
        'set-cookie': [
          setCookie(deps.issuer, COOKIE, secret, options),
          releaseBrowser(deps.issuer, signIn.id),
        ],
      },
    };
  };
}

/** `Set-Cookie` value that forgets the visit. */
export function forgetVisit(issuer: string): string {
  return clearCookie(issuer, COOKIE);
}
