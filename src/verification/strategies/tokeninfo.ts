/** A GET with the token in the query, as Google's tokeninfo: 200 with its claims, or 400 and 401 if it is none. */
import { isJsonAnswer } from '../../outbound/answers.ts';
import type { Claims } from '../../protocol/claim-path.ts';
import { inactive, unavailableVerdict } from '../verdict.ts';
import { ask, type AskingDeps, outage, readAnswer, withToken } from './ask.ts';
import type { Finding, Strategy } from './strategy.ts';

/** Asks `tokens.tokeninfo.url`, to which the token is appended. */
export function tokeninfo(deps: AskingDeps): Strategy {
  return {
    name: 'tokeninfo',
    always: false,
    async inspect(token): Promise<Finding> {
      try {
        const { url } = deps.tokens.tokeninfo ?? {};
        if (url === undefined) throw outage(new Error('tokens.tokeninfo.url is not configured'));
        const answer = await ask(deps, {
          url: withToken(url, token),
          headers: { accept: 'application/json' },
        });
        if ((answer.status === 400 || answer.status === 401) && isJsonAnswer(answer)) {
          return inactive('unknown', `tokeninfo answered ${String(answer.status)}`);
        }
        return { kind: 'claims', claims: withExpiry(readAnswer(answer, url), deps.clock.now()) };
      } catch (error) {
        return unavailableVerdict(error);
      }
    },
  };
}

/** What is left of the token's life, as a time; some write it as a text. */
function withExpiry(claims: Claims, now: number): Claims {
  const { exp, expires_in: left } = claims;
  const seconds = Number(left);
  if (typeof exp === 'number' || left === undefined || !Number.isFinite(seconds)) return claims;
  return { ...claims, exp: Math.floor(now / 1000 + seconds) };
}
