/** The userinfo endpoint as a question about the token (OpenID Connect Core section 5.3): it answers to no token that is not good. */
import type { Claims } from '../../protocol/claim-path.ts';
import { inactive, unavailableVerdict } from '../verdict.ts';
import { ask, type AskingDeps, endpointOf, isSigned, readAnswer, readSignedAnswer } from './ask.ts';
import type { Finding, Strategy } from './strategy.ts';

/** Asks with the token as the bearer: 401 means that it is not good, anything but an answer is an outage. */
export function userinfo(deps: AskingDeps): Strategy {
  return {
    name: 'userinfo',
    always: false,
    async inspect(token): Promise<Finding> {
      try {
        return await askUserinfo(deps, token);
      } catch (error) {
        return unavailableVerdict(error);
      }
    },
  };
}

async function askUserinfo(deps: AskingDeps, token: string): Promise<Finding> {
  const url = await endpointOf(deps, deps.tokens.userinfo?.url, 'userinfo_endpoint');
  const answer = await ask(deps, {
    url,
    headers: { accept: 'application/json', authorization: `Bearer ${token}` },
  });
  if (answer.status === 401) return inactive('unknown', 'userinfo answered 401');
  if (answer.status === 403 && /insufficient_scope/.test(answer.headers['www-authenticate'] ?? '')) {
    return inactive('insufficient_scope', 'userinfo answered 403 insufficient_scope');
  }
  const claims: Claims = isSigned(answer)
    ? await readSignedAnswer(deps, answer, 'jwt')
    : readAnswer(answer, url);
  // Some answer 200 to anything and say it in the body.
  if (claims['active'] === false) return inactive('unknown', 'userinfo says that it is not active');
  return { kind: 'claims', claims };
}
