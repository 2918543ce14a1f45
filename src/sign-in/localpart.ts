import { claimsOf, renderClaimTemplate } from '../protocol/claim-template.ts';
import { asciiLower, localpartFault } from '../protocol/identifiers.ts';
import { message } from '../texts/message.ts';
import { SignInRefusal } from './refusal.ts';

export interface LocalpartRule {
  readonly serverName: string;
  /** `claims.localpart` of the provider: the name of a claim, or a template. */
  readonly localpart: string;
}

/** The localpart that the claims make, in ASCII lower case. Where they make none, the refusal names claim and value. */
export function mapLocalpart(
  rule: LocalpartRule,
  claims: Readonly<Record<string, unknown>>,
): string | SignInRefusal {
  const names = claimsOf(rule.localpart).join(', ');
  const value = renderClaimTemplate(rule.localpart, claims);
  if (value === undefined) {
    return new SignInRefusal(
      message('sign-in.no-localpart', { claims: names }),
      `claim ${names} is missing, empty or not text`,
    );
  }
  const localpart = asciiLower(value);
  const fault = localpartFault(localpart, rule.serverName);
  if (fault !== undefined) {
    const shown = value.length > 100 ? `${value.slice(0, 100)}…` : value;
    return new SignInRefusal(
      message('sign-in.bad-localpart', { value: shown, claims: names, fault }),
      `claim ${names} makes no localpart: ${fault}`,
    );
  }
  return localpart;
}
