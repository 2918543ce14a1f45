/** Who is let in, and who is an administrator, by the claims that the IdP gives. Pure: rules and claims in, a verdict out. */
import { asciiLower } from './identifiers.ts';
import { claimAt, type Claims, isPointedTo } from './claim-path.ts';

/** One condition on one claim: `any_of` or `domain` is set. */
export interface AccessRule {
  /** Its name; dots lead into objects (`realm_access.roles`) if there is no claim of the whole name. `localpart`: {@link Judged.localpart}. */
  readonly claim: string;
  /** The claim must be one of these, or hold one of them. */
  readonly any_of?: readonly (string | number | boolean)[] | undefined;
  /** The claim must be an e-mail address in one of these domains; the claim `email` only while `email_verified` is true. */
  readonly domain?: readonly string[] | undefined;
}

export interface AccessRules {
  /** All must hold. */
  readonly require: readonly AccessRule[];
  /** None may hold. Counts before `require`. */
  readonly deny: readonly AccessRule[];
  /** All must hold for an administrator; nobody is one if there is none. */
  readonly admin: readonly AccessRule[];
  /** Claims that the localpart is made of: `deny` takes their letters in any case, since the localpart does. Default none. */
  readonly localpartClaims?: readonly string[] | undefined;
}

/** Who is judged. */
export interface Judged {
  readonly claims: Claims;
  /** What the person is called here, or would be: the final one, which no spelling of a claim evades. Undefined: the claims make none. */
  readonly localpart: string | undefined;
}

/** The name by which rules speak of the final localpart; a claim of that name is not looked at. */
export const LOCALPART = 'localpart';

/** The rules of one provider, and how they are applied. */
export interface ProviderAccess extends AccessRules {
  /** Tell a person who is kept out which rule it was. */
  readonly explain: boolean;
  /** How often the claims are fetched again while sessions live, in milliseconds; 0: never. */
  readonly recheckEvery: number;
}

export type AccessJudgement =
  | { readonly ok: true; readonly isAdmin: boolean }
  | {
      readonly ok: false;
      /** For the log: which rule, and how it is broken. No value of a claim stands in it. */
      readonly reason: string;
      readonly rule: AccessRule;
      readonly kind: 'required' | 'denied';
      /** The claim is not there at all. */
      readonly isAbsent: boolean;
      /** The provider did not send the claim but pointed to it: nothing is known of it, so nobody is let in by it and no session ends by it. */
      readonly isUnknown: boolean;
    };

/** Judges a person. */
export function judgeAccess(rules: AccessRules, judged: Judged): AccessJudgement {
  const claims = claimsWithLocalpart(judged);
  for (const rule of rules.deny) {
    if (isPointedTo(claims, rule.claim)) return unknown(rule, 'denied');
    const anyCase = rules.localpartClaims?.includes(rule.claim) === true;
    if (!holds(rule, claims, { kind: 'denied', anyCase })) continue;
    const reason = `access rules: ${ruleText(rule)} is denied`;
    return { ok: false, reason, rule, kind: 'denied', isAbsent: false, isUnknown: false };
  }
  for (const rule of rules.require) {
    if (holds(rule, claims, { kind: 'required' })) continue;
    if (isPointedTo(claims, rule.claim)) return unknown(rule, 'required');
    const value = claimAt(claims, rule.claim);
    const reason = `access rules: ${ruleText(rule)} is required, ${shortcoming(rule, claims, value)}`;
    return { ok: false, reason, rule, kind: 'required', isAbsent: value === undefined, isUnknown: false };
  }
  return { ok: true, isAdmin: isAdmin(rules, claims) };
}

function unknown(rule: AccessRule, kind: 'required' | 'denied'): AccessJudgement {
  const reason = `access rules: ${ruleText(rule)} is ${kind}, and the provider did not send the claim ${rule.claim} but only pointed to it (_claim_names, hasgroups): make it send the claim itself, for Entra ID by "groups assigned to the application" or by app roles`;
  return { ok: false, reason, rule, kind, isAbsent: false, isUnknown: true };
}

/** Whether somebody who is let in is an administrator. */
function isAdmin({ admin }: Pick<AccessRules, 'admin'>, claims: Claims): boolean {
  return admin.length > 0 && admin.every((rule) => holds(rule, claims, { kind: 'required' }));
}

/** The claims that decide about administrators are all there: only then their saying no means something. */
export function tellsOfAdmin({ admin }: Pick<AccessRules, 'admin'>, judged: Judged): boolean {
  const claims = claimsWithLocalpart(judged);
  return admin.every((rule) => claimAt(claims, rule.claim) !== undefined);
}

/** Whether anything is to be judged at all. */
export function hasRules({ require, deny, admin }: AccessRules): boolean {
  return require.length + deny.length + admin.length > 0;
}

/** A rule in words, for the log and, if the operator says so, for the person. */
export function ruleText({ claim, any_of: values, domain }: AccessRule): string {
  if (values !== undefined) return `${claim}: ${values.map(String).join(' or ')}`;
  return `${claim} at ${(domain ?? []).join(' or ')}`;
}

function claimsWithLocalpart({ claims, localpart }: Judged): Claims {
  const { [LOCALPART]: _theirs, ...others } = claims;
  return localpart === undefined ? others : { ...others, [LOCALPART]: localpart };
}

/** Booleans that some providers, Amazon Cognito and Apple among them, send as texts (OpenID Connect Core section 5.1). */
const FLAGS = ['email_verified', 'phone_number_verified'];

function holds(
  rule: AccessRule,
  claims: Claims,
  { kind, anyCase = false }: { readonly kind: 'required' | 'denied'; readonly anyCase?: boolean },
): boolean {
  const values = valuesOf(claimAt(claims, rule.claim));
  if (rule.any_of !== undefined) {
    if (FLAGS.includes(rule.claim)) return rule.any_of.map(String).includes(String(values[0]));
    if (!anyCase && rule.claim !== LOCALPART) return rule.any_of.some((allowed) => values.includes(allowed));
    const folded = values
      .filter((value) => typeof value === 'string' || typeof value === 'number')
      .map(asName);
    return rule.any_of.some((allowed) => folded.includes(asName(allowed)));
  }
  // What keeps somebody out need not be verified; what lets somebody in must be.
  if (kind === 'required' && !isVerified(rule, claims)) return false;
  return values.some((value) => typeof value === 'string' && isInDomain(value, rule.domain ?? []));
}

function isVerified({ claim }: AccessRule, claims: Claims): boolean {
  const { email_verified: verified } = claims;
  return claim !== 'email' || verified === true || verified === 'true';
}

function isInDomain(address: string, domains: readonly string[]): boolean {
  const at = address.lastIndexOf('@');
  if (at < 1) return false;
  const domain = asciiLower(address.slice(at + 1));
  return domains.some((allowed) => asciiLower(allowed) === domain);
}

function shortcoming(rule: AccessRule, claims: Claims, value: unknown): string {
  if (value === undefined) return `and there is no claim ${rule.claim}`;
  if (rule.domain !== undefined && !isVerified(rule, claims)) return 'and email_verified is not true';
  if (Array.isArray(value)) return `and none of its ${String(value.length)} values fits`;
  return 'and its value does not fit';
}

/** As a localpart would have it, for comparison: a number is its digits, and no letter is a capital, of whatever script. */
function asName(value: string | number | boolean): string {
  return String(value).toLowerCase();
}

/** A single value, the entries of a list, or the names in an object (Zitadel's roles are such). */
function valuesOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'object' && value !== null ? Object.keys(value) : [value];
}
