import { readJwt } from './jwt/read-jwt.ts';
import type { TokenVerifier } from './token-verifier.ts';
import { inactive, type Verdict } from './verdict.ts';

/** Tokens are never longer: a longer text belongs to nobody. */
const LENGTH_LIMIT = 16_384;

/**
 * The verdict of the provider whose token it is. A JWT goes to its issuer alone; an opaque one to each in turn, so that it is seen by providers that did not issue it:
 * put the one with most tokens first. That one of them cannot be asked is the verdict unless another knows the token.
 */
export function verifyByAny(verifiers: readonly TokenVerifier[], token: string): Promise<Verdict> {
  if (token === '' || token.length > LENGTH_LIMIT || !/^[\x21-\x7e]+$/.test(token)) {
    return Promise.resolve(
      inactive('malformed', 'it is empty, too long, or has characters that no token has'),
    );
  }
  const [first, ...more] = candidates(verifiers, token);
  if (first === undefined) {
    return Promise.resolve(inactive('unknown', 'no provider is configured to verify tokens'));
  }
  return more.length === 0 ? first.verify(token) : askInTurn([first, ...more], token);
}

async function askInTurn(verifiers: readonly TokenVerifier[], token: string): Promise<Verdict> {
  let verdict: Verdict | undefined;
  for (const verifier of verifiers) {
    const next = await verifier.verify(token);
    if (next.kind === 'active') return next;
    if (verdict?.kind !== 'unavailable') verdict = next;
  }
  return verdict ?? inactive('unknown', 'nobody knows it');
}

function candidates(verifiers: readonly TokenVerifier[], token: string): readonly TokenVerifier[] {
  if (verifiers.length < 2) return verifiers;
  const reading = readJwt(token);
  const issuer = reading.kind === 'jwt' ? reading.jwt.claims['iss'] : undefined;
  const own = verifiers.filter((verifier) => verifier.issuer === issuer);
  return own.length > 0 ? own : verifiers;
}
