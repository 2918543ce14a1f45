import type { DeviceId } from '../../protocol/identifiers.ts';
import type { ApiRequest, Handler, Reply } from '../../http/exchange.ts';
import { PageRefusal } from '../../http/pages/page-refusal.ts';
import { type Words, wordsIn } from '../../http/pages/words.ts';
import { deviceIdOf } from '../../protocol/scope.ts';
import { hashSecret, issueSecret } from '../../protocol/token-format.ts';
import { concludeEnding, type EndedSession } from '../../sessions/end.ts';
import { findCrowd } from '../../sessions/limits.ts';
import { browserSecretOf, releaseBrowser } from '../../sign-in/browser-binding.ts';
import { keepForApp, opensApp, toHandOver } from '../../sign-in/hand-over.ts';
import { requireIdentified } from '../../sign-in/current.ts';
import {
  type AuthorizationRequest,
  findAuthorizationRequest,
  insertAuthorizationCode,
} from '../../storage/records/authorizations.ts';
import { finishSignIn, type SignIn } from '../../storage/records/sign-ins.ts';
import { findUser, type User } from '../../storage/records/users.ts';
import { message } from '../../texts/message.ts';
import { codeAnswer, errorAnswer, sendAnswer, targetOf } from '../authorization-response.ts';
import { type Client, loadClient } from '../../clients/clients.ts';
import { consentPage } from './consent-page.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { asksForMore } from './permitted.ts';
import { type Occupant, occupantOf } from './occupant.ts';
import { chosenSessions, makeRoom, sessionChoice } from './session-choice.ts';

/** What the consent page is about, all of it read from what was stored at the start. */
interface Asked {
  readonly signIn: SignIn;
  readonly stored: AuthorizationRequest;
  readonly client: Client;
  readonly user: User;
  /** Null if nothing of Matrix is asked for. */
  readonly deviceId: DeviceId | null;
  /** The other app whose live session has the device, if one has. */
  readonly occupant: Occupant | undefined;
}

/** Shows who wants to sign in as whom. A trusted client is let through at once, and one whose person can give nothing is told so; else GET changes nothing. */
export function showConsent(deps: AuthorizationServerDeps): Handler {
  return async (request) => {
    const asked = await readAsked(deps, request);
    const words = wordsIn(request.language);
    const skips = (skipsConsent(asked) || !mayHave(deps, asked)) && request.method === 'GET';
    if (!skips) return ask(deps, request, asked);
    return (
      (await conclude(deps, asked, { decision: 'allow', ending: new Set(), words })) ??
      ask(deps, request, asked)
    );
  };
}

async function ask(
  deps: AuthorizationServerDeps,
  request: ApiRequest,
  asked: Asked,
  status?: number,
): Promise<Reply> {
  const { signIn, user, client, deviceId } = asked;
  const wanted = { userId: user.id, clientId: client.id, deviceId };
  const crowd = await findCrowd(deps.db.query, deps.sessionLimits, wanted);
  const secret = browserSecretOf(deps.issuer, request, signIn.id) ?? '';
  const words = wordsIn(request.language);
  return consentPage(deps, {
    ...asked,
    words,
    choice: crowd && (await sessionChoice(deps, words, { crowd, again: status !== undefined })),
    ...(status === undefined ? {} : { status }),
    csrfField: deps.csrf.field(secret, formPurpose(asked)),
  });
}

/** The person's answer: a code for the client, or `access_denied`. The first answer counts. */
export function decideConsent(deps: AuthorizationServerDeps): Handler {
  return async (request) => {
    const asked = await readAsked(deps, request);
    deps.csrf.check(request, browserSecretOf(deps.issuer, request, asked.signIn.id), formPurpose(asked));
    const word = {
      decision: request.form.get('decision'),
      ending: chosenSessions(request.form),
      words: wordsIn(request.language),
    };
    return (await conclude(deps, asked, word)) ?? ask(deps, request, asked, 400);
  };
}

/** The operator trusts the client, it does not ask for consent, and no other app would be signed out by it. */
function skipsConsent({ client, signIn, occupant }: Asked): boolean {
  const wantsConsent = signIn.prompt?.split(' ').includes('consent') === true;
  return client.operator?.trusted === true && !wantsConsent && occupant === undefined;
}

interface Word {
  readonly decision: string | undefined;
  /** Sessions that end for this one. */
  readonly ending: ReadonlySet<string>;
  readonly words: Words;
}

/** The answer for the client; `undefined` if the person has as many sessions as they may have, and has not chosen enough that end. */
async function conclude(
  deps: AuthorizationServerDeps,
  asked: Asked,
  { decision, ending, words }: Word,
): Promise<Reply | undefined> {
  const { signIn, stored, client, user } = asked;
  const refusal =
    refusalOf(decision, user) ?? (mayHave(deps, asked) ? undefined : 'the person may not have that scope');
  const code = refusal === undefined ? issueSecret('authorizationCode', deps.random) : undefined;
  const { issuer } = deps;
  const target = targetOf(stored);
  const answer =
    code === undefined
      ? errorAnswer(issuer, target, { code: 'access_denied', description: refusal ?? '' })
      : codeAnswer(issuer, target, code);
  const forApp =
    answer.kind === 'url' && opensApp(deps.handOver, stored.redirect_uri) ? answer.url : undefined;
  const ended = await finish(deps, asked, { code, ending, forApp });
  if (ended === undefined) return undefined;
  await concludeEnding(deps, ended);
  const event = code === undefined ? 'consent_refused' : 'consent_given';
  const device = asked.deviceId === null ? {} : { deviceId: asked.deviceId };
  deps.emit(event, { clientId: client.id, userId: user.id, ...device });
  if (forApp !== undefined) return toHandOver(deps, signIn.id);
  const reply = sendAnswer(words, answer);
  return { ...reply, headers: { ...reply.headers, 'set-cookie': releaseBrowser(issuer, signIn.id) } };
}

/** Why there is no code; `undefined` if there is one. */
function refusalOf(decision: string | undefined, user: User): string | undefined {
  if (decision !== 'allow') return 'the person did not allow the sign-in';
  if (user.deactivated_at !== null) return 'the account is deactivated';
  return user.locked_at === null ? undefined : 'the account is locked';
}

async function readAsked(deps: AuthorizationServerDeps, request: ApiRequest): Promise<Asked> {
  const signIn = await requireIdentified(deps, request, 'authorization');
  const stored = await findAuthorizationRequest(deps.db.query, deps.sealer, signIn.id);
  const client = stored && (await loadClient(deps, stored.client_id));
  const user = await findUser(deps.db.query, signIn.user_id);
  if (stored === undefined || client === undefined || user === undefined) {
    throw new Error('an authorization request refers to something that is gone');
  }
  request.annotate({ clientId: client.id });
  const deviceId = deviceOf(stored.scope);
  const occupant = await occupantOf(deps, { userId: user.id, deviceId, client });
  return { signIn, stored, client, user, deviceId, occupant };
}

function deviceOf(scope: string): DeviceId | null {
  const ids = scope.split(' ').map(deviceIdOf);
  return ids.find((id) => id !== undefined) ?? null;
}

/** Whether the person can give anything of what is asked for. */
function mayHave({ operatorScopes }: AuthorizationServerDeps, { stored, user, deviceId }: Asked): boolean {
  return asksForMore(operatorScopes, user, { scope: stored.scope, device_id: deviceId });
}

/** Finishes the sign-in, with a code or without one, in one transaction: of two answers one wins. Resolves to the sessions that ended for it. */
async function finish(
  deps: AuthorizationServerDeps,
  asked: Asked,
  given: { code: string | undefined; ending: ReadonlySet<string>; forApp: string | undefined },
): Promise<EndedSession[] | undefined> {
  const { signIn, stored, client, user, deviceId } = asked;
  const { code, ending, forApp } = given;
  const hash = code === undefined ? null : hashSecret(code);
  return deps.db.write(async (tx) => {
    const now = deps.clock.now();
    const wanted = { userId: user.id, clientId: client.id, deviceId, ending };
    const ended = code === undefined ? [] : await makeRoom(tx, deps, wanted);
    if (ended === undefined) return undefined;
    if (!(await finishSignIn(tx, { id: signIn.id, at: now }))) {
      throw new PageRefusal(message('sign-in.answered'));
    }
    if (forApp !== undefined) await keepForApp(tx, deps, { signInId: signIn.id, url: forApp, hash });
    if (hash === null) return ended;
    await insertAuthorizationCode(tx, deps.sealer, {
      hash,
      client_id: client.id,
      redirect_uri: stored.redirect_uri,
      code_challenge: stored.code_challenge,
      scope: stored.scope,
      nonce: stored.nonce,
      user_id: user.id,
      device_id: deviceId,
      authenticated_at: signIn.authenticated_at,
      upstream_sid: signIn.upstream_sid,
      created_at: now,
      expires_at: now + deps.handOver.lifetime,
      consumed_at: null,
      session_id: null,
      misses: 0,
    });
    return ended;
  });
}

/** The form belongs to this sign-in and this person: after a change of account it is out of date. */
function formPurpose({ signIn, user }: Pick<Asked, 'signIn' | 'user'>): string {
  return `consent:${signIn.id}:${user.id}`;
}
