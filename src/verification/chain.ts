/** The strategies of one provider, in the operator's order, as one verdict. */
import { claimAt, type Claims } from '../protocol/claim-path.ts';
import { localpartOf, mapToken, type MappingRules } from './map-token.ts';
import type { Strategy } from './strategies/strategy.ts';
import { type Inactive, inactive, type Verdict } from './verdict.ts';

/**
 * The first strategy that knows the token decides; one that refuses it, or cannot be asked, is the last word: another one might check less, and an
 * outage must not let in what would be refused otherwise. After a good one those are asked too that always are, and those that may know
 * the localpart if it is still missing. What was said first stands.
 */
export async function judgeByStrategies(
  strategies: readonly Strategy[],
  rules: MappingRules,
  question: { readonly token: string; readonly now: () => number },
): Promise<Verdict> {
  let claims: Claims | undefined;
  const foreign: string[] = [];
  for (const strategy of strategies) {
    const isNeeded =
      claims === undefined || strategy.always || localpartOf(rules.tokens, claims) === undefined;
    if (!isNeeded) continue;
    const finding = await strategy.inspect(question.token);
    if (finding.kind === 'foreign') foreign.push(`${strategy.name}: ${finding.reason}`);
    else if (finding.kind !== 'claims') return finding;
    else {
      const other = claims === undefined ? undefined : otherPerson(rules, claims, finding.claims, strategy);
      if (other !== undefined) return other;
      claims = claims === undefined ? finding.claims : { ...finding.claims, ...claims };
    }
  }
  if (claims === undefined) return inactive('malformed', foreign.join('; ') || 'nobody knows it');
  const token = mapToken(rules, claims, question.now());
  if ('kind' in token) return token;
  return { kind: 'active', token };
}

/** OpenID Connect Core section 5.3.2: what two sources say is put together only if both speak of the same person. */
function otherPerson(
  { settings }: MappingRules,
  known: Claims,
  said: Claims,
  { name }: Strategy,
): Inactive | undefined {
  const claim = settings.subjectClaim;
  const stated = claimAt(said, claim);
  if (stated === undefined || stated === claimAt(known, claim)) return undefined;
  return inactive('invalid', `${name} speaks of somebody else: its ${claim} differs`);
}
