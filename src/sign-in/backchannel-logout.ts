import type { OperationHandler } from '../http/operation-handler.ts';
import type { operations } from '../generated/authorization-server.ts';
import { noStore } from '../http/exchange.ts';
import { inOrigin } from '../observability/origin.ts';
import { newRecordId } from '../protocol/identifiers.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { hashSecret } from '../protocol/token-format.ts';
import { concludeEnding, type EndedSession, endSessionIn, type SessionEndingDeps } from '../sessions/end.ts';
import {
  findSignedOutUsers,
  listSignedOutSessions,
  recordLogoutToken,
} from '../storage/records/logout-tokens.ts';
import { findPeopleOfSid, voidPending } from '../storage/personal-data.ts';
import { insertSignOut } from '../storage/records/sign-outs.ts';
import type { LogoutToken } from '../upstream/login/logout-token.ts';
import type { Provider } from '../upstream/provider.ts';
import { UpstreamRefusal } from '../upstream/login/refusal.ts';

interface Deps extends SessionEndingDeps {
  readonly providers: readonly Provider[];
  /** Told of each sign-out that was obeyed: what is held of the person's tokens counts no more. */
  readonly onUpstreamLogout?: (logout: LogoutToken) => void;
}

/** What ended: for the log, and for the homeserver. */
interface Obeyed {
  readonly userIds: readonly string[];
  readonly ended: readonly EndedSession[];
}

/**
 * Where an IdP tells of a sign-out (OpenID Connect Back-Channel Logout 1.0): every session that it concerns has ended once 200 is answered, all in
 * one transaction with the note that this token was obeyed. A token that fails a check, or comes again, is 400 and changes nothing.
 */
export function receiveLogoutToken(deps: Deps): OperationHandler<operations, 'receiveLogoutToken', unknown> {
  return async (request) => {
    const provider = deps.providers.find(({ id }) => id === request.params['provider']);
    if (provider === undefined) {
      throw new OAuthError('invalid_request', 'there is no such identity provider here', { status: 404 });
    }
    const token = request.form.get('logout_token');
    if (token === undefined || token === '') throw refusal('there is no logout_token');
    const logout = await provider.readLogoutToken(token).catch((error: unknown) => {
      throw error instanceof UpstreamRefusal ? refusal(error.reason) : error;
    });
    const { requestId, clientAddress } = request;
    const origin = { actor: 'provider', actorName: provider.id, requestId, clientAddress } as const;
    await inOrigin(origin, () => signOut(deps, provider.id, logout), undefined);
    return { status: 200, headers: noStore };
  };
}

async function signOut(deps: Deps, providerId: string, logout: LogoutToken): Promise<void> {
  const obeyed = await obey(deps, providerId, logout);
  if (obeyed === undefined) throw refusal('this logout_token came before');
  deps.onUpstreamLogout?.(logout);
  for (const userId of obeyed.userIds) deps.emit('upstream_logout', { userId, provider: providerId });
  await concludeEnding(deps, obeyed.ended);
}

async function obey(deps: Deps, providerId: string, logout: LogoutToken): Promise<Obeyed | undefined> {
  const now = deps.clock.now();
  const hash = hashSecret(JSON.stringify([providerId, logout.jti]));
  return deps.db.write(async (tx) => {
    if (!(await recordLogoutToken(tx, { hash, expiresAt: logout.expiresAt }))) return undefined;
    const { issuer, subject, sid } = logout;
    const id = newRecordId(now, deps.random);
    await insertSignOut(tx, { id, issuer, subject: subject ?? null, sid: sid ?? null, at: now });
    const onTheirWay = subject === undefined && sid !== undefined ? await findPeopleOfSid(tx, sid) : [];
    const userIds = await findSignedOutUsers(tx, logout, onTheirWay);
    const ended: EndedSession[] = [];
    for (const userId of userIds) {
      await voidPending(tx, { userId, at: now, sid });
      for (const sessionId of await listSignedOutSessions(tx, { ...logout, userId })) {
        const session = await endSessionIn(tx, deps, { sessionId, reason: 'upstream_logout', now });
        if (session !== undefined) ended.push(session);
      }
    }
    return { userIds, ended };
  });
}

/** One text for every refusal; the exact reason goes to the log. */
function refusal(reason: string): OAuthError {
  return new OAuthError('invalid_request', 'logout_token is missing or not valid', { reason });
}
