/** Whose token this is: the one answer that every way of asking comes to. */
import type { ClientId, DeviceId } from '../protocol/identifiers.ts';
import type { Claims } from '../protocol/claim-path.ts';
import { Unavailable } from '../protocol/unavailable.ts';

/** A token that is good. Times are milliseconds since the epoch. */
export interface VerifiedToken {
  /** Id of the provider that vouches for it, as configured; `gatehouse` for a token of our own. */
  readonly provider: string;
  readonly issuer: string;
  /** Who it is at the issuer; with `issuer`, the only thing that identifies a person. */
  readonly subject: string;
  /** The Matrix user's, by the configured template; undefined if the claims make none (a client's own token, for one). */
  readonly localpart: string | undefined;
  readonly deviceId: DeviceId | undefined;
  readonly clientId: ClientId | undefined;
  /** Without duplicates, in the order in which the token has them. */
  readonly scope: readonly string[];
  readonly issuedAt: number | undefined;
  /** Undefined: it is not known to expire. */
  readonly expiresAt: number | undefined;
  /** All that the provider said: the members of the token and of its answers. Not to be shown to the bearer. */
  readonly claims: Claims;
}

/**
 * Why a token is not good, for programs.
 * `malformed`: nothing that could be a token here. `invalid`: a check of it failed. `unknown`: its provider does not know it (any more).
 * `ended`: its session ended here. `excluded`: the access rules keep its person out. `insufficient_scope`: good, and not for this.
 */
export type InactiveFault =
  | 'malformed'
  | 'invalid'
  | 'unknown'
  | 'expired'
  | 'ended'
  | 'deactivated'
  | 'excluded'
  | 'insufficient_scope';

/**
 * The verdict. `unavailable` is never "inactive": whoever has to be asked did not answer, which says nothing about the token. `locked` is not "inactive"
 * either: the session lives on ("locked is not logged out").
 */
export type Verdict =
  | { readonly kind: 'active'; readonly token: VerifiedToken }
  | { readonly kind: 'locked'; readonly token: VerifiedToken }
  | Inactive
  | UnavailableVerdict;

export interface Inactive {
  readonly kind: 'inactive';
  readonly fault: InactiveFault;
  /** Exact, for the log alone: it never reaches the wire. Holds no token and no secret. */
  readonly reason: string;
}

export interface UnavailableVerdict {
  readonly kind: 'unavailable';
  readonly error: Unavailable;
}

/** The verdict on a token that is not good. */
export function inactive(fault: InactiveFault, reason: string): Inactive {
  return { kind: 'inactive', fault, reason };
}

/** What was thrown, as a verdict. Throws it again if it is no outage. */
export function unavailableVerdict(error: unknown): UnavailableVerdict {
  if (error instanceof Unavailable) return { kind: 'unavailable', error };
  throw error;
}

/** A verdict in one word, for counts. */
export function outcomeOf(verdict: Verdict): Verdict['kind'] | 'insufficient_scope' {
  if (verdict.kind !== 'inactive') return verdict.kind;
  return verdict.fault === 'insufficient_scope' ? verdict.fault : verdict.kind;
}
