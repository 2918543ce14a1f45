/** The registered claims of a JWT access token (RFC 7519 section 4.1, RFC 9068 section 4). Pure: rules and claims in, a refusal out. */
import type { Claims } from '../../protocol/claim-path.ts';
import { subjectOf } from '../../upstream/login/subject.ts';
import { UpstreamRefusal } from '../../upstream/login/refusal.ts';
import { type Inactive, inactive } from '../verdict.ts';

export interface ClaimRules {
  /** Exactly what `iss` must be. */
  readonly issuer: string;
  readonly subjectClaim: string;
  /** `aud` must hold one of these; empty: any. */
  readonly audience: readonly string[];
  /** `azp`, else `client_id`, must be one of these; empty: any. */
  readonly authorizedParties: readonly string[];
  /** How far the clocks may be apart, in seconds. */
  readonly leeway: number;
  /** The longest life, in seconds. */
  readonly maxLifetime: number;
}

/** How far ahead of our clock a token may have been issued, in seconds. */
const ISSUED_AHEAD = 60;
const AUDIENCE_LIMIT = 100;

/** Why the claims are refused; undefined if they hold. `now` in seconds since the epoch. */
export function judgeClaims(rules: ClaimRules, claims: Claims, now: number): Inactive | undefined {
  return (
    judgeIssuer(rules, claims) ??
    judgeAudience(rules.audience, claims['aud']) ??
    judgeParty(rules.authorizedParties, claims) ??
    judgeSubject(rules.subjectClaim, claims) ??
    judgeTimes(rules, claims, now)
  );
}

function judgeIssuer({ issuer }: ClaimRules, { iss }: Claims): Inactive | undefined {
  if (iss === issuer) return undefined;
  return inactive('invalid', iss === undefined ? 'there is no iss' : 'iss is another issuer');
}

/** A token that names nobody it is for counts for nobody: skipping the check if `aud` is missing was Dovecot's fault until 2.3.21.1. */
function judgeAudience(allowed: readonly string[], aud: unknown): Inactive | undefined {
  if (allowed.length === 0) return undefined;
  const named = Array.isArray(aud) ? (aud as unknown[]) : [aud];
  if (named.length > AUDIENCE_LIMIT) {
    return inactive('invalid', `aud has more than ${String(AUDIENCE_LIMIT)} entries`);
  }
  if (!named.every((each) => typeof each === 'string')) {
    return inactive(
      'invalid',
      aud === undefined ? 'there is no aud' : 'aud is not a text or a list of texts',
    );
  }
  if (named.some((each) => allowed.includes(each))) return undefined;
  return inactive('invalid', 'aud names none of the audiences that are allowed');
}

function judgeParty(allowed: readonly string[], { azp, client_id: clientId }: Claims): Inactive | undefined {
  if (allowed.length === 0) return undefined;
  const party = azp ?? clientId;
  if (typeof party === 'string' && allowed.includes(party)) return undefined;
  return inactive('invalid', 'neither azp nor client_id is one of the authorized parties');
}

function judgeSubject(claim: string, claims: Claims): Inactive | undefined {
  try {
    subjectOf({ subjectClaim: claim }, claims);
    return undefined;
  } catch (error) {
    if (error instanceof UpstreamRefusal) return inactive('invalid', error.reason);
    throw error;
  }
}

/** Whole numbers only: a text never expires if numbers are compared with it (ejabberd), and 1e308 is as good as never. */
function judgeTimes(rules: ClaimRules, { exp, nbf, iat }: Claims, now: number): Inactive | undefined {
  const { leeway, maxLifetime } = rules;
  if (!isTime(exp))
    return inactive('invalid', exp === undefined ? 'there is no exp' : 'exp is no whole number');
  if (nbf !== undefined && !isTime(nbf)) return inactive('invalid', 'nbf is no whole number');
  if (iat !== undefined && !isTime(iat)) return inactive('invalid', 'iat is no whole number');
  if (exp + leeway <= now)
    return inactive('expired', `it expired ${String(Math.round(now - exp))} seconds ago`);
  if (nbf !== undefined && nbf > now + leeway) {
    return inactive('invalid', `it is not good for another ${String(Math.round(nbf - now))} seconds (nbf)`);
  }
  if (iat !== undefined && iat > now + ISSUED_AHEAD) {
    return inactive('invalid', `iat is ${String(Math.round(iat - now))} seconds ahead of our clock`);
  }
  if (exp - (iat ?? now) > maxLifetime) {
    return inactive(
      'invalid',
      `it lives longer than ${String(maxLifetime)} seconds (jwt.max_lifetime_seconds)`,
    );
  }
  return undefined;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}
