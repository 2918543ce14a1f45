import type { OperationHandler } from '../http/operation-handler.ts';
import { limitedBy } from '../http/exchange.ts';
import type { operations } from '../generated/authorization-server.ts';
import { wordsIn } from '../http/pages/words.ts';
import { OAuthError } from '../protocol/oauth-error.ts';
import { handOverPage, opensApp } from '../sign-in/hand-over.ts';
import { beginSignIn } from '../sign-in/begin.ts';
import { insertAuthorizationRequest } from '../storage/records/authorizations.ts';
import { touchClient } from '../storage/records/clients.ts';
import {
  type AuthorizationParameters,
  hintForIdp,
  judgeParameters,
  readClientId,
  readParameters,
  readTarget,
  untellable,
} from './authorization-parameters.ts';
import { errorAnswer, sendAnswer } from './authorization-response.ts';
import { loadClient } from '../clients/clients.ts';
import type { AuthorizationServerDeps } from './deps.ts';
import { refersToPushed, takePushedParameters } from './pushed-authorization.ts';

/**
 * Authorization endpoint: judges the request, keeps it (from here on the stored copy counts, whatever a browser says later), binds it to this
 * browser and sends the browser on to the IdP. What is wrong is told by redirect before anybody signs in; an unknown client or redirect URI by a page.
 */
export function authorize(
  deps: AuthorizationServerDeps,
): OperationHandler<operations, 'authorize' | 'authorizeByPost', unknown> {
  return limitedBy(deps.signInGuard, async (request) => {
    const sent = readParameters(request.method === 'POST' ? request.form : request.query);
    const client = await loadClient(deps, readClientId(sent));
    if (client === undefined) throw untellable('client_id is not that of a registered client');
    request.annotate({ clientId: client.id });
    const raw = refersToPushed(sent) ? await takePushedParameters(deps, client, sent) : sent;
    const target = readTarget(raw, client);
    let parameters: AuthorizationParameters;
    try {
      parameters = judgeParameters(raw, client, deps.operatorScopes);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      request.annotate({ reason: error.reason });
      const words = wordsIn(request.language);
      const answer = errorAnswer(deps.issuer, target, error);
      // Nobody has signed in yet, so nothing is lost at a loopback port where no app listens: the browser says so itself.
      const isLoopback = target.redirectUri.startsWith('http:');
      return answer.kind === 'url' && !isLoopback && opensApp(deps.handOver, target.redirectUri)
        ? handOverPage(words, answer)
        : sendAnswer(words, answer);
    }
    return beginSignIn(deps, {
      request,
      purpose: 'authorization',
      ...parameters,
      loginHint: hintForIdp(parameters.loginHint, deps.serverName),
      providerHint: raw.values.get('idp_hint') ?? null,
      remember: async (tx, signInId) => {
        await touchClient(tx, { id: client.id, at: deps.clock.now() });
        await insertAuthorizationRequest(tx, deps.sealer, {
          sign_in_id: signInId,
          client_id: client.id,
          redirect_uri: target.redirectUri,
          response_mode: target.responseMode,
          state: target.state,
          scope: parameters.scope,
          code_challenge: parameters.codeChallenge,
          nonce: parameters.nonce,
        });
      },
    });
  });
}
