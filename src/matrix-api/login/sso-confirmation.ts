import { type ApiRequest, type Handler, noStore, type Reply } from '../../http/exchange.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import { isTrustedRedirect, withLoginToken } from '../../protocol/login-redirect.ts';
import { PageRefusal } from '../../http/pages/page-refusal.ts';
import { returnPlace } from '../../http/pages/return-place.ts';
import { type Words, wordsIn } from '../../http/pages/words.ts';
import { hashSecret } from '../../protocol/token-format.ts';
import { findCrowd } from '../../sessions/limits.ts';
import { issueLoginToken } from '../../sessions/login-tokens.ts';
import { browserSecretOf, releaseBrowser } from '../../sign-in/browser-binding.ts';
import { keepForApp, opensApp, toHandOver } from '../../sign-in/hand-over.ts';
import { requireIdentified } from '../../sign-in/current.ts';
import type { SignInDeps, SignInPurpose } from '../../sign-in/deps.ts';
import { findLoginRedirect, findLoginToken } from '../../storage/records/login-tokens.ts';
import { finishSignIn, type SignIn } from '../../storage/records/sign-ins.ts';
import { findUser, type User } from '../../storage/records/users.ts';
import { message } from '../../texts/message.ts';
import { confirmationPage, refusedPage } from './sso-confirmation-page.ts';
import type { SsoDeps } from './sso-deps.ts';

/** What the confirmation is about, all of it read from what was stored at the start. */
interface Asked {
  readonly signIn: SignIn;
  readonly redirectUrl: string;
  readonly user: User;
}

/** After a sign-in for a legacy client comes the question whether it may have a login token. */
export function legacyLoginPurpose(
  deps: Pick<SignInDeps, 'db' | 'clock' | 'issuer' | 'sealer'>,
): SignInPurpose {
  return {
    // The login itself tells the app, in the words of the specification: locked is not logged out.
    admitsLocked: true,
    next: (signIn) => confirmationUrl(deps, signIn),
    isUnused: async (hash) => {
      const token = await findLoginToken(deps.db.query, { hash, at: deps.clock.now() });
      return token !== undefined;
    },
    wayBack: async (signIn) => {
      const url = await findLoginRedirect(deps.db.query, deps.sealer, signIn.id);
      return url === undefined
        ? undefined
        : { url, label: message('action.return-to', { place: returnPlace(url) }) };
    },
  };
}

/** Asks whether the app that the person goes back to may sign in as them; one that the operator trusts is not asked about. */
export function showSsoConfirmation(deps: SsoDeps): Handler {
  return async (request) => {
    const asked = await readAsked(deps, request);
    const isTrusted = isTrustedRedirect(asked.redirectUrl, deps.trustedRedirects);
    if (isTrusted && request.method === 'GET') return proceed(deps, asked);
    const secret = browserSecretOf(deps.issuer, request, asked.signIn.id) ?? '';
    // Which device it will be, the login says: a new one, as far as is known.
    const wanted = { userId: asked.user.id, clientId: null, deviceId: '' };
    return confirmationPage(deps, {
      words: wordsIn(request.language),
      ...asked,
      isCrowded: (await findCrowd(deps.db.query, deps.sessionLimits, wanted)) !== undefined,
      action: confirmationUrl(deps, asked.signIn),
      csrfField: deps.csrf.field(secret, formPurpose(asked)),
    });
  };
}

/** The person's word, of which the first counts. */
export function decideSsoConfirmation(deps: SsoDeps): Handler {
  return async (request) => {
    const asked = await readAsked(deps, request);
    deps.csrf.check(request, browserSecretOf(deps.issuer, request, asked.signIn.id), formPurpose(asked));
    return request.form.get('decision') === 'continue'
      ? proceed(deps, asked)
      : refuse(deps, wordsIn(request.language), asked);
  };
}

async function readAsked(deps: SsoDeps, request: ApiRequest): Promise<Asked> {
  const signIn = await requireIdentified(deps, request, 'legacy_login');
  const redirectUrl = await findLoginRedirect(deps.db.query, deps.sealer, signIn.id);
  const user = await findUser(deps.db.query, signIn.user_id);
  if (redirectUrl === undefined || user === undefined) {
    throw new Error('a sign-in of a legacy client refers to something that is gone');
  }
  return { signIn, redirectUrl, user };
}

/** Back to the app with a login token. Somebody who is locked gets one too: what it means to them, the login itself tells their app (locked is not logged out). */
async function proceed(deps: SsoDeps, { signIn, redirectUrl, user }: Asked): Promise<Reply> {
  if (user.deactivated_at !== null) {
    throw new PageRefusal(message('sign-in.deactivated'), { status: 403 });
  }
  const isForApp = opensApp(deps.handOver, redirectUrl);
  const lifetime = isForApp ? Math.max(deps.loginTokenTtl, deps.handOver.lifetime) : deps.loginTokenTtl;
  const location = await deps.db.write(async (tx) => {
    await finish(deps, tx, signIn);
    const { authenticated_at: authenticatedAt, upstream_sid: upstreamSid } = signIn;
    const owner = { userId: user.id, authenticatedAt, upstreamSid };
    const token = await issueLoginToken(tx, { ...deps, loginTokenTtl: lifetime }, owner);
    const url = withLoginToken(redirectUrl, token);
    if (isForApp) await keepForApp(tx, deps, { signInId: signIn.id, url, hash: hashSecret(token) });
    return url;
  });
  deps.emit('consent_given', { userId: user.id });
  if (isForApp) return toHandOver(deps, signIn.id);
  const cookie = releaseBrowser(deps.issuer, signIn.id);
  return { status: 303, headers: { ...noStore, location, 'set-cookie': cookie } };
}

async function refuse(deps: SsoDeps, words: Words, { signIn, redirectUrl, user }: Asked): Promise<Reply> {
  await deps.db.write((tx) => finish(deps, tx, signIn));
  deps.emit('consent_refused', { userId: user.id });
  return refusedPage(words, redirectUrl, { 'set-cookie': releaseBrowser(deps.issuer, signIn.id) });
}

async function finish(
  deps: Pick<SsoDeps, 'clock'>,
  tx: Parameters<typeof finishSignIn>[0],
  { id }: SignIn,
): Promise<void> {
  if (await finishSignIn(tx, { id, at: deps.clock.now() })) return;
  throw new PageRefusal(message('sign-in.answered'));
}

function confirmationUrl({ issuer }: { issuer: string }, signIn: SignIn): string {
  return endpointUrl(issuer, `sign-in/${signIn.id}/continue`);
}

/** The form belongs to this sign-in and this person: after a change of account it is out of date. */
function formPurpose({ signIn, user }: Pick<Asked, 'signIn' | 'user'>): string {
  return `sso:${signIn.id}:${user.id}`;
}
