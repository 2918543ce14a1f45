/** Scopes of the operator's own (`sasl_auth`), for servers that are no homeserver: who may have which, and what tokens with one tell and for how long. Pure. */
import { type AccessRules, type Judged, judgeAccess } from './access-rules.ts';
import { renderClaimTemplate } from './claim-template.ts';
import { ADMIN_SCOPE, deviceIdOf, isApiScope, OPENID_SCOPE } from './scope.ts';

export interface OperatorScope {
  /** What it means, in words for the consent page. */
  readonly description: string;
  /** Any client may ask for it, not only those that name it. */
  readonly anyClient: boolean;
  /** Who may have it, by the claims that the person's provider gave at the last sign-in; everybody if there are none. */
  readonly rules: Pick<AccessRules, 'require' | 'deny'>;
  /** What a token with this scope tells of its person: member by template of `localpart` and `server_name`. */
  readonly claims: Readonly<Record<string, string>>;
  /** Servers that a JWT access token with it is meant for. */
  readonly audience: readonly string[];
  /** Life of an access token with it, in milliseconds. */
  readonly accessTokenTtl?: number;
  /** Life of a session with it, in milliseconds. */
  readonly sessionTtl?: number;
}

/** By name. */
export type OperatorScopes = ReadonlyMap<string, OperatorScope>;

/** What is kept of a person's claims. */
export interface ScopeHolder {
  /** Names of the scopes whose rules held for the claims that were last seen, space-separated. */
  readonly claimed_scopes: string | null;
}

/** Whether it is a scope of the operator's, as neither Matrix nor OpenID Connect has it. */
export function isOperatorScope(token: string): boolean {
  return (
    !isApiScope(token) && deviceIdOf(token) === undefined && token !== OPENID_SCOPE && token !== ADMIN_SCOPE
  );
}

/** Those that a client may ask for on behalf of a person. `named`: what the operator gave the client. */
export function askableScopes(scopes: OperatorScopes, named: readonly string[] = []): ReadonlySet<string> {
  return new Set(
    [...scopes].filter(([name, { anyClient }]) => anyClient || named.includes(name)).map(([name]) => name),
  );
}

/** Whether any claim decides who has a scope. */
export function hasClaimRules(scopes: OperatorScopes): boolean {
  return [...scopes.values()].some(isByClaims);
}

/**
 * What is kept of the claims: the names of the scopes that they give the person. A rule that says nothing as its claim is unknown, or as `isComplete` is false and it is absent,
 * leaves things as they were.
 */
export function scopesByClaims(
  scopes: OperatorScopes,
  person: Judged,
  before: { readonly claimed: string | null; readonly isComplete: boolean },
): string | null {
  const had = before.claimed?.split(' ') ?? [];
  const names = [...scopes].filter(([name, scope]) => {
    if (!isByClaims(scope)) return false;
    const judged = judgeAccess({ ...scope.rules, admin: [] }, person);
    if (judged.ok) return true;
    const saysNothing = judged.isUnknown || (judged.isAbsent && !before.isComplete);
    return saysNothing && had.includes(name);
  });
  return names.length === 0 ? null : names.map(([name]) => name).join(' ');
}

/** What a person gets of the scope tokens that a client asked for: the operator's own only if the person may have them. */
export function permittedScope(
  scopes: OperatorScopes,
  holder: ScopeHolder,
  tokens: readonly string[],
): string[] {
  const claimed = holder.claimed_scopes?.split(' ') ?? [];
  return tokens.filter((token) => {
    if (!isOperatorScope(token)) return true;
    const scope = scopes.get(token);
    return scope !== undefined && (!isByClaims(scope) || claimed.includes(token));
  });
}

/** The servers that a token of this scope is meant for, without duplicates. */
export function audienceOfScope(scopes: OperatorScopes, scope: string): string[] {
  return [...new Set(scope.split(' ').flatMap((token) => scopes.get(token)?.audience ?? []))];
}

/** What a token of this scope tells of its person beside what every token does. */
export function claimsOfScope(
  scopes: OperatorScopes,
  scope: string,
  person: { readonly localpart: string; readonly serverName: string },
): Record<string, string> {
  const values = { localpart: person.localpart, server_name: person.serverName };
  const told: Record<string, string> = {};
  for (const token of scope.split(' ')) {
    for (const [member, template] of Object.entries(scopes.get(token)?.claims ?? {})) {
      const text = renderClaimTemplate(template, values);
      if (text !== undefined) told[member] = text;
    }
  }
  return told;
}

function isByClaims({ rules }: OperatorScope): boolean {
  return rules.require.length + rules.deny.length > 0;
}
