import type { OperationHandler } from '../../http/operation-handler.ts';
import type { operations } from '../../generated/matrix-client.ts';
import { noStore, type Reply } from '../../http/exchange.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import { PageRefusal } from '../../http/pages/page-refusal.ts';
import { type Words, wordsIn } from '../../http/pages/words.ts';
import { message } from '../../texts/message.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';
import { findUiAuthOfSignIn } from '../../storage/records/user-interactive.ts';
import type { MatrixApiDeps } from '../deps.ts';
import { OAUTH_STAGES, crossSigningResetUrl } from './oauth-data.ts';
import { donePage } from './pages.ts';
import { findWaiting, SSO_STAGE } from './prove.ts';

type Deps = Pick<MatrixApiDeps, 'db' | 'clock' | 'issuer' | 'homeserverUrl'>;

/**
 * The fallback page of a stage (client-server API, "Fallback"). For single sign-on it leads to our own origin, where browsers are known by cookies,
 * and is the last page too: apps take its message only from the homeserver's origin. `accountUrl`: where people reset their cross-signing identity.
 */
export function showFallback(
  deps: Deps,
  accountUrl: string | undefined,
): OperationHandler<operations, 'showUserInteractiveFallback'> {
  return async (request) => {
    const stage = request.params['authType'] ?? '';
    const isOAuth = OAUTH_STAGES.includes(stage) && accountUrl !== undefined;
    if (stage !== SSO_STAGE && !isOAuth) {
      throw new MatrixError(404, 'M_UNRECOGNIZED', 'This authentication type is not offered here');
    }
    const signInId = request.query.get('done');
    if (signInId !== null && stage === SSO_STAGE) return showDone(deps, wordsIn(request.language), signInId);
    const session = request.query.get('session') ?? '';
    if (session === '') throw new MatrixError(400, 'M_MISSING_PARAM', 'session is missing');
    if (isOAuth) return { status: 302, headers: { ...noStore, location: crossSigningResetUrl(accountUrl) } };
    const waiting = await findWaiting(deps, session);
    if (waiting === undefined) throw notWaiting();
    if (waiting.completed_at !== null) return donePage(wordsIn(request.language));
    return { status: 303, headers: { ...noStore, location: confirmUrl(deps, session) } };
  };
}

/** Where the way ends: on the origin that the app knows. */
export function doneUrl({ homeserverUrl, issuer }: Deps, signInId: string): string {
  return endpointUrl(
    homeserverUrl ?? issuer,
    `_matrix/client/v3/auth/${SSO_STAGE}/fallback/web?done=${signInId}`,
  );
}

/** What a person is told who comes too late, or twice. */
export function notWaiting(): PageRefusal {
  const wire = new MatrixError(404, 'M_NOT_FOUND', 'Nothing waits to be confirmed here, or it is too old');
  return new PageRefusal(message('prove.nothing'), { wire });
}

function confirmUrl({ issuer }: Deps, session: string): string {
  return endpointUrl(issuer, `user-interactive?session=${encodeURIComponent(session)}`);
}

async function showDone(deps: Deps, words: Words, signInId: string): Promise<Reply> {
  const known = /^[0-9a-z]{26}$/.test(signInId);
  const waiting = known ? await findUiAuthOfSignIn(deps.db.query, signInId) : undefined;
  if (waiting === undefined || waiting.completed_at === null) throw notWaiting();
  return donePage(words);
}
