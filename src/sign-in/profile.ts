/** What the homeserver is told of a person's profile at a sign-in: by the claims, and by what the operator decided for each field. */
import {
  alternativesOf,
  type ClaimTemplate,
  claimsOf,
  renderClaimTemplate,
} from '../protocol/claim-template.ts';
import type { OutboxPayloads } from '../storage/records/outbox.ts';

/** `force`: at each sign-in. `suggest`: at the first one; later the person's own choice counts. `off`: never. */
export type ProfileRule = 'force' | 'suggest' | 'off';

export interface ProfilePolicy {
  readonly displayname: ProfileRule;
  readonly email: ProfileRule;
  readonly avatar: ProfileRule;
}

/** Each the name of a claim, a template, or several of them. */
export interface ProfileClaims {
  readonly displayname: ClaimTemplate;
  readonly email: ClaimTemplate;
  readonly avatar?: ClaimTemplate | undefined;
}

type Profile = OutboxPayloads['set_profile'];
type Claims = Readonly<Record<string, unknown>>;

/** In characters, so that none is cut in two. */
const DISPLAYNAME_LIMIT = 100;

/** The display name that the claims make; null if they make none. */
export function displaynameOf(rules: Pick<ProfileClaims, 'displayname'>, claims: Claims): string | null {
  const name = renderClaimTemplate(rules.displayname, claims);
  return name === undefined ? null : Array.from(name).slice(0, DISPLAYNAME_LIMIT).join('');
}

/** What is to be told; `undefined` if nothing is. A claim that is missing or not fit leaves the homeserver what it has: it may only not have been sent this time. */
export function profileOf(
  { rules, policy }: { readonly rules: ProfileClaims; readonly policy: ProfilePolicy },
  { claims, isNew }: { readonly claims: Claims; readonly isNew: boolean },
): Profile | undefined {
  const isTold = (rule: ProfileRule): boolean => rule === 'force' || (rule === 'suggest' && isNew);
  const displayname = isTold(policy.displayname) ? displaynameOf(rules, claims) : null;
  const email = isTold(policy.email) ? emailOf(rules.email, claims) : undefined;
  const avatarUrl = isTold(policy.avatar) ? avatarOf(rules.avatar, claims) : undefined;
  const profile: Profile = {
    ...(displayname === null ? {} : { displayname }),
    ...(email === undefined ? {} : { emails: [email] }),
    ...(avatarUrl === undefined ? {} : { avatarUrl }),
  };
  return Object.keys(profile).length === 0 ? undefined : profile;
}

/** The claim `email` counts only if the provider says that it is verified (OpenID Connect Core 1.0 section 5.1). */
export function emailOf(rule: ClaimTemplate, claims: Claims): string | undefined {
  const { email_verified: verified } = claims;
  const isVerified = verified === true || verified === 'true';
  const counting = alternativesOf(rule).filter((each) => isVerified || !claimsOf(each).includes('email'));
  return renderClaimTemplate(
    counting,
    claims,
    (text) => text.length <= 254 && /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(text),
  );
}

/** Clients show content of a homeserver alone (client-server API, "Content repository"): any other URL is left out. */
function avatarOf(rule: ClaimTemplate | undefined, claims: Claims): string | undefined {
  const isContent = (text: string): boolean => /^mxc:\/\/[^/\s]{1,255}\/[A-Za-z0-9_-]{1,255}$/.test(text);
  return rule === undefined ? undefined : renderClaimTemplate(rule, claims, isContent);
}
