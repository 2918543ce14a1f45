/** A person proves themselves: reads what is about to be done, signs in at the IdP anew, and is sent to the page that tells the app. */
import type { PageRoute } from '../../http/app.ts';
import { ensureBrowserSecret, readBrowserSecret } from '../../http/cookies.ts';
import { type Handler, noStore, type Reply } from '../../http/exchange.ts';
import { wordsIn } from '../../http/pages/words.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import { hashSecret } from '../../protocol/token-format.ts';
import { beginSignIn } from '../../sign-in/begin.ts';
import { releaseBrowser } from '../../sign-in/browser-binding.ts';
import { requireIdentified } from '../../sign-in/current.ts';
import type { SignInPurpose } from '../../sign-in/deps.ts';
import { listLinks } from '../../storage/records/people.ts';
import { finishSignIn } from '../../storage/records/sign-ins.ts';
import {
  completeUiAuth,
  findUiAuthOfSignIn,
  insertUiAuthRequest,
  type WaitingRequest,
} from '../../storage/records/user-interactive.ts';
import type { MatrixApiDeps } from '../deps.ts';
import { doneUrl, notWaiting } from './fallback.ts';
import { confirmPage, otherPersonPage } from './pages.ts';
import { findWaiting } from './prove.ts';

const COOKIE = 'user-interactive';

/** The pages on our own origin. */
export function userInteractivePages(deps: MatrixApiDeps): PageRoute[] {
  const path = '/user-interactive';
  return [
    { method: 'GET', path, operationId: 'showUserInteractive', handler: showConfirmation(deps) },
    { method: 'POST', path, operationId: 'beginUserInteractive', handler: beginProof(deps), form: true },
    {
      method: 'GET',
      path: `${path}/:id/done`,
      operationId: 'finishUserInteractive',
      handler: finishProof(deps),
    },
  ];
}

/** After the IdP comes the page that looks who it was. */
export function userInteractivePurpose({ issuer }: { issuer: string }): SignInPurpose {
  return {
    next: (signIn) => endpointUrl(issuer, `user-interactive/${signIn.id}/done`),
    wayBack: () => Promise.resolve(undefined),
  };
}

/** `GET /user-interactive?session=`: says what is about to be done. */
function showConfirmation(deps: MatrixApiDeps): Handler {
  return async (request) => {
    const session = request.query.get('session') ?? '';
    const waiting = await requireWaiting(deps, session);
    const { secret, headers } = ensureBrowserSecret(deps, request, COOKIE);
    const csrfField = deps.csrf.field(secret, formPurpose(session));
    return confirmPage(deps, wordsIn(request.language), { waiting, session, csrfField, headers });
  };
}

/** `POST /user-interactive`: to the IdP, which has to ask the person, whatever session they have there. */
function beginProof(deps: MatrixApiDeps): Handler {
  return async (request) => {
    const session = request.form.get('session') ?? '';
    deps.csrf.check(request, readBrowserSecret(deps.issuer, request, COOKIE), formPurpose(session));
    const waiting = await requireWaiting(deps, session);
    deps.signInGuard.take(request.clientAddress);
    const links = await listLinks(deps.db.query, waiting.user_id);
    return beginSignIn(deps, {
      request,
      purpose: 'user_interactive',
      prompt: 'login',
      loginHint: waiting.localpart,
      providerHint: links.length === 1 ? (links[0]?.provider_id ?? null) : null,
      remember: (tx, signInId) => insertUiAuthRequest(tx, { signInId, hash: waiting.hash }),
    });
  };
}

/** `GET /user-interactive/:id/done`: the person is known; it counts only if it is the one whose session asked. */
function finishProof(deps: MatrixApiDeps): Handler {
  return async (request) => {
    const signIn = await requireIdentified(deps, request, 'user_interactive');
    const waiting = await findUiAuthOfSignIn(deps.db.query, signIn.id);
    if (waiting === undefined) throw notWaiting();
    request.annotate({ sessionId: waiting.session_id });
    if (waiting.user_id !== signIn.user_id) {
      const reason = 'somebody else than the user of the session proved who they are';
      request.annotate({ reason });
      deps.emit('login_refused', { userId: signIn.user_id, reason });
      return otherPersonPage(deps, wordsIn(request.language), { waiting, signInId: signIn.id });
    }
    const at = deps.clock.now();
    const completed = await deps.db.write(async (tx) => {
      if (!(await finishSignIn(tx, { id: signIn.id, at }))) return false;
      return completeUiAuth(tx, { hash: waiting.hash, at });
    });
    if (!completed) throw notWaiting();
    return leave(deps, signIn.id);
  };
}

function leave(deps: MatrixApiDeps, signInId: string): Reply {
  return {
    status: 303,
    headers: {
      ...noStore,
      location: doneUrl(deps, signInId),
      'set-cookie': releaseBrowser(deps.issuer, signInId),
    },
  };
}

async function requireWaiting(deps: MatrixApiDeps, session: string): Promise<WaitingRequest> {
  const waiting = await findWaiting(deps, session);
  if (waiting === undefined || waiting.completed_at !== null) throw notWaiting();
  return waiting;
}

function formPurpose(session: string): string {
  return `user-interactive:${hashSecret(session)}`;
}
