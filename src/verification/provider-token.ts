/** A provider's token, judged by the provider and by what this server knows of its person: sign-outs, locks, sessions that ended. */
import type { Clock } from '../protocol/clock.ts';
import type { IsReserved } from '../protocol/reserved-names.ts';
import { hashSecret } from '../protocol/token-format.ts';
import type { Database } from '../storage/engine/database.ts';
import { findLinkedState } from '../storage/records/provider-tokens.ts';
import { wasSignedOut } from '../storage/records/sign-outs.ts';
import { findAccessToken } from '../storage/records/tokens.ts';
import type { TokenVerifier } from './token-verifier.ts';
import { type Inactive, inactive, type Verdict, type VerifiedToken } from './verdict.ts';
import { verifyByAny } from './verify-by-any.ts';

export interface ProviderTokenDeps {
  readonly db: Database;
  readonly clock: Clock;
  /** One for each provider whose tokens count, in the operator's order. */
  readonly tokenVerifiers: readonly TokenVerifier[];
  /** Names that nobody new gets: the token of a provider gives none either. */
  readonly isReserved: IsReserved;
}

/** What is told here counts at once, and more than what the provider or a cache says. Throws `Unavailable` if the database cannot be asked. */
export async function judgeProviderToken(deps: ProviderTokenDeps, token: string): Promise<Verdict> {
  const verdict = await verifyByAny(deps.tokenVerifiers, token);
  if (verdict.kind !== 'active') return verdict;
  const known = verdict.token;
  const ended = await endedHere(deps, token, known);
  if (ended !== undefined) return ended;
  return byLocalState(deps, verdict);
}

/** The verdict on a person whom a provider vouches for, by what is known of them here: locked, deactivated, and which user it is. */
export async function byLocalState(
  { db, isReserved }: Pick<ProviderTokenDeps, 'db' | 'isReserved'>,
  verdict: Verdict,
): Promise<Verdict> {
  if (verdict.kind !== 'active') return verdict;
  const { token } = verdict;
  const user = await findLinkedState(db.query, token.issuer, token.subject);
  if (user === undefined) {
    const isKept = token.localpart !== undefined && isReserved(token.localpart);
    return isKept ? inactive('excluded', 'its localpart is one of reserved_localparts') : verdict;
  }
  if (user.deactivated_at !== null) return inactive('deactivated', 'its user is deactivated');
  const { localpart } = user;
  return { kind: user.locked_at === null ? 'active' : 'locked', token: { ...token, localpart } };
}

async function endedHere(
  { db, clock }: ProviderTokenDeps,
  token: string,
  known: VerifiedToken,
): Promise<Inactive | undefined> {
  const seen = await findAccessToken(db.query, hashSecret(token));
  if (seen !== undefined && seen.ended_at !== null) return inactive('ended', 'its session ended here');
  const { sid } = known.claims;
  const owner = {
    issuer: known.issuer,
    subject: known.subject,
    sid: typeof sid === 'string' ? sid : null,
    since: known.issuedAt ?? seen?.created_at ?? clock.now(),
  };
  return (await wasSignedOut(db.query, owner))
    ? inactive('ended', 'its provider has told of a sign-out since it was issued')
    : undefined;
}
