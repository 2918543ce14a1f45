/** Who it is, by the claim that names the person: one rule for ID tokens, userinfo, logout tokens and access tokens. */
import { claimAt, type Claims } from '../../protocol/claim-path.ts';
import type { ResolvedSettings } from '../resolved-settings.ts';
import { UpstreamRefusal } from './refusal.ts';

/** OpenID Connect Core §2: at most 255 characters. */
const SUBJECT_LIMIT = 255;

/**
 * The claim that is configured; dots lead into objects. Providers of plain OAuth 2.0 number their people: a whole number counts as its digits there.
 * Throws {@link UpstreamRefusal}.
 */
export function subjectOf(
  { subjectClaim: claim }: Pick<ResolvedSettings, 'subjectClaim'>,
  claims: Claims,
): string {
  const value = claimAt(claims, claim);
  if (claim !== 'sub' && typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return checkSubject(value, claim);
}

/** The subject: a string of 1 to 255 characters without control characters. Throws {@link UpstreamRefusal}. */
export function checkSubject(value: unknown, claim: string): string {
  if (typeof value !== 'string') {
    throw new UpstreamRefusal(
      'subject',
      value === undefined ? `there is no ${claim}` : `${claim} is not a string`,
    );
  }
  if (value === '') throw new UpstreamRefusal('subject', `${claim} is empty`);
  if (value.length > SUBJECT_LIMIT)
    throw new UpstreamRefusal('subject', `${claim} is longer than ${SUBJECT_LIMIT} characters`);
  if (/[\x00-\x1f\x7f]/.test(value) || !value.isWellFormed()) {
    throw new UpstreamRefusal('subject', `${claim} has a control character`);
  }
  return value;
}
