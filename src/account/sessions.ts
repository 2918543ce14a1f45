/** The account page's requests: looking at sessions, and ending them. GET changes nothing but the way to the sign-in. */
import { type ApiRequest, type Handler, noStore, type Reply } from '../http/exchange.ts';
import { signOutEverywhere } from '../people/sign-out.ts';
import { PageRefusal } from '../http/pages/page-refusal.ts';
import { type Words, wordsIn } from '../http/pages/words.ts';
import { message } from '../texts/message.ts';
import { endSession } from '../sessions/end.ts';
import { deleteAccountSession } from '../storage/records/account-sessions.ts';
import { countLiveSessions, findSession, listSessionRows } from '../storage/records/session-list.ts';
import { findLiveSession, type Session } from '../storage/records/sessions.ts';
import type { AccountDeps } from './deps.ts';
import {
  endAllPlace,
  type Action,
  endingPlace,
  keyResetPlace,
  overview,
  placeOf,
  type AccountPlace,
  readAction,
  sessionPlace,
  urlOf,
} from './place.ts';
import {
  endAllPage,
  endSessionPage,
  leftPage,
  overviewPage,
  sessionPage,
  type ShownSession,
} from './session-pages.ts';
import { findVisit, forgetVisit, signInFor, type Visit, visitSecrets } from './visit.ts';

/** How many sessions a page lists. */
const PAGE = 20;
const END_ALL = 'account:end-all';
const LEAVE = 'account:leave';

/** `GET /account`: profile and sessions, or what the query's action names. */
export function showAccount(deps: AccountDeps): Handler {
  return async (request) => {
    const action = actionOf(deps, request);
    if (action.kind === 'reset') return goTo(deps, keyResetPlace);
    const visit = await findVisit(deps, request);
    if (visit === undefined) return signInFor(deps, request, { place: placeOf(action) });
    if (action.kind === 'overview' || action.kind === 'unknown')
      return showOverview(deps, request, { visit, isUnknown: action.kind === 'unknown' });
    const session = await findLiveSession(deps.db.query, {
      userId: visit.user.id,
      deviceId: action.deviceId,
    });
    if (session === undefined) throw noSession(deps);
    return action.kind === 'view'
      ? sessionPage(speaking(deps, request), await toShow(deps, session))
      : confirmEnding(deps, request, { visit, session });
  };
}

/** `GET /account/sessions/:id` and `GET /account/sessions/:id/end`: one session, and the question whether it is to end. */
export function showSession(deps: AccountDeps, kind: 'view' | 'end'): Handler {
  return async (request) => {
    const id = request.params['id'] ?? '';
    const visit = await findVisit(deps, request);
    if (visit === undefined) return signInFor(deps, request, { place: placeOfSession(id, kind) });
    const session = await requireOwnSession(deps, visit, id);
    return kind === 'view'
      ? sessionPage(speaking(deps, request), await toShow(deps, session))
      : confirmEnding(deps, request, { visit, session });
  };
}

/** `POST /account/sessions/:id/end`. */
export function endOwnSession(deps: AccountDeps): Handler {
  return async (request) => {
    const id = request.params['id'] ?? '';
    const visit = await findVisit(deps, request);
    deps.csrf.check(request, visit?.secret ?? visitSecrets(deps.issuer, request)[0], endingPurpose(id));
    if (visit === undefined) return goTo(deps, placeOfSession(id, 'end'));
    const session = await requireOwnSession(deps, visit, id);
    await endSession(deps, { sessionId: session.id, reason: 'ended_by_user' });
    return goTo(deps, overview({ done: 'ended' }));
  };
}

/** `GET /account/sessions/end-all`: the question, after a recent sign-in. */
export function showEndAll(deps: AccountDeps): Handler {
  return async (request) => {
    const visit = await findVisit(deps, request);
    if (visit?.isRecent !== true) return signInFor(deps, request, { place: endAllPlace, recent: true });
    return endAllPage(speaking(deps, request), {
      count: await countLiveSessions(deps.db.query, { userId: visit.user.id }),
      csrfField: deps.csrf.field(visit.secret, END_ALL),
    });
  };
}

/** `POST /account/sessions/end-all`. */
export function endAllSessions(deps: AccountDeps): Handler {
  return async (request) => {
    const visit = await findVisit(deps, request);
    deps.csrf.check(request, visit?.secret ?? visitSecrets(deps.issuer, request)[0], END_ALL);
    if (visit?.isRecent !== true) return goTo(deps, endAllPlace);
    const { id: userId } = visit.user;
    await signOutEverywhere(deps, { userId, reason: 'ended_by_user', except: visit.hash });
    return goTo(deps, overview({ done: 'all-ended' }));
  };
}

/** `POST /account/sign-out`: leaves the account page; no app is signed out. */
export function leaveAccount(deps: AccountDeps): Handler {
  return async (request) => {
    const visit = await findVisit(deps, request);
    deps.csrf.check(request, visit?.secret ?? visitSecrets(deps.issuer, request)[0], LEAVE);
    if (visit !== undefined) await deps.db.write((tx) => deleteAccountSession(tx, visit.hash));
    const left = leftPage(speaking(deps, request));
    return { ...left, headers: { ...left.headers, 'set-cookie': forgetVisit(deps.issuer) } };
  };
}

/** What replaces keys is there only for a homeserver that is told of it. */
function actionOf({ homeserver }: AccountDeps, { query }: ApiRequest): Action {
  const action = readAction(query);
  return action.kind === 'reset' && !homeserver.listens ? { kind: 'unknown' } : action;
}

async function showOverview(
  deps: AccountDeps,
  request: ApiRequest,
  { visit, isUnknown }: { visit: Visit; isUnknown: boolean },
): Promise<Reply<string>> {
  const before = request.query.get('before') ?? '';
  const rows = await listSessionRows(deps.db.query, {
    userId: visit.user.id,
    limit: PAGE + 1,
    before: isId(before) ? before : undefined,
  });
  const listed = rows.slice(0, PAGE);
  return overviewPage(speaking(deps, request), {
    user: visit.user,
    sessions: await Promise.all(listed.map((session) => toShow(deps, session))),
    olderThan: rows.length > PAGE ? listed.at(-1)?.id : undefined,
    done: isUnknown ? 'unknown-action' : request.query.get('done'),
    keyReset: deps.homeserver.listens,
    csrfField: deps.csrf.field(visit.secret, LEAVE),
  });
}

async function confirmEnding(
  deps: AccountDeps,
  request: ApiRequest,
  { visit, session }: { visit: Visit; session: Session },
): Promise<Reply<string>> {
  return endSessionPage(speaking(deps, request), {
    ...(await toShow(deps, session)),
    csrfField: deps.csrf.field(visit.secret, endingPurpose(session.id)),
  });
}

/** A live session of this very person. Anything else is not there, whoever's it is. */
async function requireOwnSession(deps: AccountDeps, visit: Visit, id: string): Promise<Session> {
  const session = isId(id) ? await findSession(deps.db.query, id) : undefined;
  if (session === undefined || session.user_id !== visit.user.id || session.ended_at !== null)
    throw noSession(deps);
  return session;
}

async function toShow(deps: AccountDeps, session: Session): Promise<ShownSession> {
  const { client_id: clientId } = session;
  return { session, clientName: clientId === null ? undefined : await deps.nameClient(clientId) };
}

/** The place of a session; an id that cannot be one leads to the overview. */
function placeOfSession(id: string, kind: 'view' | 'end'): AccountPlace {
  if (!isId(id)) return overview();
  return kind === 'view' ? sessionPlace(id) : endingPlace(id);
}

function endingPurpose(id: string): string {
  return `account:end:${id}`;
}

function isId(text: string): boolean {
  return /^[0-9a-z]{26}$/.test(text);
}

/** A link to a device that is gone leads to the list of those that there are. */
function noSession({ issuer }: AccountDeps): PageRefusal {
  const wayOn = { url: urlOf(issuer, overview()), label: message('account.back-to-list') };
  return new PageRefusal(message('account.no-session'), { status: 404, wayOn });
}

/** The deps with the language of whoever looks. */
function speaking(deps: AccountDeps, { language }: ApiRequest): AccountDeps & { readonly words: Words } {
  return { ...deps, words: wordsIn(language) };
}

function goTo(deps: AccountDeps, place: AccountPlace): Reply {
  return { status: 303, headers: { ...noStore, location: urlOf(deps.issuer, place) } };
}
