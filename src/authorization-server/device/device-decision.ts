import type { ApiRequest, Handler, Reply } from '../../http/exchange.ts';
import { PageRefusal } from '../../http/pages/page-refusal.ts';
import { wordsIn } from '../../http/pages/words.ts';
import { message } from '../../texts/message.ts';
import { concludeEnding, type EndedSession } from '../../sessions/end.ts';
import { findCrowd } from '../../sessions/limits.ts';
import { browserSecretOf, releaseBrowser } from '../../sign-in/browser-binding.ts';
import { requireIdentified } from '../../sign-in/current.ts';
import {
  decideDeviceGrant,
  type DeviceGrant,
  findDeviceGrantOfSignIn,
} from '../../storage/records/device-grants.ts';
import { finishSignIn, type SignIn } from '../../storage/records/sign-ins.ts';
import { findUser, type User } from '../../storage/records/users.ts';
import { type Client, clientName, loadClient } from '../../clients/clients.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { confirmationPage, decidedPage } from './device-page.ts';
import { refuseForeign } from './device-verification.ts';
import { asksForMore } from '../consent/permitted.ts';
import { occupantOf } from '../consent/occupant.ts';
import { chosenSessions, makeRoom, sessionChoice } from '../consent/session-choice.ts';

/** What the confirmation is about, all of it read from what was stored. */
interface Asked {
  readonly signIn: SignIn;
  readonly grant: DeviceGrant;
  readonly client: Client;
  readonly user: User;
}

/** Asks whether the person started this. */
export function showDeviceConfirmation(deps: AuthorizationServerDeps): Handler {
  return async (request) => confirm(deps, request, await readAsked(deps, request));
}

/** The person's word. The device hears of it at its next poll; nothing is told to the homeserver before. */
export function decideDevice(deps: AuthorizationServerDeps): Handler {
  return async (request) => {
    const asked = await readAsked(deps, request);
    const { signIn, grant, user, client } = asked;
    deps.csrf.check(request, browserSecretOf(deps.issuer, request, signIn.id), formPurpose(asked));
    const allowed =
      request.form.get('decision') === 'allow' && user.locked_at === null && user.deactivated_at === null;
    const outcome = await decide(deps, asked, { allowed, ending: chosenSessions(request.form) });
    if (outcome.kind === 'crowded') return confirm(deps, request, asked, 400);
    await concludeEnding(deps, outcome.ended);
    deps.emit(allowed ? 'consent_given' : 'consent_refused', {
      clientId: client.id,
      userId: user.id,
      ...(grant.device_id === null ? {} : { deviceId: grant.device_id }),
    });
    return decidedPage(wordsIn(request.language), {
      allowed,
      headers: { 'set-cookie': releaseBrowser(deps.issuer, signIn.id) },
    });
  };
}

async function readAsked(deps: AuthorizationServerDeps, request: ApiRequest): Promise<Asked> {
  const signIn = await requireIdentified(deps, request, 'device_grant');
  const grant = await findDeviceGrantOfSignIn(deps.db.query, signIn.id);
  const user = await findUser(deps.db.query, signIn.user_id);
  const client = grant && (await loadClient(deps, grant.client_id));
  if (grant === undefined || user === undefined || client === undefined) {
    throw new PageRefusal(message('device.expired'));
  }
  refuseForeign(grant, user.id, deps.clock.now());
  request.annotate({ clientId: client.id });
  if (!asksForMore(deps.operatorScopes, user, grant)) {
    throw new PageRefusal(message('consent.not-permitted', { app: clientName(client) }), { status: 403 });
  }
  return { signIn, grant, client, user };
}

async function confirm(
  deps: AuthorizationServerDeps,
  request: ApiRequest,
  asked: Asked,
  status?: number,
): Promise<Reply> {
  const { signIn, grant, client, user } = asked;
  const wanted = { userId: user.id, clientId: client.id, deviceId: grant.device_id };
  const crowd = await findCrowd(deps.db.query, deps.sessionLimits, wanted);
  const secret = browserSecretOf(deps.issuer, request, signIn.id) ?? '';
  const words = wordsIn(request.language);
  return confirmationPage(deps, {
    signInId: signIn.id,
    grant,
    client,
    user,
    occupant: await occupantOf(deps, { userId: user.id, deviceId: grant.device_id, client }),
    words,
    choice: crowd && (await sessionChoice(deps, words, { crowd, again: status !== undefined })),
    csrfField: deps.csrf.field(secret, formPurpose(asked)),
    ...(status === undefined ? {} : { status }),
  });
}

type Outcome =
  { readonly kind: 'crowded' } | { readonly kind: 'decided'; readonly ended: readonly EndedSession[] };

/** In one transaction: the word, and the end of what the person chose for it. Of two answers one counts. */
async function decide(
  deps: AuthorizationServerDeps,
  { signIn, grant, client, user }: Asked,
  word: { allowed: boolean; ending: ReadonlySet<string> },
): Promise<Outcome> {
  return deps.db.write(async (tx): Promise<Outcome> => {
    const now = deps.clock.now();
    const wanted = { userId: user.id, clientId: client.id, deviceId: grant.device_id };
    const ended = word.allowed ? await makeRoom(tx, deps, { ...wanted, ending: word.ending }) : [];
    if (ended === undefined) return { kind: 'crowded' };
    if (!(await finishSignIn(tx, { id: signIn.id, at: now }))) {
      throw new PageRefusal(message('sign-in.answered'));
    }
    const decided = await decideDeviceGrant(tx, {
      hash: grant.hash,
      userId: user.id,
      decision: word.allowed ? 'allowed' : 'denied',
      authenticatedAt: signIn.authenticated_at,
      upstreamSid: signIn.upstream_sid,
      at: now,
    });
    // Nothing is ended for an answer that does not count.
    if (!decided) throw new PageRefusal(message('device.expired'));
    return { kind: 'decided', ended };
  });
}

/** The form belongs to this sign-in and this person: after a change of account it is out of date. */
function formPurpose({ signIn, user }: Pick<Asked, 'signIn' | 'user'>): string {
  return `device:${signIn.id}:${user.id}`;
}
