import { askableScopes, isOperatorScope, permittedScope } from '../../protocol/operator-scope.ts';
import { OAuthError } from '../../protocol/oauth-error.ts';
import { judgeLoginScope } from '../../protocol/scope.ts';
import type { IssuedTokens } from '../../sessions/issued-tokens.ts';
import { openServerSession } from '../../sessions/open-server-session.ts';
import { refusalText } from '../../sessions/open-session.ts';
import { accessTokenTtl, type SessionPolicy } from '../../sessions/policy.ts';
import { signInByPassword } from '../../sign-in/password.ts';
import type { User } from '../../storage/records/users.ts';
import type { UpstreamIdentity } from '../../upstream/login/login.ts';
import { type Client, isConfidential } from '../../clients/clients.ts';
import type { AuthorizationServerDeps } from '../deps.ts';
import { requireParameter } from '../require-parameter.ts';
import { type Grant, policyFor } from './grant.ts';
import { answerWithSession } from './session-answer.ts';

/**
 * Password grant (RFC 6749 section 4.3), for servers whose protocol knows nothing else (IMAP and XMPP with PLAIN). RFC 9700 section 2.4 forbids it, so it is for confidential
 * clients that the operator names for it, and for scopes of the operator's own alone: the password passes through the server and through us, and second factors do not count.
 * Unknown names and wrong passwords are one answer.
 */
export function passwordGrant(deps: AuthorizationServerDeps): Grant {
  return async (request, client) => {
    const { passwordGrant: allowed } = deps;
    if (
      allowed === undefined ||
      !isConfidential(client) ||
      !client.metadata.grant_types.includes('password')
    ) {
      throw new OAuthError('unauthorized_client', 'the client is not registered for the password grant');
    }
    const name = requireParameter(request, 'username');
    const password = requireParameter(request, 'password');
    const scope = judgeScope(deps, client, request.form.get('scope') ?? '');
    const localpart = allowed.localpartOf(name);
    const outcome = await signInByPassword(deps, allowed.login, {
      asked:
        localpart === undefined
          ? { kind: 'unknown', reason: 'nobody has the name here' }
          : { kind: 'localpart', localpart },
      password,
      address: request.clientAddress,
    });
    if (outcome.kind === 'refused') throw wrong(outcome.reason);
    if (outcome.kind === 'not_let_in') throw notLetIn(outcome.refusal.reason);
    const { user, identity } = outcome;
    const granted = permittedScope(deps.operatorScopes, user, scope);
    if (!granted.some(isOperatorScope))
      throw new OAuthError('invalid_scope', 'the person may not have that scope');
    const tokens = await begin(deps, client, { user, identity, scope: granted.join(' ') });
    request.annotate({ sessionId: tokens.sessionId, userId: user.id });
    const answer = await answerWithSession(deps, {
      tokens,
      scope: tokens.scope,
      userId: user.id,
      client,
      nonce: null,
      authenticatedAt: identity.authenticatedAt ?? deps.clock.now(),
    });
    if (refreshes(client)) return answer;
    const { refresh_token: _unused, ...others } = answer;
    return others;
  };
}

/** What is asked for; all that the client may ask for if nothing is (RFC 6749 section 3.3). */
function judgeScope(deps: AuthorizationServerDeps, client: Client, asked: string): readonly string[] {
  const askable = askableScopes(deps.operatorScopes, client.operator?.scopes);
  const judged = judgeLoginScope(asked === '' ? [...askable].join(' ') : asked, askable);
  if (!judged.ok || judged.scope.deviceId !== null) {
    throw new OAuthError(
      'invalid_scope',
      'scope must hold what the operator gave this client, and nothing of Matrix',
    );
  }
  return judged.scope.granted;
}

async function begin(
  deps: AuthorizationServerDeps,
  client: Client,
  { user, identity, scope }: { user: User; identity: UpstreamIdentity; scope: string },
): Promise<IssuedTokens> {
  const policy = policyOfSession(policyFor(deps.policy, client), client, scope);
  const opened = await openServerSession(deps, policy, {
    userId: user.id,
    clientId: client.id,
    scope,
    origin: 'password',
    authenticatedAt: identity.authenticatedAt ?? deps.clock.now(),
    upstreamSid: identity.sid ?? null,
  });
  if (opened.kind === 'opened') return opened.started;
  throw notLetIn(refusalText[opened.reason]);
}

/** A session that nobody can refresh is over with its access token: mail programs sign in for each connection. */
function policyOfSession(policy: SessionPolicy, client: Client, scope: string): SessionPolicy {
  if (refreshes(client)) return policy;
  return { ...policy, client: { ...policy.client, sessionTtl: accessTokenTtl(policy, scope) } };
}

function refreshes(client: Client): boolean {
  return client.metadata.grant_types.includes('refresh_token');
}

/** One text for every refusal of the credentials; the exact reason goes to the log. */
function wrong(reason: string): OAuthError {
  return new OAuthError('invalid_grant', 'the username or the password is wrong', { reason });
}

function notLetIn(reason: string): OAuthError {
  return new OAuthError('invalid_grant', 'this person cannot sign in', { reason });
}
