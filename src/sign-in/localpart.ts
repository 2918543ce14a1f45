import { type ClaimTemplate, claimsOf, renderClaimTemplate } from '../protocol/claim-template.ts';
import { asciiLower, localpartFault } from '../protocol/identifiers.ts';
import { message } from '../texts/message.ts';
import { SignInRefusal } from './refusal.ts';

export interface LocalpartRule {
  readonly serverName: string;
  /** `claims.localpart` of the provider. Of several templates, the first one counts that makes a localpart. */
  readonly localpart: ClaimTemplate;
}

/** The localpart that the claims make, in ASCII lower case. If they make none, the refusal names claim and value. */
export function mapLocalpart(
  rule: LocalpartRule,
  claims: Readonly<Record<string, unknown>>,
): string | SignInRefusal {
  const names = claimsOf(rule.localpart).join(', ');
  const faultOf = (text: string): string | undefined => localpartFault(asciiLower(text), rule.serverName);
  const usable = renderClaimTemplate(rule.localpart, claims, (text) => faultOf(text) === undefined);
  const value = usable ?? renderClaimTemplate(rule.localpart, claims);
  if (value === undefined) {
    return new SignInRefusal(
      message('sign-in.no-localpart', { claims: names }),
      `claim ${names} is missing, empty or not text`,
    );
  }
  const fault = faultOf(value);
  if (fault !== undefined) {
    const shown = value.length > 100 ? `${value.slice(0, 100).toWellFormed()}…` : value;
    return new SignInRefusal(
      message('sign-in.bad-localpart', { value: shown, claims: names, fault }),
      `claim ${names} makes no localpart: ${fault}`,
    );
  }
  return asciiLower(value);
}
